from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from graph_house import REQUESTS, SECURITY_ADMINISTRATOR, House, house

ASSIGNMENTS = "/v1.0/roleManagement/directory/roleAssignmentScheduleInstances"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


async def test_a_request_that_needs_approval_is_pending_under_its_longer_name(at: House) -> None:
    made = await at.post(REQUESTS, at.wish(), at.on_behalf_of("riley"))
    body = made.body
    assert made.status == 201
    assert body["status"] == "PendingApprovalProvisioning"
    assert body["id"] == body["approvalId"] == body["targetScheduleId"]
    assert body["createdBy"]["user"] == {"displayName": None, "id": at.id("riley")}
    assert body["scheduleInfo"]["expiration"]["duration"] == "PT2H"
    assert body["ticketInfo"] == {"ticketNumber": "INC-1", "ticketSystem": "ServiceDesk"}


async def test_a_role_without_approval_is_provisioned_at_once(at: House) -> None:
    made = await at.post(REQUESTS, at.wish("user_administrator"), at.on_behalf_of("riley"))
    assert (made.body["status"], made.body["approvalId"]) == ("Provisioned", None)
    active = await at.get(ASSIGNMENTS, at.app(), **{"$filter": f"principalId eq '{at.id('riley')}'"})
    assert [entry["assignmentType"] for entry in active.body["value"]] == ["Activated"]


async def test_a_validation_run_leaves_nothing_behind(at: House) -> None:
    made = await at.post(REQUESTS, at.wish(isValidationOnly=True), at.on_behalf_of("riley"))
    assert (made.status, made.body["isValidationOnly"]) == (201, True)
    assert (await at.get(REQUESTS, at.app())).body["value"] == []


@pytest.mark.parametrize(
    ("role", "user", "changed", "rules"),
    [
        pytest.param("security_administrator", "sam", {}, ["EligibilityRule"], id="not eligible"),
        pytest.param(
            "security_administrator", "riley", {"justification": " "}, ["JustificationRule"], id="no reason"
        ),
        pytest.param(
            "application_administrator", "riley", {"ticketInfo": None}, ["TicketingRule"], id="ticket"
        ),
        pytest.param(
            "security_administrator", "riley", {"scheduleInfo": {}}, ["ExpirationRule"], id="without an end"
        ),
        pytest.param(
            "security_administrator",
            "sam",
            {
                "justification": "",
                "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT8H1M"}},
            },
            ["EligibilityRule", "ExpirationRule", "JustificationRule"],
            id="several at once",
        ),
    ],
)
async def test_failed_policy_rules_are_listed_together(
    at: House, role: str, user: str, changed: dict[str, Any], rules: list[str]
) -> None:
    got = await at.post(REQUESTS, at.wish(role, user, **changed), at.on_behalf_of(user))
    assert (got.status, got.code) == (400, "RoleAssignmentRequestPolicyValidationFailed")
    assert got.message == "The following policy rules failed: " + json.dumps(rules, separators=(",", ":"))


async def test_eligibility_through_a_role_assignable_group_is_enough(at: House) -> None:
    assert await at.activate(user="casey")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        pytest.param(
            {"roleDefinitionId": "00000000-0000-4000-8000-000000000000"}, 400, "RoleNotFound", id="role"
        ),
        pytest.param(
            {"principalId": "00000000-0000-4000-8000-000000000000"}, 400, "SubjectNotFound", id="who"
        ),
        pytest.param({"directoryScopeId": "/administrativeUnits/x"}, 400, "InvalidScope", id="scope"),
        pytest.param({"action": "selfExtend"}, 400, "InvalidAction", id="extend"),
        pytest.param({"action": None}, 400, "BadRequest", id="no action"),
        pytest.param(
            {"scheduleInfo": {"expiration": {"type": "AfterDuration", "duration": "5:30:00"}}},
            400,
            "BadRequest",
            id="a duration as Python prints it",
        ),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(
    at: House, changed: dict[str, Any], status: int, code: str
) -> None:
    got = await at.post(REQUESTS, at.wish(**changed), at.on_behalf_of("riley"))
    assert (got.status, got.code) == (status, code)


async def test_nobody_activates_for_somebody_else(at: House) -> None:
    got = await at.post(REQUESTS, at.wish(), at.on_behalf_of("alex"))
    assert got.status == 403


async def test_the_app_itself_activates_nothing(at: House) -> None:
    got = await at.post(REQUESTS, at.wish(), at.app())
    assert (got.status, got.code) == (403, "UnknownError")


async def test_a_second_request_while_one_is_pending_is_refused(at: House) -> None:
    await at.activate()
    got = await at.post(REQUESTS, at.wish(), at.on_behalf_of("riley"))
    assert (got.status, got.code) == (400, "PendingRoleAssignmentRequest")


async def test_a_role_that_is_active_can_not_be_activated_again(at: House) -> None:
    await at.activate("user_administrator")
    got = await at.post(REQUESTS, at.wish("user_administrator"), at.on_behalf_of("riley"))
    assert (got.status, got.code) == (400, "RoleAssignmentExists")


async def test_a_missing_authentication_context_is_a_400_with_claims_in_its_message(at: House) -> None:
    at.world.tenant.policies[SECURITY_ADMINISTRATOR].authentication_context = "c1"
    got = await at.post(REQUESTS, at.wish(), at.on_behalf_of("riley"))
    assert (got.status, got.code) == (400, "RoleAssignmentRequestAcrsValidationFailed")
    claims = json.loads(unquote(got.message.partition("claims=")[2]))
    assert claims["access_token"]["acrs"]["value"] == "c1"
    stepped_up = await at.post(REQUESTS, at.wish(), at.on_behalf_of("riley", acrs=["c1"]))
    assert stepped_up.status == 201


async def test_an_activation_lapses_when_its_time_is_over(at: House) -> None:
    request_id = await at.activate("user_administrator")
    await at.post("/_sandbox/clock/advance", {"seconds": 2 * 3600 + 1})
    assert await at.status(request_id) == "Revoked"
    active = await at.get(ASSIGNMENTS, at.app(), **{"$filter": f"principalId eq '{at.id('riley')}'"})
    assert active.body["value"] == []


async def test_a_role_given_back_too_early_stays(at: House) -> None:
    await at.activate("user_administrator")
    wish = at.wish("user_administrator", action="selfDeactivate")
    got = await at.post(REQUESTS, wish, at.on_behalf_of("riley"))
    assert (got.status, got.code) == (400, "ActiveDurationTooShort")
    assert got.message == "The Active duration is too short. Miniumum Required is 5 minutes."
    await at.post("/_sandbox/clock/advance", {"seconds": 301})
    given_back = await at.post(REQUESTS, wish, at.on_behalf_of("riley"))
    assert given_back.body["status"] == "Revoked"
    again = await at.post(REQUESTS, wish, at.on_behalf_of("riley"))
    assert again.code == "RoleAssignmentDoesNotExist"


async def test_a_start_in_the_future_is_granted_and_provisioned_when_it_comes(at: House) -> None:
    start = (at.world.now() + timedelta(hours=3)).isoformat()
    schedule = {"startDateTime": start, "expiration": {"type": "AfterDuration", "duration": "PT1H"}}
    made = await at.post(
        REQUESTS, at.wish("user_administrator", scheduleInfo=schedule), at.on_behalf_of("riley")
    )
    assert made.body["status"] == "Granted"
    await at.post("/_sandbox/clock/advance", {"seconds": 3 * 3600 + 1})
    assert await at.status(made.body["id"]) == "Provisioned"
    await at.post("/_sandbox/clock/advance", {"seconds": 3601})
    assert await at.status(made.body["id"]) == "Revoked"


async def test_nobody_deciding_for_a_day_times_the_request_out(at: House) -> None:
    request_id = await at.activate()
    await at.post("/_sandbox/clock/advance", {"seconds": 86_399})
    assert await at.status(request_id) == "PendingApprovalProvisioning"
    await at.post("/_sandbox/clock/advance", {"seconds": 2})
    assert await at.status(request_id) == "TimedOut"
    assert (await at.decide(request_id, "alex")).status == 400


async def test_a_requester_withdraws_and_withdraws_only_once(at: House) -> None:
    request_id = await at.activate()
    url = f"{REQUESTS}/{request_id}/cancel"
    stranger = await at.post(url, token=at.on_behalf_of("sam"))
    first = await at.post(url, token=at.on_behalf_of("riley"))
    second = await at.post(url, token=at.on_behalf_of("riley"))
    assert (stranger.status, first.status, second.status) == (403, 204, 400)
    assert second.code == "RequestCannotBeCancelled"
    assert await at.status(request_id) == "Canceled"


async def test_a_privileged_role_administrator_may_withdraw_for_others(at: House) -> None:
    request_id = await at.activate()
    got = await at.post(f"{REQUESTS}/{request_id}/cancel", token=at.on_behalf_of("dana"))
    assert got.status == 204


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param(
            {"$filter": "status eq 'PendingApproval'"},
            "The status eq 'PendingApproval' filter is invalid.",
            id="status",
        ),
        pytest.param({"$filter": "principalId ne 'x'"}, "The principalId ne 'x' filter is invalid.", id="ne"),
        pytest.param(
            {"$orderby": "createdDateTime"}, "The orderby createdDateTime is invalid.", id="orderby"
        ),
    ],
)
async def test_the_list_refuses_documented_filters(at: House, params: dict[str, str], message: str) -> None:
    got = await at.get(REQUESTS, at.app(), **params)
    assert (got.status, got.code, got.message) == (400, "InvalidFilter", message)


async def test_the_list_filters_by_principal_and_expands_names(at: House) -> None:
    await at.activate()
    blakes = await at.activate(user="blake")
    wanted = f"principalId eq '{at.id('blake')}' and roleDefinitionId eq '{SECURITY_ADMINISTRATOR}'"
    got = await at.get(REQUESTS, at.app(), **{"$filter": wanted, "$expand": "principal,roleDefinition"})
    (only,) = got.body["value"]
    assert only["id"] == blakes
    assert only["principal"]["displayName"] == "Blake Nakamura"
    assert only["roleDefinition"]["displayName"] == "Security Administrator"


async def test_the_list_comes_in_pages_that_link_to_the_next(at: House) -> None:
    at.world.page_size = 2
    roles = ("security_administrator", "exchange_administrator", "user_administrator", "global_reader")
    wanted = [await at.activate(role) for role in (*roles, "helpdesk_administrator")]
    url, seen = f"{at.sandbox.http}{REQUESTS}", []
    sizes = []
    while url:
        page = (await at.call("GET", url, at.app())).body
        sizes.append(len(page["value"]))
        seen += [entry["id"] for entry in page["value"]]
        url = page.get("@odata.nextLink", "")
    assert (seen, sizes) == (wanted, [2, 2, 1])


@pytest.mark.parametrize(
    ("role", "status"),
    [
        pytest.param("RoleAssignmentSchedule.Read.Directory", 403, id="the documented one"),
        pytest.param("RoleAssignmentSchedule.Remove.Directory", 200, id="the narrowest"),
        pytest.param("RoleAssignmentSchedule.ReadWrite.Directory", 200, id="write"),
        pytest.param("RoleManagement.ReadWrite.Directory", 200, id="the broadest"),
    ],
)
async def test_listing_as_the_app_needs_more_than_a_read_permission(
    at: House, role: str, status: int
) -> None:
    at.world.app_roles = {role}
    got = await at.get(REQUESTS, at.app())
    assert got.status == status
    if status == 403:
        assert got.code == "UnknownError"
        inner = json.loads(got.message)
        assert inner["errorCode"] == "PermissionScopeNotGranted"
        assert inner["message"].startswith("Authorization failed due to missing permission scope ")


async def test_each_side_lists_its_own_requests(at: House) -> None:
    rileys = await at.activate()
    blakes = await at.activate("conditional_access_administrator", "blake")
    mine = await at.get(f"{REQUESTS}/filterByCurrentUser(on='principal')", at.on_behalf_of("blake"))
    assert [entry["id"] for entry in mine.body["value"]] == [blakes]
    pending = {"$filter": "status eq 'PendingApproval'"}
    by_alex = await at.get(
        f"{REQUESTS}/filterByCurrentUser(on='approver')", at.on_behalf_of("alex"), **pending
    )
    assert [entry["id"] for entry in by_alex.body["value"]] == [rileys]
    encoded = await at.get(
        f"{REQUESTS}/filterByCurrentUser(on=%27approver%27)", at.on_behalf_of("sam"), **pending
    )
    assert (encoded.status, encoded.body["value"]) == (200, [])


async def test_an_unknown_request_is_a_404(at: House) -> None:
    assert (await at.get(f"{REQUESTS}/nothing", at.app())).status == 404


ELIGIBLE = "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances"
MINE = "/filterByCurrentUser(on='principal')"


async def test_everybody_lists_their_own_eligibilities_those_through_groups_included(at: House) -> None:
    got = await at.get(f"{ELIGIBLE}{MINE}", at.on_behalf_of("casey"), **{"$expand": "roleDefinition"})
    shown = {(e["roleDefinition"]["displayName"], e["memberType"]) for e in got.body["value"]}
    assert shown == {("Security Administrator", "Group"), ("Conditional Access Administrator", "Group")}
    assert (await at.get(f"{ELIGIBLE}{MINE}", at.app())).status == 403


async def test_everybody_lists_their_own_assignments(at: House) -> None:
    await at.activate("user_administrator")
    mine = await at.get(f"{ASSIGNMENTS}{MINE}", at.on_behalf_of("riley"))
    assert [entry["roleDefinitionId"] for entry in mine.body["value"]] == [at.role("user_administrator")]
    assert (await at.get(f"{ASSIGNMENTS}{MINE}", at.on_behalf_of("sam"))).body["value"] == []


async def test_a_session_without_a_second_factor_activates_and_gives_back_nothing(at: House) -> None:
    weak = at.on_behalf_of("riley", amr=["pwd"])
    got = await at.post(REQUESTS, at.wish(), weak)
    assert (got.code, "MfaRule" in got.message) == ("RoleAssignmentRequestPolicyValidationFailed", True)
    await at.activate("user_administrator")
    back = await at.post(REQUESTS, at.wish("user_administrator", action="selfDeactivate"), weak)
    assert (back.code, "MfaRule" in back.message) == ("RoleAssignmentRequestPolicyValidationFailed", True)


async def test_a_tenant_without_a_licence_is_told_so(at: House) -> None:
    await at.call("PATCH", "/_sandbox/world", json={"premium_licence": False})
    got = await at.post(REQUESTS, at.wish(), at.on_behalf_of("riley"))
    assert (got.status, got.code) == (400, "AadPremiumLicenseRequired")


async def test_an_assignment_appears_only_after_it_has_got_round(at: House) -> None:
    await at.call("PATCH", "/_sandbox/world", json={"propagation_seconds": 30})
    await at.activate("user_administrator")
    token = at.on_behalf_of("riley")
    assert (await at.get(f"{ASSIGNMENTS}{MINE}", token)).body["value"] == []
    back = await at.post(REQUESTS, at.wish("user_administrator", action="selfDeactivate"), token)
    assert back.code == "RoleAssignmentDoesNotExist"
    again = await at.post(REQUESTS, at.wish("user_administrator"), token)
    assert again.code == "RoleAssignmentExists"
    await at.post("/_sandbox/clock/advance", {"seconds": 31})
    assert len((await at.get(f"{ASSIGNMENTS}{MINE}", token)).body["value"]) == 1


async def test_where_the_tenant_takes_it_so_a_repeated_activation_goes_on_from_now(at: House) -> None:
    await at.call("PATCH", "/_sandbox/world", json={"reactivation_extends": True})
    await at.activate("user_administrator")
    await at.post("/_sandbox/clock/advance", {"seconds": 3600})
    again = await at.post(REQUESTS, at.wish("user_administrator"), at.on_behalf_of("riley"))
    assert (again.status, again.body["status"]) == (201, "Provisioned")
    await at.post("/_sandbox/clock/advance", {"seconds": 3660})
    assert len((await at.get(f"{ASSIGNMENTS}{MINE}", at.on_behalf_of("riley"))).body["value"]) == 1
    await at.post("/_sandbox/clock/advance", {"seconds": 3600})
    assert (await at.get(f"{ASSIGNMENTS}{MINE}", at.on_behalf_of("riley"))).body["value"] == []


async def test_a_role_is_activated_at_the_scope_of_its_eligibility_only(at: House) -> None:
    unit = "/administrativeUnits/11111111-0000-4000-8000-000000000000"
    await at.post("/_sandbox/eligibilities", {"user": "sam", "role": "helpdesk_administrator", "scope": unit})
    there = await at.post(
        REQUESTS, at.wish("helpdesk_administrator", "sam", directoryScopeId=unit), at.on_behalf_of("sam")
    )
    everywhere = await at.post(REQUESTS, at.wish("helpdesk_administrator", "sam"), at.on_behalf_of("sam"))
    assert there.status == 201
    assert "EligibilityRule" in everywhere.message


async def test_a_fault_may_answer_with_any_code_of_graphs(at: House) -> None:
    fault = {"service": "graph", "match": "POST ", "status": 400, "code": "ResourceIsLocked", "message": "x"}
    await at.post("/_sandbox/faults", fault)
    got = await at.post(REQUESTS, at.wish(), at.on_behalf_of("riley"))
    assert (got.status, got.code, got.message) == (400, "ResourceIsLocked", "x")
