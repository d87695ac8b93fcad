"""A user's own roles, over HTTP against the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from graph.test_graph_against_sandbox import Bench, bench

from bot.domain.activation import ActivationPolicy, EligibleRole, Wish
from bot.domain.errors import (
    ClaimsChallengeError,
    OutcomeUnknownError,
    PimRefusal,
    PimRefusedError,
    RejectedError,
)
from bot.domain.model import PimStatus, Ticket
from bot.sandbox.server import running
from bot.sandbox.tenant import Eligibility, GroupEligibility

HOUR = timedelta(hours=1)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(tmp_path) as sandbox, bench(sandbox) as opened:
        yield opened


async def wish_for(here: Bench, role: str, **changes: object) -> Wish:
    mine = await here.graph.self_service.eligible(here.assertion("riley"))
    (wanted,) = [one for one in mine if one.key == here.role(role)]
    values: dict[str, object] = {
        "role": wanted,
        "duration": 2 * HOUR,
        "starts_at": None,
        "reason": "patching",
        "ticket": Ticket("INC-1", "ServiceDesk"),
    }
    return Wish(**{**values, **changes})  # type: ignore[arg-type]


async def test_ones_own_eligibilities_have_names_scopes_and_ends(here: Bench) -> None:
    unit = "/administrativeUnits/11111111-0000-4000-8000-000000000000"
    ends = here.sandbox.world.now() + HOUR
    added = Eligibility("e1", here.id("sam"), here.role("helpdesk_administrator"), unit, None, ends)
    here.sandbox.world.tenant.eligibilities["e1"] = added
    assert await here.graph.self_service.eligible(here.assertion("sam")) == (
        EligibleRole(here.role("helpdesk_administrator"), "Helpdesk Administrator", unit, None, ends),
    )


async def test_an_eligibility_through_a_group_counts_and_two_of_one_role_are_one(here: Bench) -> None:
    role, ends = here.role("security_administrator"), here.sandbox.world.now() + HOUR
    here.sandbox.world.tenant.eligibilities["e1"] = Eligibility("e1", here.id("casey"), role, "/", None, ends)
    mine = await here.graph.self_service.eligible(here.assertion("casey"))
    assert [(one.key, one.ends_at) for one in mine].count((role, None)) == 1
    assert len(mine) == 2


async def test_a_request_is_sent_with_all_that_was_wished(here: Bench) -> None:
    wish = await wish_for(here, "security_administrator", duration=timedelta(hours=1, minutes=30))
    riley = here.assertion("riley")
    made = await here.graph.self_service.activate(riley, here.id("riley"), wish)
    assert made.status is PimStatus.AWAITING_APPROVAL
    assert made == await here.pending()
    assert (made.duration, made.justification) == (timedelta(hours=1, minutes=30), "patching")
    assert made.ticket == Ticket("INC-1", "ServiceDesk")
    assert await here.graph.self_service.requests(riley) == (made,)


async def test_a_validation_run_sends_nothing(here: Bench) -> None:
    wish = await wish_for(here, "security_administrator")
    riley = here.assertion("riley")
    await here.graph.self_service.activate(riley, here.id("riley"), wish, validate_only=True)
    assert await here.graph.self_service.requests(riley) == ()


async def test_a_start_to_come_is_passed_on(here: Bench) -> None:
    at = here.sandbox.world.now() + 3 * HOUR
    wish = await wish_for(here, "user_administrator", starts_at=at)
    made = await here.graph.self_service.activate(here.assertion("riley"), here.id("riley"), wish)
    assert (made.status, made.starts_at) == (PimStatus.GRANTED, at)


async def test_what_is_active_is_seen_by_its_user_and_by_the_app_once_it_is_there(here: Bench) -> None:
    here.sandbox.world.propagation_seconds = 20
    riley, me, role = here.assertion("riley"), here.id("riley"), here.role("user_administrator")
    wish = await wish_for(here, "user_administrator")
    made = await here.graph.self_service.activate(riley, me, wish)
    assert await here.graph.self_service.active(riley) == ()
    assert await here.graph.role_facts.held(me, role, "/") is None
    await here.sandbox.world.advance(21)
    (mine,) = await here.graph.self_service.active(riley)
    held = await here.graph.role_facts.held(me, role, "/")
    assert held is not None
    assert (mine.display_name, mine.request_id, held.until) == ("User Administrator", made.id, mine.until)
    assert mine.until == mine.since + 2 * HOUR
    assert await here.graph.role_facts.held(me, role, "/administrativeUnits/x") is None
    await here.sandbox.world.advance(301)
    back = await here.graph.self_service.give_back(riley, me, role, "/")
    assert (back.action, back.status) == ("selfDeactivate", PimStatus.REVOKED)
    assert await here.graph.role_facts.held(me, role, "/") is None


async def test_a_standing_assignment_is_no_activation(here: Bench) -> None:
    assert await here.graph.self_service.active(here.assertion("dana")) == ()
    role = here.role("privileged_role_administrator")
    assert await here.graph.role_facts.held(here.id("dana"), role, "/") is None


async def test_a_pending_request_is_withdrawn_once(here: Bench) -> None:
    await here.ask()
    request, riley = await here.pending(), here.assertion("riley")
    await here.graph.self_service.withdraw(riley, request)
    with pytest.raises(PimRefusedError) as caught:
        await here.graph.self_service.withdraw(riley, request)
    assert caught.value.refusal is PimRefusal.NOT_WITHDRAWABLE


async def test_each_refusal_of_pim_is_told_apart(here: Bench) -> None:
    riley, me = here.assertion("riley"), here.id("riley")
    pending, active = (
        await wish_for(here, "security_administrator"),
        await wish_for(here, "user_administrator"),
    )
    send = here.graph.self_service.activate
    await send(riley, me, pending)
    await send(riley, me, active)

    async def refusal(wish: Wish) -> tuple[PimRefusal, tuple[str, ...]]:
        with pytest.raises(PimRefusedError) as caught:
            await send(riley, me, wish)
        return caught.value.refusal, caught.value.rules

    assert await refusal(pending) == (PimRefusal.PENDING_ALREADY, ())
    assert await refusal(active) == (PimRefusal.ACTIVE_ALREADY, ())
    other = await wish_for(
        here, "application_administrator", duration=9 * HOUR, reason="", ticket=Ticket("1")
    )
    assert await refusal(other) == (
        PimRefusal.POLICY,
        ("ExpirationRule", "JustificationRule", "TicketingRule"),
    )
    nowhere = EligibleRole("00000000-0000-4000-8000-000000000000", "?", "/")
    assert await refusal(Wish(nowhere, HOUR, None, "x")) == (PimRefusal.UNKNOWN_ROLE, ())
    for scope, wanted in (("/", PimRefusal.TOO_EARLY), ("/x", PimRefusal.UNKNOWN_ROLE)):
        with pytest.raises(PimRefusedError) as caught:
            await here.graph.self_service.give_back(riley, me, active.role.key, scope)
        assert caught.value.refusal is wanted
    here.sandbox.world.premium_licence = False
    assert await refusal(active) == (PimRefusal.LICENCE, ())


async def test_a_missing_authentication_context_and_a_missing_factor_are_challenges(here: Bench) -> None:
    world, me = here.sandbox.world, here.id("riley")
    wish = await wish_for(here, "security_administrator")
    world.tenant.policies[here.role("security_administrator")].authentication_context = "c1"
    with pytest.raises(ClaimsChallengeError) as caught:
        await here.graph.self_service.activate(here.assertion("riley"), me, wish)
    assert '"value":"c1"' in caught.value.claims
    with pytest.raises(ClaimsChallengeError) as caught:
        await here.graph.self_service.activate(here.assertion("riley", amr=["pwd"]), me, wish)
    assert '"amr":{"values":["mfa"]}' in caught.value.claims
    stepped_up = here.assertion("riley", acrs=["c1"])
    assert (await here.graph.self_service.activate(stepped_up, me, wish)).approval_id


async def test_a_post_whose_answer_is_lost_is_not_repeated(here: Bench) -> None:
    wish = await wish_for(here, "security_administrator")
    riley = here.assertion("riley")
    here.fault("POST .*ScheduleRequests", status=504, after=True)
    with pytest.raises(OutcomeUnknownError):
        await here.graph.self_service.activate(riley, here.id("riley"), wish)
    assert len(await here.graph.self_service.requests(riley)) == 1


async def test_a_code_that_is_not_known_is_a_rejection_with_that_code(here: Bench) -> None:
    wish = await wish_for(here, "security_administrator")
    here.fault("POST .*ScheduleRequests", status=400, code="SomethingNew", message="?")
    with pytest.raises(RejectedError) as caught:
        await here.graph.self_service.activate(here.assertion("riley"), here.id("riley"), wish)
    assert (type(caught.value), caught.value.code) == (RejectedError, "SomethingNew")


async def test_the_policy_says_what_an_activation_needs(here: Bench) -> None:
    world = here.sandbox.world
    world.tenant.policies[here.role("global_administrator")].authentication_context = "c2"
    facts = here.graph.role_facts
    assert await facts.activation_policy(here.role("global_administrator")) == ActivationPolicy(
        longest=4 * HOUR,
        reason_required=True,
        ticket_required=False,
        mfa_required=True,
        authentication_context="c2",
        approval_required=True,
    )
    assert await facts.activation_policy(here.role("application_administrator")) == ActivationPolicy(
        longest=8 * HOUR,
        reason_required=True,
        ticket_required=True,
        mfa_required=False,
        authentication_context=None,
        approval_required=True,
    )


# PIM for Groups ----------------------------------------------------------------------------


def eligible_in(here: Bench, group: str, access: str = "member", user: str = "riley") -> str:
    """Make somebody eligible for a group; the key of that role."""
    tenant = here.sandbox.world.tenant
    group_id = next(one.id for one in tenant.groups.values() if one.display_name == group)
    name = f"ge-{user}-{access}"
    tenant.group_eligibilities[name] = GroupEligibility(name, group_id, here.id(user), access)
    return f"group:{group_id}:{access}"


async def test_membership_and_ownership_of_groups_are_roles_among_ones_own(here: Bench) -> None:
    member = eligible_in(here, "Security Operations", user="sam")
    owner = eligible_in(here, "Security Operations", "owner", user="sam")
    mine = await here.graph.self_service.eligible(here.assertion("sam"))
    assert mine == (
        EligibleRole(member, "Security Operations", "/"),
        EligibleRole(owner, "Security Operations (owner)", "/"),
    )


@pytest.mark.parametrize("access", ["member", "owner"])
async def test_a_groups_role_is_asked_for_seen_and_given_back(here: Bench, access: str) -> None:
    here.sandbox.world.propagation_seconds = 20
    key, riley, me = (
        eligible_in(here, "Security Operations", access),
        here.assertion("riley"),
        here.id("riley"),
    )
    wish = Wish(EligibleRole(key, "Security Operations", "/"), HOUR, None, "patching")
    service, facts = here.graph.self_service, here.graph.role_facts
    made = await service.activate(riley, me, wish)
    assert (made.role_definition_id, made.scope, made.status) == (key, "/", PimStatus.GRANTED)
    assert made in await service.requests(riley)
    assert await facts.held(me, key, "/") is None
    await here.sandbox.world.advance(21)
    (mine,) = await service.active(riley)
    assert (mine.key, mine.request_id) == (key, made.id)
    held = await facts.held(me, key, "/")
    assert held is not None
    assert (held.since, held.until) == (mine.since, mine.since + HOUR)
    with pytest.raises(PimRefusedError) as caught:
        await service.give_back(riley, me, key, "/")
    assert caught.value.refusal is PimRefusal.TOO_EARLY
    await here.sandbox.world.advance(300)
    assert (await service.give_back(riley, me, key, "/")).action == "selfDeactivate"
    assert await facts.held(me, key, "/") is None


async def test_a_pending_request_for_a_group_is_withdrawn(here: Bench) -> None:
    key, riley = eligible_in(here, "Security Operations"), here.assertion("riley")
    group_id = key.split(":")[1]
    wish = Wish(EligibleRole(key, "x", "/"), HOUR, None, "patching")
    await here.graph.self_service.activate(riley, here.id("riley"), wish, validate_only=True)
    policy = here.sandbox.world.tenant.group_policies[group_id, "member"]
    policy.approval_required, policy.approver_users = True, [here.id("alex")]
    made = await here.graph.self_service.activate(riley, here.id("riley"), wish)
    assert made.status is PimStatus.AWAITING_APPROVAL
    await here.graph.self_service.withdraw(riley, made)
    (now,) = await here.graph.self_service.requests(riley)
    assert now.status is PimStatus.WITHDRAWN


async def test_without_the_permission_for_groups_directory_roles_are_there_all_the_same(here: Bench) -> None:
    here.sandbox.world.delegated_scopes -= {"PrivilegedEligibilitySchedule.Read.AzureADGroup"}
    eligible_in(here, "Security Operations")
    mine = await here.graph.self_service.eligible(here.assertion("riley"))
    assert mine
    assert not any(role.key.startswith("group:") for role in mine)
