"""The real adapters against the project's sandbox, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from fakes.values import ROLE, an_approval

from bot.domain.danger import GLOBAL_ADMINISTRATOR
from bot.domain.errors import (
    AlreadyDecidedError,
    ClaimsChallengeError,
    InteractionRequiredError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionMissingError,
    RejectedError,
)
from bot.domain.model import Choice, Danger, Holders, PathKind, PimRequest, PimStatus, UserAssertion
from bot.graph.adapters import GraphAdapters, open_graph
from bot.graph.config import AppCredential, ClientCertificate, ClientSecret, GraphConfig
from bot.graph.graph_call import Feature, Kind
from bot.graph.permissions import asked
from bot.sandbox import tokens
from bot.sandbox.server import Sandbox, running
from bot.sandbox.world import Fault


@dataclass
class SandboxClock:
    sandbox: Sandbox

    def now(self) -> datetime:
        return self.sandbox.world.now()

    async def wait(self, seconds: float) -> None:
        await self.sandbox.world.advance(seconds)


@dataclass
class Bench:
    sandbox: Sandbox
    graph: GraphAdapters

    def id(self, key: str) -> str:
        return self.sandbox.world.user(key).object_id

    def role(self, key: str) -> str:
        return self.sandbox.world.tenant.role(key).id

    def assertion(self, key: str, **claims: object) -> UserAssertion:
        world = self.sandbox.world
        return UserAssertion(tokens.user_assertion(world, world.user(key), **claims))

    async def ask(
        self, role: str = "security_administrator", user: str = "riley", duration: str = "PT2H"
    ) -> str:
        wish = {
            "user": user,
            "role": role,
            "justification": "because",
            "ticket": "INC-1",
            "duration": duration,
        }
        url = f"{self.sandbox.http}/_sandbox/portal/activate"
        async with aiohttp.ClientSession() as session, session.post(url, json=wish) as answer:
            shown = await answer.json()
            assert answer.status == 201, shown
            return str(shown["id"])

    async def pending(self) -> PimRequest:
        (request,) = await self.graph.directory.pending_requests()
        return request

    def fault(self, match: str, **what: object) -> None:
        self.sandbox.world.faults["f"] = Fault(id="f", service="graph", match=match, **what)


@asynccontextmanager
async def bench(
    sandbox: Sandbox, credential: AppCredential | None = None, groups: tuple[str, ...] | None = ()
) -> AsyncIterator[Bench]:
    world = sandbox.world
    config = GraphConfig(
        tenant_id=world.tenant_id,
        client_id=world.client_id,
        credential=credential or ClientSecret(world.client_secret),
        login_url=sandbox.login,
        graph_url=sandbox.http,
        graph_scope=f"{sandbox.http}/.default",
        notification_url="http://127.0.0.1:9/api/notifications",
        lifecycle_url="http://127.0.0.1:9/api/lifecycle",
        redirect_uri="https://bot.example/signin/callback",
        api_scope="api://botid-app/access_as_user",
        groups=groups,
        ca_bundle=sandbox.ca_bundle,
    )
    async with open_graph(config, SandboxClock(sandbox)) as graph:
        yield Bench(sandbox, graph)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(tmp_path) as sandbox, bench(sandbox) as opened:
        yield opened


async def test_a_request_made_in_the_portal_is_listed_as_pending_with_all_it_says(here: Bench) -> None:
    request_id = await here.ask()
    request = await here.pending()
    assert request.id == request_id == request.approval_id
    assert request.status is PimStatus.AWAITING_APPROVAL
    assert request.principal_id == here.id("riley")
    assert request.role_definition_id == here.role("security_administrator")
    assert request.duration == timedelta(hours=2)
    assert request.justification == "because"
    assert request.ticket is not None
    assert request.ticket.number == "INC-1"
    assert abs(request.created_at - here.sandbox.world.now()) < timedelta(minutes=1)


async def test_pending_requests_are_found_across_pages(here: Bench) -> None:
    here.sandbox.world.page_size = 1
    wanted = {await here.ask("security_administrator"), await here.ask("exchange_administrator")}
    assert {request.id for request in await here.graph.directory.pending_requests()} == wanted


async def test_a_request_nobody_has_made_is_none(here: Bench) -> None:
    assert await here.graph.directory.request("00000000-0000-4000-8000-000000000000", ROLE) is None


async def test_persons_and_roles_have_their_names(here: Bench) -> None:
    person = await here.graph.directory.person(here.id("alex"))
    role = await here.graph.directory.role(GLOBAL_ADMINISTRATOR)
    assert (person.display_name, person.identity.object_id) == ("Alex Lindqvist", here.id("alex"))
    assert (role.display_name, role.danger) == ("Global Administrator", Danger.CRITICAL)


async def test_approvers_named_one_by_one_are_the_approvers(here: Bench) -> None:
    policy = await here.graph.directory.approval_policy(here.role("security_administrator"))
    assert policy.approval_required
    assert not policy.defaulted
    wanted = {here.id(key) for key in ("alex", "blake", "casey", "dana", "emery")}
    assert {person.identity.object_id for person in policy.approvers} == wanted


async def test_approvers_named_by_group_are_its_members(here: Bench) -> None:
    policy = await here.graph.directory.approval_policy(here.role("exchange_administrator"))
    assert {one.display_name for one in policy.approvers} == {
        "Alex Lindqvist",
        "Casey Moreau",
        "Riley Okafor",
    }
    assert policy.justification_required


async def test_an_empty_approver_list_means_privileged_role_and_global_administrators(here: Bench) -> None:
    policy = await here.graph.directory.approval_policy(here.role("global_administrator"))
    assert policy.defaulted
    wanted = {here.id(key) for key in ("dana", "bg1", "bg2")}
    assert {person.identity.object_id for person in policy.approvers} == wanted


async def test_a_role_without_approval_needs_no_approvers(here: Bench) -> None:
    policy = await here.graph.directory.approval_policy(here.role("global_reader"))
    assert (policy.approval_required, policy.approvers) == (False, ())


async def test_holders_tell_direct_paths_from_those_through_groups(here: Bench) -> None:
    holders = await here.graph.directory.holders(here.role("security_administrator"))
    paths = {path.object_id: (path.kind, path.via) for path in holders.eligible}
    assert paths == {
        here.id("riley"): (PathKind.DIRECT, ()),
        here.id("blake"): (PathKind.DIRECT, ()),
        here.id("casey"): (PathKind.GROUP, ("Security Operations",)),
    }
    assert holders.active == ()


async def test_the_approver_decides_with_their_own_token_and_graph_says_so(here: Bench) -> None:
    approval_id = await here.ask()
    approvals, alex = here.graph.approvals, here.assertion("alex")
    step = await approvals.read(alex, an_approval(approval_id))
    assert (step.open, step.assigned_to_me, step.decision) == (True, True, None)
    await approvals.decide(alex, an_approval(approval_id), step.step_id, Choice.APPROVE, "ok by me")
    decision = (await approvals.read(alex, an_approval(approval_id))).decision
    assert decision is not None
    assert decision.by is not None
    assert (decision.choice, decision.by.identity.object_id) == (Choice.APPROVE, here.id("alex"))
    assert decision.justification == "ok by me"
    request = await here.graph.directory.request(approval_id, ROLE)
    assert request is not None
    assert request.status in {PimStatus.GRANTED, PimStatus.IN_TRANSIT}


async def test_a_denial_is_read_back_as_a_denial(here: Bench) -> None:
    approval_id = await here.ask()
    await here.graph.approvals.decide(
        here.assertion("emery"), an_approval(approval_id), approval_id, Choice.DENY, "no"
    )
    step = await here.graph.approvals.read(here.assertion("alex"), an_approval(approval_id))
    assert step.decision is not None
    assert step.decision.choice is Choice.DENY
    request = await here.graph.directory.request(approval_id, ROLE)
    assert request is not None
    assert request.status is PimStatus.DENIED


async def test_the_second_decision_is_already_decided(here: Bench) -> None:
    approval_id = await here.ask()
    await here.graph.approvals.decide(
        here.assertion("alex"), an_approval(approval_id), approval_id, Choice.APPROVE, "yes"
    )
    with pytest.raises(AlreadyDecidedError):
        await here.graph.approvals.decide(
            here.assertion("emery"), an_approval(approval_id), approval_id, Choice.DENY, "no"
        )


async def test_an_approval_that_does_not_exist_is_not_found(here: Bench) -> None:
    with pytest.raises(NotFoundError):
        await here.graph.approvals.read(
            here.assertion("alex"), an_approval("00000000-0000-4000-8000-000000000000")
        )


async def test_a_missing_permission_is_named_although_its_code_is_hidden_in_json(here: Bench) -> None:
    here.sandbox.world.app_roles.clear()
    with pytest.raises(PermissionMissingError) as caught:
        await here.graph.directory.pending_requests()
    assert caught.value.code == "PermissionScopeNotGranted"
    assert "RoleAssignmentSchedule.ReadWrite.Directory" in caught.value.scopes


async def test_missing_consent_asks_the_user_to_consent(here: Bench) -> None:
    here.sandbox.world.consented = set()
    with pytest.raises(InteractionRequiredError) as caught:
        await here.graph.approvals.read(here.assertion("alex"), an_approval(await here.ask()))
    assert caught.value.code == "AADSTS65001"


async def test_a_step_up_is_asked_for_and_satisfied_by_a_new_assertion(here: Bench) -> None:
    world = here.sandbox.world
    world.require_claims[here.id("alex")] = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
    approval_id = await here.ask()
    with pytest.raises(ClaimsChallengeError) as caught:
        await here.graph.approvals.read(here.assertion("alex"), an_approval(approval_id))
    assert '"acrs":{"essential":true,"value":"c1"}' in caught.value.claims
    assert '"xms_cc":{"values":["cp1"]}' in caught.value.claims
    step = await here.graph.approvals.read(here.assertion("alex", acrs=["c1"]), an_approval(approval_id))
    assert step.open


async def test_a_voided_app_token_is_replaced_without_anybody_noticing(here: Bench) -> None:
    assert await here.graph.directory.pending_requests() == ()
    here.sandbox.world.tokens_void_before = here.sandbox.world.now() + timedelta(seconds=1)
    await here.sandbox.world.advance(2)
    assert await here.graph.directory.pending_requests() == ()


async def test_a_decision_whose_answer_is_lost_has_an_unknown_outcome_and_is_not_repeated(
    here: Bench,
) -> None:
    approval_id = await here.ask()
    here.fault("PATCH", status=503, after=True)
    with pytest.raises(OutcomeUnknownError):
        await here.graph.approvals.decide(
            here.assertion("alex"), an_approval(approval_id), approval_id, Choice.APPROVE, "y"
        )
    step = await here.graph.approvals.read(here.assertion("alex"), an_approval(approval_id))
    assert step.decision is not None
    decided = [line for line in here.sandbox.world.log if line["event"] == "request_decided"]
    assert len(decided) == 1


async def test_the_app_may_prove_itself_with_a_certificate(tmp_path: Path) -> None:
    async with (
        running(tmp_path) as sandbox,
        bench(sandbox, ClientCertificate(sandbox.client_certificate)) as here,
    ):
        step = await here.graph.approvals.read(here.assertion("alex"), an_approval(await here.ask()))
        assert step.open


async def test_a_resource_that_cant_be_subscribed_to_is_rejected(here: Bench) -> None:
    expires_at = here.sandbox.world.now() + timedelta(hours=1)
    with pytest.raises(RejectedError):
        await here.graph.subscriptions.create("roleManagement/directory", "secret", expires_at)


# The permissions table, judged by the sandbox


async def everything_the_app_reads(here: Bench) -> None:
    role = here.role("security_administrator")
    directory = here.graph.directory
    await directory.pending_requests()
    await directory.request(await here.ask(), role)
    await directory.role(role)
    await directory.person(here.id("riley"))
    await directory.approval_policy(role)
    await directory.holders(role)
    standing = await directory.standing(role, here.id("casey"))
    assert isinstance(standing.holders, Holders)


async def test_what_the_table_asks_for_is_enough_to_read_everything(here: Bench) -> None:
    here.sandbox.world.app_roles = set(asked(Kind.APPLICATION))
    await everything_the_app_reads(here)


@pytest.mark.parametrize("missing", asked(Kind.APPLICATION, [Feature.CORE]))
async def test_without_any_of_the_app_permissions_asked_for_something_is_refused(
    here: Bench, missing: str
) -> None:
    here.sandbox.world.app_roles = set(asked(Kind.APPLICATION)) - {missing}
    if missing == "RoleManagementPolicy.Read.Directory":
        await everything_the_app_reads(here)  # RoleManagement.Read.Directory does as well
        return
    with pytest.raises(PermissionMissingError):
        await everything_the_app_reads(here)


async def alex_approves(here: Bench) -> None:
    approval, alex = an_approval(await here.ask()), here.assertion("alex")
    step = await here.graph.approvals.read(alex, approval)
    await here.graph.approvals.decide(alex, approval, step.step_id, Choice.APPROVE, "known")


async def test_what_the_table_asks_for_is_enough_to_decide(here: Bench) -> None:
    here.sandbox.world.delegated_scopes = set(asked(Kind.DELEGATED))
    await alex_approves(here)


@pytest.mark.parametrize("missing", asked(Kind.DELEGATED, [Feature.CORE]))
async def test_without_any_of_the_delegated_permissions_asked_for_nothing_is_decided(
    here: Bench, missing: str
) -> None:
    here.sandbox.world.delegated_scopes = set(asked(Kind.DELEGATED)) - {missing}
    with pytest.raises(PermissionMissingError):
        await alex_approves(here)
