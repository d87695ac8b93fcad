"""Opens everything that talks to Entra and Graph."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from bot.domain.errors import RejectedError
from bot.graph.approvals import GraphApprovals
from bot.graph.batch import Batch
from bot.graph.calls import GraphCalls
from bot.graph.client import open_http
from bot.graph.config import GraphConfig
from bot.graph.directory import GraphDirectory
from bot.graph.entra import open_entra
from bot.graph.errors import Call
from bot.graph.graph_call import Kind
from bot.graph.group_danger import GroupRoles
from bot.graph.group_directory import GroupDirectory
from bot.graph.group_holders import GroupHolders
from bot.graph.group_polling import GroupPolling
from bot.graph.managed_groups import ManagedGroups
from bot.graph.on_behalf import OnBehalf
from bot.graph.permissions import asked
from bot.graph.retries import Retries
from bot.graph.role_facts import GraphRoleFacts
from bot.graph.self_service import GraphSelfService
from bot.graph.sign_in import EntraSignIns
from bot.graph.sign_in import open_http as open_sign_in_http
from bot.graph.subscriptions import GraphSubscriptions
from bot.graph.tokens import EntraAppTokens
from bot.graph.whole_directory import WholeDirectory
from bot.ports import Approvals, AppTokens, Clock, Directory, RoleFacts, SelfService, SignIns, Subscriptions


@dataclass(frozen=True, slots=True)
class GraphAdapters:
    """The ports this package implements. They share connections, and work until ``open_graph`` ends."""

    tokens: AppTokens
    directory: Directory
    approvals: Approvals
    subscriptions: Subscriptions
    self_service: SelfService
    role_facts: RoleFacts
    sign_ins: SignIns
    managed_groups: ManagedGroups
    on_behalf: OnBehalf


@asynccontextmanager
async def open_graph(
    config: GraphConfig, clock: Clock, retries: Retries | None = None
) -> AsyncIterator[GraphAdapters]:
    """Opens the adapters; nothing is called yet.

    Raises ``RejectedError`` when the client certificate or the CA bundle can't be read, or
    ``graph_url`` is neither https nor on loopback.
    """
    retries = retries or Retries()
    tls = _tls(config)
    async with AsyncExitStack() as stack:
        entra = await stack.enter_async_context(open_entra(config, tls, clock))
        graph = await stack.enter_async_context(open_http(config.graph_url, tls))
        browsing = stack.enter_context(open_sign_in_http(tls))
        tokens = EntraAppTokens(entra, clock, retries)

        async def token() -> str:
            return await tokens.token(config.graph_scope)

        def forget() -> None:
            tokens.forget(config.graph_scope)

        async def challenged(_claims: str) -> str:
            forget()  # the app can't answer for claims; a new token is all there is to try
            return await token()

        adapter = graph.adapter(token, challenged)
        builders = graph.builders(adapter)
        calls = GraphCalls(adapter, Call.APP, clock, retries, forget)
        unrepeated = GraphCalls(adapter, Call.APP, clock, replace(retries, attempts=1), forget)
        batch = Batch(unrepeated, str(adapter.base_url), clock, retries)
        directory = GraphDirectory(calls, batch, builders, config.tenant_id, clock)
        on_behalf = OnBehalf(graph, entra, scope=config.graph_scope, clock=clock, retries=retries)
        managed = ManagedGroups(calls, config.graph_url, config.groups, clock)
        polling = GroupPolling(calls, builders, managed, clock)
        groups = GroupDirectory(
            calls,
            builders,
            polling=polling,
            roles=GroupRoles(calls, builders, directory.people, clock),
            policies=directory.policies,
            holders=GroupHolders(directory.role_holders),
            clock=clock,
        )
        yield GraphAdapters(
            tokens=tokens,
            directory=WholeDirectory(directory, groups),
            approvals=GraphApprovals(on_behalf, config.tenant_id, clock),
            subscriptions=GraphSubscriptions(
                calls,
                builders,
                notification_url=config.notification_url,
                lifecycle_url=config.lifecycle_url,
            ),
            self_service=GraphSelfService(on_behalf, clock),
            role_facts=GraphRoleFacts(calls, builders, directory.policies, clock),
            sign_ins=EntraSignIns(
                entra,
                browsing,
                authority=f"{config.login_url}/{config.tenant_id}",
                redirect_uri=config.redirect_uri,
                api_scope=config.api_scope,
                consent_scopes=tuple(f"{config.graph_url}/{name}" for name in asked(Kind.DELEGATED)),
            ),
            managed_groups=managed,
            on_behalf=on_behalf,
        )


def _tls(config: GraphConfig) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=config.ca_bundle)
    except OSError as exc:  # also ssl.SSLError, for a file that holds no certificate
        raise RejectedError("The CA bundle can't be read") from exc
