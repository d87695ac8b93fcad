"""PIM for Groups: membership and ownership activated, approved by stages, given back, run out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graph_house import Answer, House, house

from bot.sandbox.seed import group_named

PIM = "identityGovernance/privilegedAccess/group"
REQUESTS = f"/v1.0/{PIM}/assignmentScheduleRequests"
APPROVALS = f"/v1.0/{PIM}/assignmentApprovals"
ASSIGNED = f"/v1.0/{PIM}/assignmentScheduleInstances"
ELIGIBLE = f"/v1.0/{PIM}/eligibilityScheduleInstances"
POLICIES = "/v1.0/policies/roleManagementPolicyAssignments"
MINE = "/filterByCurrentUser(on='principal')"
FOR_ME = "/filterByCurrentUser(on='approver')"
DAY = 24 * 3600


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


def group(at: House, name: str = "Application Operators") -> str:
    return str(group_named(at.world, name).id)


def wish(at: House, user: str = "riley", **changed: Any) -> dict[str, Any]:
    return {
        "action": "selfActivate",
        "principalId": at.id(user),
        "groupId": group(at),
        "accessId": "member",
        "justification": "rotating a secret",
        "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT2H"}},
        **changed,
    }


async def ask(at: House, user: str = "riley", **changed: Any) -> Answer:
    return await at.post(REQUESTS, wish(at, user, **changed), at.on_behalf_of(user))


async def asked(at: House, **changed: Any) -> str:
    made = await ask(at, **changed)
    assert made.status == 201, made.body
    return str(made.body["id"])


async def decide(
    at: House, request_id: str, who: str = "alex", result: str = "Approve", why: str = "known work"
) -> Answer:
    url = f"{APPROVALS}/{request_id}/stages/{request_id}"
    body = {"reviewResult": result, "justification": why}
    return await at.call("PATCH", url, at.on_behalf_of(who), json=body)


async def status(at: House, request_id: str) -> str:
    return str((await at.get(f"{REQUESTS}/{request_id}", at.app())).body["status"])


async def members(at: House, name: str = "Application Operators") -> list[str]:
    got = await at.get(f"/v1.0/groups/{group(at, name)}/members", at.app())
    return [row["id"] for row in got.body["value"]]


async def later(at: House, seconds: float) -> None:
    await at.post("/_sandbox/clock/advance", {"seconds": seconds})


async def test_a_request_that_needs_approval_waits_for_it(at: House) -> None:
    made = await ask(at)
    assert (made.status, made.body["status"]) == (201, "PendingApprovalProvisioning")
    assert made.body["approvalId"] == made.body["id"]
    assert (made.body["groupId"], made.body["accessId"]) == (group(at), "member")
    assert {"roleDefinitionId", "directoryScopeId"}.isdisjoint(made.body)
    assert made.body["targetScheduleId"].startswith(f"{group(at)}_member_")
    assert await members(at) == []


async def test_an_approved_membership_shows_in_the_group_until_it_ends(at: House) -> None:
    request_id = await asked(at)
    assert (await decide(at, request_id)).status == 204
    assert (await status(at, request_id), await members(at)) == ("Provisioned", [at.id("riley")])
    mine = await at.get(f"{ASSIGNED}{MINE}", at.on_behalf_of("riley"), **{"$expand": "group"})
    (entry,) = (row for row in mine.body["value"] if row["groupId"] == group(at))
    assert (entry["assignmentType"], entry["group"]["displayName"]) == ("activated", "Application Operators")
    await later(at, 2 * 3600)
    assert (await status(at, request_id), await members(at)) == ("Revoked", [])


async def test_an_approval_is_read_by_stages_on_v1_and_by_steps_on_beta(at: House) -> None:
    request_id = await asked(at)
    alex = at.on_behalf_of("alex")
    approval = (await at.get(f"{APPROVALS}/{request_id}", alex)).body
    (stage,) = approval["stages"]
    assert (stage["status"], stage["assignedToMe"], stage["reviewedBy"]) == ("InProgress", True, None)
    listed = await at.get(f"{APPROVALS}/{request_id}/stages", alex)
    assert listed.body["value"] == [stage]
    assert (await at.get(f"{APPROVALS}/{request_id}/stages/{stage['id']}", alex)).body["id"] == stage["id"]
    beta = await at.get(f"/beta/{PIM}/assignmentApprovals/{request_id}", alex)
    assert [one["id"] for one in beta.body["steps"]] == [stage["id"]]


@pytest.mark.parametrize(("version", "parts"), [("v1.0", "steps"), ("beta", "stages")])
async def test_each_version_knows_its_own_word_only(at: House, version: str, parts: str) -> None:
    request_id = await asked(at)
    url = f"/{version}/{PIM}/assignmentApprovals/{request_id}/{parts}/{request_id}"
    body = {"reviewResult": "Approve", "justification": "yes"}
    assert (await at.call("PATCH", url, at.on_behalf_of("alex"), json=body)).status == 404
    assert (await at.get(url, at.on_behalf_of("alex"))).status == 404
    assert await status(at, request_id) == "PendingApprovalProvisioning"


async def test_the_reviewer_is_named_by_id_and_name_only(at: House) -> None:
    request_id = await asked(at)
    await decide(at, request_id, "emery", "Deny", "not today")
    (stage,) = (await at.get(f"{APPROVALS}/{request_id}", at.on_behalf_of("alex"))).body["stages"]
    assert stage["reviewedBy"] == {"id": at.id("emery"), "displayName": "Emery Castillo"}
    assert (stage["reviewResult"], stage["status"], stage["justification"]) == (
        "Deny",
        "Completed",
        "not today",
    )
    assert await status(at, request_id) == "Denied"


async def test_the_first_decision_counts(at: House) -> None:
    request_id = await asked(at)
    assert (await decide(at, request_id, "alex", "Deny")).status == 204
    assert (await decide(at, request_id, "emery")).status == 409
    assert await status(at, request_id) == "Denied"


@pytest.mark.parametrize(
    ("who", "expected"), [("riley", 403), ("sam", 403), ("dana", 403)], ids=["own", "nobody", "an admin"]
)
async def test_who_is_no_approver_decides_nothing(at: House, who: str, expected: int) -> None:
    request_id = await asked(at)
    assert (await decide(at, request_id, who)).status == expected
    assert await status(at, request_id) == "PendingApprovalProvisioning"


async def test_without_named_approvers_nobody_approves(at: House) -> None:
    await at.call(
        "PATCH", "/_sandbox/group-policies/Application Operators/member", json={"approver_users": []}
    )
    request_id = await asked(at)
    for who in ("dana", "bg1", "alex"):
        assert (await decide(at, request_id, who)).status == 403


async def test_a_decision_needs_a_justification_where_the_settings_say_so(at: House) -> None:
    request_id = await asked(at)
    got = await decide(at, request_id, why=" ")
    assert (got.status, got.code) == (400, "JustificationRequired")
    vault = await asked(at, groupId=group(at, "Finance Vault"))
    assert (await decide(at, vault, "emery", why="")).status == 204


async def test_an_unknown_approval_and_an_unknown_stage_are_not_found(at: House) -> None:
    request_id = await asked(at)
    nothing = at.world.new_id()
    for url in (f"{APPROVALS}/{nothing}/stages/{nothing}", f"{APPROVALS}/{request_id}/stages/{nothing}"):
        body = {"reviewResult": "Approve", "justification": "yes"}
        assert (await at.call("PATCH", url, at.on_behalf_of("alex"), json=body)).status == 404
    assert (await at.get(f"{REQUESTS}/{nothing}", at.app())).status == 404


async def test_approvals_are_never_an_apps(at: House) -> None:
    request_id = await asked(at)
    url = f"{APPROVALS}/{request_id}"
    assert (await at.get(url, at.app())).status == 403
    body = {"reviewResult": "Approve", "justification": "yes"}
    assert (await at.call("PATCH", f"{url}/stages/{request_id}", at.app(), json=body)).status == 403


async def test_without_the_permission_an_approver_is_told_which(at: House) -> None:
    request_id = await asked(at)
    await at.call("PATCH", "/_sandbox/world", json={"delegated_scopes": ["User.Read"]})
    got = await decide(at, request_id)
    assert (got.status, "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup" in got.message) == (403, True)


async def test_an_approval_lapses_after_a_day(at: House) -> None:
    request_id = await asked(at)
    await later(at, DAY)
    assert await status(at, request_id) == "TimedOut"
    got = await decide(at, request_id)
    assert (got.status, "Expired" in got.message) == (400, True)


async def test_a_request_can_be_withdrawn_once(at: House) -> None:
    request_id = await asked(at)
    riley = at.on_behalf_of("riley")
    assert (await at.post(f"{REQUESTS}/{request_id}/cancel", None, at.on_behalf_of("sam"))).status == 403
    assert (await at.post(f"{REQUESTS}/{request_id}/cancel", None, riley)).status == 204
    assert await status(at, request_id) == "Canceled"
    assert (await at.post(f"{REQUESTS}/{request_id}/cancel", None, riley)).status == 400


async def test_an_activated_membership_is_given_back_after_five_minutes_at_the_earliest(at: House) -> None:
    request_id = await asked(at)
    await decide(at, request_id)
    early = await ask(at, action="selfDeactivate")
    assert early.code == "ActiveDurationTooShort"
    await later(at, 301)
    back = await ask(at, action="selfDeactivate")
    assert (back.status, back.body["status"]) == (201, "Revoked")
    assert (await members(at), await status(at, request_id)) == ([], "Revoked")
    assert (await ask(at, action="selfDeactivate")).code == "RoleAssignmentDoesNotExist"


async def test_ownership_without_approval_is_given_at_once(at: House) -> None:
    await at.post(
        "/_sandbox/group-eligibilities", {"principal": "sam", "group": "Finance Vault", "access": "owner"}
    )
    made = await ask(at, "sam", groupId=group(at, "Finance Vault"), accessId="owner")
    assert made.body["status"] == "Provisioned"
    owners = await at.get(f"/v1.0/groups/{group(at, 'Finance Vault')}/owners", at.app())
    assert [row["id"] for row in owners.body["value"]] == [at.id("sam")]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"groupId": None}, "BadRequest", id="no group"),
        pytest.param({"accessId": "guest"}, "BadRequest", id="another access"),
        pytest.param({"groupId": "nowhere"}, "ResourceNotFound", id="an unknown group"),
        pytest.param({"action": "adminAssign"}, "InvalidAction", id="another action"),
        pytest.param({"principalId": "somebody"}, "SubjectNotFound", id="an unknown principal"),
        pytest.param(
            {"justification": ""}, "RoleAssignmentRequestPolicyValidationFailed", id="no justification"
        ),
    ],
)
async def test_what_is_malformed_or_against_the_settings_is_refused(
    at: House, changed: dict[str, Any], code: str
) -> None:
    got = await ask(at, **changed)
    assert (got.status, got.code) == (400, code)


async def test_who_is_not_eligible_activates_nothing(at: House) -> None:
    got = await ask(at, "sam")
    assert (got.status, "EligibilityRule" in got.message) == (400, True)
    other = await at.post(REQUESTS, wish(at, "riley"), at.on_behalf_of("sam"))
    assert other.status == 403


async def test_a_member_of_an_eligible_group_activates_for_themselves(at: House) -> None:
    made = await ask(at, "dana", groupId=group(at, "Finance Vault"))
    assert (made.status, made.body["principalId"]) == (201, at.id("dana"))


async def test_a_second_request_is_refused_while_one_waits_and_while_it_is_active(at: House) -> None:
    request_id = await asked(at)
    assert (await ask(at)).code == "PendingRoleAssignmentRequest"
    await decide(at, request_id)
    assert (await ask(at)).code == "RoleAssignmentExists"


async def test_a_validation_only_request_leaves_no_trace(at: House) -> None:
    made = await ask(at, isValidationOnly=True)
    assert made.status == 201
    assert (await at.get(f"{REQUESTS}/{made.body['id']}", at.app())).status == 404


async def test_a_future_start_is_granted_and_given_when_it_comes(at: House) -> None:
    start = at.world.now() + timedelta(hours=1)
    await at.call(
        "PATCH", "/_sandbox/group-policies/Application Operators/member", json={"approval_required": False}
    )
    schedule = {
        "startDateTime": start.isoformat(),
        "expiration": {"type": "afterDuration", "duration": "PT1H"},
    }
    made = await ask(at, scheduleInfo=schedule)
    assert (made.body["status"], await members(at)) == ("Granted", [])
    await later(at, 3601)
    assert (await status(at, str(made.body["id"])), await members(at)) == ("Provisioned", [at.id("riley")])


async def test_membership_takes_a_while_to_get_round(at: House) -> None:
    await at.call("PATCH", "/_sandbox/world", json={"propagation_seconds": 30})
    request_id = await asked(at)
    await decide(at, request_id)
    assert await members(at) == []
    await later(at, 31)
    assert await members(at) == [at.id("riley")]


# Listings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        pytest.param({}, "MissingParameters", id="nothing"),
        pytest.param({"$filter": "status eq 'PendingApproval'"}, "MissingParameters", id="status alone"),
        pytest.param({"$filter": "approvalId eq 'x'"}, "InvalidFilter", id="what can't be filtered by"),
    ],
)
async def test_requests_are_listed_by_group_or_principal_only(
    at: House, wanted: dict[str, str], code: str
) -> None:
    got = await at.get(REQUESTS, at.app(), **wanted)
    assert (got.status, got.code) == (400, code)


async def test_a_groups_requests_are_listed(at: House) -> None:
    request_id = await asked(at)
    await asked(at, groupId=group(at, "Finance Vault"))
    wanted = {"$filter": f"groupId eq '{group(at)}'", "$expand": "group,principal"}
    (row,) = (await at.get(REQUESTS, at.app(), **wanted)).body["value"]
    assert (row["id"], row["group"]["displayName"], row["principal"]["displayName"]) == (
        request_id,
        "Application Operators",
        "Riley Okafor",
    )
    pending = {"$filter": f"groupId eq '{group(at)}' and status eq 'PendingApproval'"}
    assert len((await at.get(REQUESTS, at.app(), **pending)).body["value"]) == 1
    await decide(at, request_id)
    assert (await at.get(REQUESTS, at.app(), **pending)).body["value"] == []


async def test_each_side_lists_its_own(at: House) -> None:
    request_id = await asked(at)
    for who, url in (("riley", f"{REQUESTS}{MINE}"), ("alex", f"{REQUESTS}{FOR_ME}")):
        got = await at.get(url, at.on_behalf_of(who))
        assert [row["id"] for row in got.body["value"]] == [request_id]
    approvals = await at.get(f"{APPROVALS}{FOR_ME}", at.on_behalf_of("alex"))
    assert [row["stages"][0]["assignedToMe"] for row in approvals.body["value"]] == [True]
    assert (await at.get(f"{REQUESTS}{FOR_ME}", at.on_behalf_of("sam"))).body["value"] == []
    assert (await at.get(f"{APPROVALS}{MINE}", at.on_behalf_of("alex"))).status == 400
    assert (await at.get(f"{REQUESTS}{MINE}", at.app())).status == 403


async def test_everybody_lists_the_groups_they_may_activate(at: House) -> None:
    permissions = ["PrivilegedEligibilitySchedule.Read.AzureADGroup"]
    await at.call("PATCH", "/_sandbox/world", json={"delegated_scopes": permissions})
    riley = await at.get(f"{ELIGIBLE}{MINE}", at.on_behalf_of("riley"))
    vault, operators = group(at, "Finance Vault"), group(at)
    assert sorted((row["groupId"], row["memberType"]) for row in riley.body["value"]) == sorted(
        [(operators, "direct"), (vault, "direct"), (vault, "group")]
    )


async def test_an_app_needs_a_permission_of_pim_for_groups(at: House) -> None:
    await at.call("PATCH", "/_sandbox/world", json={"app_roles": ["RoleManagement.Read.Directory"]})
    wanted = {"$filter": f"groupId eq '{group(at)}'"}
    resources = f"/beta/{PIM}/resources"
    for url, query in ((REQUESTS, wanted), (resources, {}), (f"{REQUESTS}/x", {})):
        assert (await at.get(url, at.app(), **query)).status == 403


async def test_the_groups_under_management_are_listed_on_beta(at: House) -> None:
    url = f"/beta/{PIM}/resources"
    managed = [row["id"] for row in (await at.get(url, at.app())).body["value"]]
    assert sorted(managed) == sorted([group(at), group(at, "Finance Vault")])
    await at.call("PATCH", "/_sandbox/group-policies/Cloud Platform/owner", json={})
    assert len((await at.get(url, at.app())).body["value"]) == 3
    assert (await at.get(f"/v1.0/{PIM}/resources", at.app())).status == 400


# Settings ----------------------------------------------------------------------------------


async def policies(at: House, name: str, role: str = "") -> list[dict[str, Any]]:
    wanted = f"scopeId eq '{group(at, name)}' and scopeType eq 'Group'"
    if role:
        wanted += f" and roleDefinitionId eq '{role}'"
    query = {"$filter": wanted, "$expand": "policy($expand=rules)"}
    got = await at.get(POLICIES, at.app(), **query)
    assert got.status == 200, got.body
    return list(got.body["value"])


async def test_a_group_has_settings_for_members_and_for_owners(at: House) -> None:
    assert [one["roleDefinitionId"] for one in await policies(at, "Finance Vault")] == ["member", "owner"]
    (member,) = await policies(at, "Finance Vault", "member")
    assert (member["scopeType"], member["scopeId"]) == ("Group", group(at, "Finance Vault"))
    assert member["id"].startswith(f"Group_{group(at, 'Finance Vault')}_")
    (rule,) = (r for r in member["policy"]["rules"] if r["id"] == "Approval_EndUser_Assignment")
    (stage,) = rule["setting"]["approvalStages"]
    assert {one["userId"] for one in stage["primaryApprovers"]} == {
        at.id(key) for key in ("alex", "dana", "emery")
    }


async def test_the_settings_of_a_group_change_their_id_when_it_comes_under_management(at: House) -> None:
    (before,) = await policies(at, "Cloud Platform", "member")
    await at.call("PATCH", "/_sandbox/group-policies/Cloud Platform/member", json={"approval_required": True})
    (after,) = await policies(at, "Cloud Platform", "member")
    assert before["policyId"] != after["policyId"]


async def test_a_groups_settings_need_a_permission_of_their_own(at: House) -> None:
    await at.call("PATCH", "/_sandbox/world", json={"app_roles": ["RoleManagementPolicy.Read.Directory"]})
    wanted = {"$filter": f"scopeId eq '{group(at)}' and scopeType eq 'Group'"}
    assert (await at.get(POLICIES, at.app(), **wanted)).status == 403


# The portal --------------------------------------------------------------------------------


async def test_the_portal_activates_decides_and_withdraws_for_groups_too(at: House) -> None:
    wish = {"user": "riley", "group": "Finance Vault", "justification": "closing the books"}
    made = (await at.post("/_sandbox/portal/activate", wish)).body
    assert (made["group"]["displayName"], made["accessId"]) == ("Finance Vault", "member")
    assert made["approval"]["status"] == "InProgress"
    decision = {"user": "dana", "request": made["id"], "result": "Deny", "justification": "no"}
    assert (await at.post("/_sandbox/portal/decide", decision)).body["status"] == "Denied"
    again = (await at.post("/_sandbox/portal/activate", wish)).body
    gone = (await at.post("/_sandbox/portal/cancel", {"request": again["id"]})).body
    assert gone["status"] == "Canceled"
    assert (await at.get(f"/_sandbox/requests/{again['id']}")).body["status"] == "Canceled"
    state = (await at.get("/_sandbox/state")).body
    assert {row["id"] for row in state["requests"]} == {made["id"], again["id"]}
