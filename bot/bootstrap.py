"""The one place where settings meet adapters."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Final

from aiohttp import web

from bot.clock import SystemIds
from bot.conversing import command_desk, own_roles
from bot.domain.model import ApprovalRequest, Role
from bot.graph.adapters import GraphAdapters, open_graph
from bot.house_rules import house_rules, ladder
from bot.outside import database_login, graph_config, open_clock, open_session, teams_config
from bot.ports import Clock, Store
from bot.service.announce import Announcer
from bot.service.common import (
    CARD_SYNC,
    CONDUCT,
    HOUSEKEEPING,
    OPS_PING,
    RECONCILE,
    RECOVER,
    SUBSCRIPTIONS,
    periodic,
)
from bot.service.conduct import Conduct
from bot.service.decide import DECIDE, Decisions, Terms
from bot.service.desk import ApproverDesk, ChannelRegister
from bot.service.escalate import Escalation
from bot.service.facts import FactsReader
from bot.service.followed import OWN_CARD, WATCH
from bot.service.forgeries import Forgeries
from bot.service.housekeep import Housekeeping
from bot.service.intake import Intake
from bot.service.living import LivingCards
from bot.service.own_roles import RoleDesk
from bot.service.reconcile import Reconciler
from bot.service.recover import Recovery
from bot.service.resuming import ResumedCommands
from bot.service.runner import EffectRunner
from bot.service.signing_in import ACT_CHECK, SIGN_IN_ASK, SigningIn
from bot.service.subscribe import Subscriber
from bot.service.views import Views
from bot.service.watch import Watcher
from bot.service.whose import Whose
from bot.settings import Settings
from bot.store.opening import open_store, parse_url
from bot.store.sql_store import SqlStore
from bot.teams.assembly import TeamsAdapters, TeamsTurns, open_teams, teams_turns
from bot.telemetry.instruments import measured_by
from bot.telemetry.metrics import INFO
from bot.web import about, health, messages, notifications, sign_in
from bot.web.arrivals import Doors, arrivals
from bot.web.keys import ChannelKeys

_GRACE_SECONDS: Final = 6.5
"""For effects and turns under way when stopping, side by side; see ``serving`` for what is left of ten."""
_STILL_AFTER: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Parts:
    settings: Settings
    store: SqlStore
    clock: Clock
    ids: SystemIds
    graph: GraphAdapters
    teams: TeamsAdapters
    channels: ChannelRegister


@dataclass(frozen=True, slots=True)
class _Services:
    desk: ApproverDesk
    commands: ResumedCommands
    own_roles: RoleDesk
    watcher: Watcher
    living: LivingCards
    signing_in: SigningIn
    announcer: Announcer
    escalation: Escalation
    conduct: Conduct
    reconciler: Reconciler
    recovery: Recovery
    subscriber: Subscriber
    housekeeping: Housekeeping


@dataclass(frozen=True, slots=True)
class House:
    """Everything, opened. ``app`` is what is to be served."""

    _parts: _Parts
    _services: _Services
    _runner: EffectRunner
    _turns: TeamsTurns
    _doors: Doors
    app: web.Application
    metrics: web.Application | None
    """What is to be served on the metrics port, when there is one."""

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Reconcile and carry out effects until the block ends. To be entered when ``app`` is being
        served: Graph calls back while a subscription is made.
        """
        await _first_effects(self._parts, self._services)
        task = asyncio.create_task(self._runner.run(), name="effect runner")
        try:
            yield
        finally:
            self._doors.close()
            await asyncio.gather(
                self._runner.stop(_GRACE_SECONDS),
                self._turns.close(_GRACE_SECONDS),
                self._doors.left(_GRACE_SECONDS),
            )
            task.cancel()  # still in the loop only if the store does not answer
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Open the store, the adapters and the effect runner, and close them in order afterwards.
    Raises what opening them raises (``SecondKeyError``s).
    """
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        clock = await open_clock(settings, session, stack)
        ids = SystemIds()
        login = await stack.enter_async_context(database_login(settings))
        store = await open_store(settings.database_url, clock, login)
        stack.push_async_callback(store.close)
        graph = await stack.enter_async_context(open_graph(graph_config(settings), clock))
        channels = ChannelRegister(store)
        to_teams = teams_config(settings)
        teams = open_teams(
            to_teams,
            session=session,
            tokens=graph.tokens,
            clock=clock,
            service_url=channels.service_url,
        )
        parts = _Parts(settings, store, clock, ids, graph, teams, channels)
        services = _services(parts)
        runner = _runner(services, store, clock)
        store.on_commit(runner.poke)
        turns = teams_turns(
            to_teams,
            session=session,
            tokens=graph.tokens,
            clock=clock,
            desk=services.desk,
            commands=services.commands,
            zone=settings.zone,
        )
        stack.push_async_callback(turns.close, _GRACE_SECONDS)
        keys = ChannelKeys(session, settings.endpoints.bot_openid_url, clock)
        endpoint = messages.MessagesEndpoint(
            turns, keys, app_id=settings.client_id, issuer=settings.endpoints.bot_issuer, clock=clock, ids=ids
        )
        doors = Doors()
        app = web.Application(middlewares=[arrivals(doors)])
        app.add_routes(messages.routes(endpoint))
        app.add_routes(notifications.routes(services.subscriber, runner.poke))
        app.add_routes(sign_in.routes(services.signing_in))
        app.add_routes(health.routes(_checks(parts, services, runner)))
        app.add_routes(about.routes())
        measured = _measured(settings, store, stack)
        yield House(parts, services, runner, turns, doors, app, measured)


def _measured(settings: Settings, store: SqlStore, stack: AsyncExitStack) -> web.Application | None:
    """The metrics page, with everything measured from here on; None when nobody is to read it."""
    if settings.metrics_port is None:
        return None
    from bot.web.metrics import Backlog, PrometheusMeters, metrics_app  # noqa: PLC0415 - for whoever asks

    meters = PrometheusMeters()
    stack.enter_context(measured_by(meters))
    backend = parse_url(settings.database_url).get_backend_name()
    INFO.put(1, version=version("second-key"), cloud=settings.cloud, store=backend)

    async def backlogs() -> list[Backlog]:
        return [Backlog(*row) for row in await store.backlog()]

    return metrics_app(meters, backlogs)


def _services(parts: _Parts) -> _Services:
    settings, store, clock, graph, teams = parts.settings, parts.store, parts.clock, parts.graph, parts.teams
    portal, rules = settings.endpoints.portal_url, house_rules(settings)
    facts = FactsReader(graph.directory, clock)
    intake = Intake(
        graph.directory,
        facts,
        store,
        clock,
        rules,
        ladder(settings),
        settings.quorum_of,
        settings.denial_needs_reason,
    )
    recovery = Recovery(store, graph.directory, graph.approvals, teams.user_tokens, clock)
    signing_in = SigningIn(
        store,
        graph.sign_ins,
        teams.user_tokens,
        teams.personal_chat,
        clock,
        parts.ids,
        settings.sign_in_url,
    )
    decisions = Decisions(
        store,
        facts,
        graph.approvals,
        Whose(teams.user_tokens),
        signing_in,
        recovery,
        clock,
        parts.ids,
        rules,
        Views(store, rules, portal),
        Terms(settings.approver_context_of),
    )
    signing_in.resume[DECIDE] = decisions.resume
    desk = ApproverDesk(decisions, signing_in, teams.personal_chat, parts.channels, Forgeries(store, clock))
    roles = own_roles(settings, graph, teams.user_tokens, intake, store=store, clock=clock)
    return _Services(
        desk=desk,
        commands=command_desk(
            settings,
            roles=roles,
            desk=desk,
            signing_in=signing_in,
            store=store,
            clock=clock,
            facts=facts,
            rules=rules,
        ),
        signing_in=signing_in,
        own_roles=roles,
        watcher=Watcher(store, graph.role_facts, graph.directory, clock),
        living=LivingCards(store, teams.personal_chat, teams.channel, clock, portal),
        announcer=Announcer(store, teams.channel, clock, portal, _channel(settings.approver_channel_of)),
        escalation=Escalation(store, teams.channel, clock, portal, _channel(settings.ops_channel_of)),
        conduct=Conduct(store, teams.channel, clock, portal, _report_channel(settings)),
        reconciler=Reconciler(
            directory=graph.directory,
            intake=intake,
            recovery=recovery,
            store=store,
            clock=clock,
            poll=timedelta(seconds=settings.poll_seconds),
        ),
        recovery=recovery,
        subscriber=Subscriber(graph.subscriptions, store, clock, parts.ids, settings.subscriptions),
        housekeeping=Housekeeping(store, store.prune, clock),
    )


def _channel(of_role: Callable[[Role], str]) -> Callable[[ApprovalRequest], str]:
    return lambda request: of_role(request.role)


def _report_channel(settings: Settings) -> Callable[[ApprovalRequest | None], str]:
    """Where ops hear of somebody's tries: of the role tried on, if that is known."""
    return lambda request: settings.ops_channel_of(request.role) if request else settings.ops_channel


def _runner(services: _Services, store: Store, clock: Clock) -> EffectRunner:
    handlers = {
        CARD_SYNC: services.announcer.sync,
        OPS_PING: services.escalation.ping,
        CONDUCT: services.conduct.check,
        SIGN_IN_ASK: services.signing_in.ask,
        ACT_CHECK: services.signing_in.check,
        RECOVER: services.recovery.recover,
        RECONCILE: services.reconciler.run,
        SUBSCRIPTIONS: services.subscriber.run,
        HOUSEKEEPING: services.housekeeping.run,
        WATCH: services.watcher.watch,
        OWN_CARD: services.living.sync,
        **services.own_roles.handlers,
    }
    owner = f"{socket.gethostname()}:{os.getpid()}:{SystemIds().new_id()[:8]}"
    return EffectRunner(store, clock, handlers, owner)


async def _first_effects(parts: _Parts, services: _Services) -> None:
    if parts.settings.database_url.startswith("sqlite"):
        # The only process there is: whoever claimed a decision is gone.
        await services.recovery.hurry()
    await services.reconciler.begin()
    async with parts.store.transaction() as tx:
        await tx.wake(periodic(SUBSCRIPTIONS, parts.clock))
        await tx.enqueue(periodic(HOUSEKEEPING, parts.clock))


def _checks(parts: _Parts, services: _Services, runner: EffectRunner) -> dict[str, health.Check]:
    settings, store, clock, graph = parts.settings, parts.store, parts.clock, parts.graph

    async def store_reachable() -> str | None:
        await store.ping()
        return None

    async def tokens_obtainable() -> str | None:
        await graph.tokens.token(settings.endpoints.graph_scope)
        await graph.tokens.token(settings.endpoints.bot_scope)
        return None

    async def reconciled() -> str | None:
        return None if await services.reconciler.fresh() else "Graph was not read lately"

    async def effects_running() -> str | None:
        return None if clock.now() - runner.heartbeat <= _STILL_AFTER else "the effect runner stands still"

    return {
        "store": store_reachable,
        "tokens": tokens_obtainable,
        "reconciliation": reconciled,
        "effects": effects_running,
    }
