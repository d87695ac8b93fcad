"""What the app reads of PIM for Groups, against the sandbox: names, danger, approvers, everybody's paths."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from graph.test_graph_against_sandbox import Bench, bench

from bot.domain.errors import NotFoundError, PermissionMissingError, RejectedError
from bot.domain.group_roles import Access, GroupRole
from bot.domain.model import (
    ApprovalPolicy,
    ApprovalRef,
    Choice,
    Danger,
    Holders,
    PathKind,
    PimStatus,
    Unreadable,
)
from bot.sandbox.seed import group_named
from bot.sandbox.server import running

OPERATORS, VAULT = "Application Operators", "Finance Vault"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(tmp_path) as sandbox, bench(sandbox, groups=None) as opened:
        yield opened


async def control(here: Bench, method: str, path: str, body: Any) -> Any:
    url = f"{here.sandbox.http}/_sandbox/{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body) as answer:
        shown = await answer.json()
        assert answer.status < 300, shown
        return shown


def group_id(here: Bench, name: str) -> str:
    return group_named(here.sandbox.world, name).id


def key(here: Bench, name: str = VAULT, access: Access = Access.MEMBER) -> str:
    return GroupRole(group_id(here, name), access).key


async def ask(here: Bench, name: str = VAULT, user: str = "riley") -> str:
    wish = {"user": user, "group": name, "justification": "because"}
    return str((await control(here, "POST", "portal/activate", wish))["id"])


async def eligible(here: Bench, principal: str, group: str = VAULT, access: str = "member") -> None:
    wish = {"principal": principal, "group": group, "access": access}
    await control(here, "POST", "group-eligibilities", wish)


async def paths(here: Bench, of: str, role: str | None = None) -> tuple[set[Any], bool]:
    """Somebody's paths to be eligible (kind and groups), and whether they are in already."""
    held = await here.graph.directory.holders(role or key(here))
    mine = {(path.kind, path.via) for path in held.eligible if path.object_id == here.id(of)}
    assert {path.scope for path in (*held.eligible, *held.active)} <= {"/"}
    return mine, any(path.object_id == here.id(of) for path in held.active)


# Requests ----------------------------------------------------------------------------------


async def test_a_request_made_in_the_portal_is_found_among_those_for_roles(here: Bench) -> None:
    for_role, for_group = await here.ask(), await ask(here)
    found = {one.id: one for one in await here.graph.directory.pending_requests()}
    assert found.keys() == {for_role, for_group}
    assert found[for_group].role_definition_id == key(here)
    assert found[for_role].role_definition_id == here.role("security_administrator")


async def test_a_request_is_found_by_its_id_as_long_as_the_role_is_right(here: Bench) -> None:
    request_id = await ask(here)
    found = await here.graph.directory.request(request_id, key(here))
    assert found is not None
    assert (found.status, found.principal_id) == (PimStatus.AWAITING_APPROVAL, here.id("riley"))
    with pytest.raises(RejectedError):
        await here.graph.directory.request(request_id, key(here, OPERATORS))
    assert await here.graph.directory.request(request_id, here.role("security_administrator")) is None
    assert await here.graph.directory.request(here.sandbox.world.new_id(), key(here)) is None


async def test_a_request_is_approved_as_the_approver(here: Bench) -> None:
    request_id = await ask(here)
    approval = ApprovalRef(key(here), request_id)
    alex = here.assertion("alex")
    step = await here.graph.approvals.read(alex, approval)
    assert (step.open, step.assigned_to_me) == (True, True)
    await here.graph.approvals.decide(alex, approval, step.step_id, Choice.APPROVE, "ok")
    decision = (await here.graph.approvals.read(alex, approval)).decision
    assert decision is not None
    assert decision.by is not None
    assert (decision.by.identity.object_id, decision.by.display_name) == (here.id("alex"), "Alex Lindqvist")
    with pytest.raises(NotFoundError):
        await here.graph.approvals.read(alex, ApprovalRef(here.role("security_administrator"), request_id))


async def test_without_the_delegated_permission_it_is_named(here: Bench) -> None:
    request_id = await ask(here)
    here.sandbox.world.delegated_scopes = {"User.Read"}
    with pytest.raises(PermissionMissingError) as caught:
        await here.graph.approvals.read(here.assertion("alex"), ApprovalRef(key(here), request_id))
    assert "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup" in caught.value.scopes


# Names and danger --------------------------------------------------------------------------


@pytest.mark.parametrize("access", list(Access))
async def test_a_group_role_has_the_groups_name(here: Bench, access: Access) -> None:
    role = await here.graph.directory.role(key(here, VAULT, access))
    assert (role.definition_id, role.display_name) == (key(here, VAULT, access), "Finance Vault")


async def test_a_group_is_as_dangerous_as_the_worst_role_it_has_or_may_get(here: Bench) -> None:
    assert (await here.graph.directory.role(key(here))).danger is Danger.ELEVATED
    assert (await here.graph.directory.role(key(here, OPERATORS))).danger is Danger.CRITICAL
    by_eligibility = await here.graph.directory.role(key(here, "Security Operations"))
    assert by_eligibility.danger is Danger.HIGH


async def test_a_group_whose_roles_can_not_be_read_has_no_danger_to_show(here: Bench) -> None:
    here.fault("roleEligibilityScheduleInstances", status=403, times=None)
    with pytest.raises(PermissionMissingError):
        await here.graph.directory.role(key(here, OPERATORS))


async def test_a_group_that_is_gone_is_not_found(here: Bench) -> None:
    gone = GroupRole(here.sandbox.world.new_id(), Access.MEMBER).key
    with pytest.raises(NotFoundError):
        await here.graph.directory.role(gone)


# Approvers ---------------------------------------------------------------------------------


async def test_the_approvers_are_those_of_the_groups_own_settings(here: Bench) -> None:
    policy = await here.graph.directory.approval_policy(key(here, OPERATORS))
    assert {one.display_name for one in policy.approvers} == {
        "Alex Lindqvist",
        "Blake Nakamura",
        "Emery Castillo",
    }
    assert (policy.approval_required, policy.defaulted, policy.justification_required) == (True, False, True)
    owner = await here.graph.directory.approval_policy(key(here, OPERATORS, Access.OWNER))
    assert owner == ApprovalPolicy(approval_required=False, approvers=())


async def test_where_nobody_is_named_nobody_approves(here: Bench) -> None:
    await control(here, "PATCH", f"group-policies/{VAULT}/member", {"approver_users": []})
    policy = await here.graph.directory.approval_policy(key(here))
    assert (policy.approvers, policy.defaulted) == ((), False)


async def test_settings_are_found_again_after_the_group_came_under_management(here: Bench) -> None:
    before = await here.graph.directory.approval_policy(key(here, "Cloud Platform"))
    wish = {"approval_required": True, "approver_users": ["sam"]}
    await control(here, "PATCH", "group-policies/Cloud Platform/member", wish)
    after = await here.graph.directory.approval_policy(key(here, "Cloud Platform"))
    assert (before.approval_required, [one.display_name for one in after.approvers]) == (
        False,
        ["Sam Whitaker"],
    )


# Who is in, and who could get in -----------------------------------------------------------


async def test_eligible_users_and_members_of_eligible_groups_are_found(here: Bench) -> None:
    direct = (PathKind.DIRECT, ())
    assert await paths(here, "riley") == ({direct}, False)
    nested = {(PathKind.NESTED, ("Technology", "Finance Vault"))}
    assert await paths(here, "dana") == (nested, False)
    assert await paths(here, "alex") == (set(), False)


async def test_members_are_holders_also_through_a_nested_group_and_by_activation(here: Bench) -> None:
    await control(here, "PATCH", f"groups/{VAULT}", {"members": ["sam", "Cloud Platform"]})
    for user in ("sam", "riley", "dana"):
        assert (await paths(here, user))[1], user
    request_id = await ask(here, OPERATORS)
    decision = {"user": "alex", "request": request_id, "result": "Approve", "justification": "ok"}
    await control(here, "POST", "portal/decide", decision)
    assert (await paths(here, "riley", key(here, OPERATORS)))[1]


async def test_who_owns_a_group_or_can_come_to_own_it_has_a_path_to_its_membership(here: Bench) -> None:
    await control(here, "PATCH", f"groups/{VAULT}", {"owners": ["sam"]})
    await eligible(here, "emery", access="owner")
    assert await paths(here, "sam") == ({(PathKind.OWNER, ("Finance Vault",))}, False)
    assert await paths(here, "emery") == ({(PathKind.OWNER, ("Finance Vault",))}, False)


async def test_who_can_get_into_a_group_that_is_eligible_has_a_path_too(here: Bench) -> None:
    await eligible(here, "sam", "Technology")
    assert await paths(here, "sam") == ({(PathKind.NESTED, ("Technology", "Finance Vault"))}, False)


async def test_groups_that_lead_to_each_other_end_it(here: Bench) -> None:
    await eligible(here, VAULT, OPERATORS)
    await eligible(here, OPERATORS, VAULT)
    assert (await paths(here, "blake"))[0] == {(PathKind.NESTED, (OPERATORS, VAULT))}


async def test_ownership_is_reached_by_eligibility_for_ownership_only(here: Bench) -> None:
    owner = key(here, VAULT, Access.OWNER)
    await control(here, "PATCH", f"groups/{VAULT}", {"members": ["sam"], "owners": ["ollie"]})
    await eligible(here, "emery", access="owner")
    await eligible(here, "Technology", access="owner")
    await eligible(here, "alex", "Technology")
    assert await paths(here, "sam", owner) == (set(), False)
    assert await paths(here, "ollie", owner) == (set(), True)
    assert await paths(here, "emery", owner) == ({(PathKind.DIRECT, ())}, False)
    assert await paths(here, "dana", owner) == ({(PathKind.GROUP, ("Technology",))}, False)
    assert (await paths(here, "alex", owner))[0] == {(PathKind.GROUP_ELIGIBLE, ("Technology",))}


async def test_a_part_that_can_not_be_read_is_no_shorter_answer(here: Bench) -> None:
    here.fault("eligibilityScheduleInstances", status=403, times=None)
    with pytest.raises(PermissionMissingError):
        await here.graph.directory.holders(key(here))


# One person --------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["alex", "blake", "dana", "emery", "riley", "sam", "ollie"])
@pytest.mark.parametrize("access", list(Access))
async def test_one_persons_standing_is_what_everybodys_says_of_them(
    here: Bench, user: str, access: Access
) -> None:
    await control(here, "PATCH", f"groups/{VAULT}", {"members": ["sam"], "owners": ["ollie"]})
    wish = {"approver_groups": ["Technology"], "approver_users": ["alex", "emery"], "approval_required": True}
    await control(here, "PATCH", f"group-policies/{VAULT}/{access.value}", wish)
    role, me = key(here, VAULT, access), here.id(user)
    standing = await here.graph.directory.standing(role, me.upper())
    policy, holders = (
        await here.graph.directory.approval_policy(role),
        await here.graph.directory.holders(role),
    )
    assert isinstance(standing.policy, ApprovalPolicy)
    assert isinstance(standing.holders, Holders)
    assert standing.policy.approvers == tuple(one for one in policy.approvers if one.identity.object_id == me)
    assert standing.policy.justification_required == policy.justification_required
    assert standing.holders.eligible == tuple(one for one in holders.eligible if one.object_id == me)
    assert standing.holders.active == tuple(one for one in holders.active if one.object_id == me)


async def test_what_can_not_be_read_of_one_person_is_named(here: Bench) -> None:
    here.fault("roleManagementPolicyAssignments", status=403, times=None)
    standing = await here.graph.directory.standing(key(here), here.id("alex"))
    assert isinstance(standing.policy, Unreadable)
    assert isinstance(standing.holders, Holders)


@pytest.mark.parametrize(
    ("name", "access", "at_most"),
    [
        pytest.param(VAULT, Access.MEMBER, 6, id="membership"),
        pytest.param(VAULT, Access.OWNER, 4, id="ownership"),
        pytest.param(OPERATORS, Access.MEMBER, 4, id="membership of a group that brings roles"),
        pytest.param(OPERATORS, Access.OWNER, 2, id="ownership of a group that brings roles"),
    ],
)
async def test_a_click_on_a_groups_request_costs_a_handful_of_calls(
    here: Bench, name: str, access: Access, at_most: int
) -> None:
    await here.graph.tokens.token(here.sandbox.http + "/.default")
    before = len(here.sandbox.world.log)
    await here.graph.directory.standing(key(here, name, access), here.id("alex"))
    sent = [one for one in here.sandbox.world.log[before:] if one["event"] == "http" and "batched" not in one]
    assert 1 <= len(sent) <= at_most, sent


@pytest.mark.parametrize("unreadable", ["the group's danger", "the group"])
async def test_a_path_counts_though_its_name_can_not_be_read(here: Bench, unreadable: str) -> None:
    await control(here, "PATCH", f"groups/{OPERATORS}", {"owners": ["sam"]})
    group = group_id(here, OPERATORS)
    if unreadable == "the group":
        here.fault(f"groups/{group}", status=403)
    else:
        here.fault("roleDefinitions", status=403, times=None)
    shown = group if unreadable == "the group" else OPERATORS
    assert (await paths(here, "sam", key(here, OPERATORS)))[0] == {(PathKind.OWNER, (shown,))}
