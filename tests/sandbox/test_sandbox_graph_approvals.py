from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from graph_house import APPROVALS, SECURITY_ADMINISTRATOR, House, house

from bot.sandbox.seed import group_named

ASSIGNMENTS = "/v1.0/roleManagement/directory/roleAssignmentScheduleInstances"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


async def test_an_approval_shows_its_open_step_to_an_approver(at: House) -> None:
    request_id = await at.activate()
    got = await at.get(f"{APPROVALS}/{request_id}", at.on_behalf_of("alex"), **{"$expand": "steps"})
    (step,) = got.body["steps"]
    assert got.body["id"] == step["id"] == request_id
    assert (step["status"], step["reviewResult"], step["assignedToMe"]) == ("InProgress", "NotReviewed", True)
    assert step["reviewedBy"] is None
    bare = await at.get(f"{APPROVALS}/{request_id}", at.on_behalf_of("alex"))
    assert "steps" not in bare.body


async def test_an_approval_carries_the_approvers_own_name_into_the_record(at: House) -> None:
    request_id = await at.activate()
    assert (await at.decide(request_id, "alex", why="I know this change")).status == 204
    steps = await at.get(f"{APPROVALS}/{request_id}/steps", at.on_behalf_of("emery"))
    step = await at.get(f"{APPROVALS}/{request_id}/steps/{request_id}", at.on_behalf_of("emery"))
    (seen,) = steps.body["value"]
    assert seen["reviewedBy"]["id"] == step.body["reviewedBy"]["id"] == at.id("alex")
    assert (seen["status"], seen["reviewResult"]) == ("Completed", "Approve")
    assert seen["justification"] == "I know this change"
    assert seen["reviewedDateTime"].endswith("Z")


async def test_an_approved_request_becomes_a_real_assignment(at: House) -> None:
    request_id = await at.activate()
    await at.decide(request_id, "alex")
    assert await at.status(request_id) == "Provisioned"
    held = await at.get(
        ASSIGNMENTS, at.app(), **{"$filter": f"roleDefinitionId eq '{SECURITY_ADMINISTRATOR}'"}
    )
    assert [entry["principalId"] for entry in held.body["value"]] == [at.id("riley")]


async def test_a_denied_request_gives_nothing(at: House) -> None:
    request_id = await at.activate()
    assert (await at.decide(request_id, "alex", "Deny")).status == 204
    assert await at.status(request_id) == "Denied"
    held = await at.get(
        ASSIGNMENTS, at.app(), **{"$filter": f"roleDefinitionId eq '{SECURITY_ADMINISTRATOR}'"}
    )
    assert held.body["value"] == []


async def test_the_first_decision_counts_and_the_second_is_a_conflict(at: House) -> None:
    request_id = await at.activate()
    await at.decide(request_id, "alex")
    second = await at.decide(request_id, "emery", "Deny")
    assert second.status == 409
    assert "already been approved by another approver in the same approval stage" in second.message
    assert await at.status(request_id) == "Provisioned"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        pytest.param("riley", 403, id="the requester"),
        pytest.param("sam", 403, id="not an approver"),
        pytest.param("blake", 204, id="an eligible approver, whom PIM itself lets decide"),
    ],
)
async def test_who_may_decide_as_pim_sees_it(at: House, who: str, status: int) -> None:
    at.world.tenant.policies[SECURITY_ADMINISTRATOR].approver_users.append(at.id("riley"))
    request_id = await at.activate()
    assert (await at.decide(request_id, who)).status == status


async def test_a_member_of_an_approver_group_may_decide_but_not_without_a_reason(at: House) -> None:
    request_id = await at.activate("exchange_administrator")
    assert (await at.decide(request_id, "emery")).status == 403
    assert (await at.decide(request_id, "alex", why=" ")).code == "JustificationRequired"
    assert (await at.decide(request_id, "alex")).status == 204


async def test_the_requester_in_the_approver_group_can_not_approve_themself(at: House) -> None:
    assert at.id("riley") in group_named(at.world, "PIM Approvers - Messaging").members
    request_id = await at.activate("exchange_administrator")
    got = await at.decide(request_id, "riley")
    assert got.status == 403
    assert "own role activation requests" in got.message


async def test_an_empty_approver_list_means_the_administrators_of_roles(at: House) -> None:
    request_id = await at.activate("global_administrator")
    assert (await at.decide(request_id, "alex")).status == 403
    assert (await at.decide(request_id, "dana")).status == 204


async def test_approvals_exist_on_the_beta_path_only(at: House) -> None:
    request_id = await at.activate()
    url = APPROVALS.replace("beta", "v1.0")
    got = await at.get(f"{url}/{request_id}", at.on_behalf_of("alex"))
    assert (got.status, got.code) == (400, "BadRequest")
    assert got.message == "Resource not found for the segment 'roleAssignmentApprovals'."


async def test_the_app_itself_neither_reads_nor_decides(at: House) -> None:
    request_id = await at.activate()
    url = f"{APPROVALS}/{request_id}/steps/{request_id}"
    body = {"reviewResult": "Approve", "justification": "x"}
    assert (await at.get(f"{APPROVALS}/{request_id}", at.app())).status == 403
    assert (await at.call("PATCH", url, at.app(), json=body)).status == 403
    assert await at.status(request_id) == "PendingApprovalProvisioning"


@pytest.mark.parametrize(
    "missing", ["PrivilegedAccess.ReadWrite.AzureAD", "RoleAssignmentSchedule.ReadWrite.Directory"]
)
async def test_a_decision_needs_both_families_of_permission(at: House, missing: str) -> None:
    request_id = await at.activate()
    at.world.delegated_scopes.discard(missing)
    got = await at.decide(request_id, "alex")
    inner = json.loads(got.message)
    assert (got.status, got.code, inner["errorCode"]) == (403, "UnknownError", "PermissionScopeNotGranted")
    assert missing in inner["message"]


async def test_an_unknown_approval_or_step_is_a_404(at: House) -> None:
    request_id = await at.activate()
    assert (await at.decide("nothing", "alex")).status == 404
    assert (await at.get(f"{APPROVALS}/{request_id}/steps/other", at.on_behalf_of("alex"))).status == 404
    provisioned = await at.activate("user_administrator")
    assert (await at.decide(provisioned, "alex")).status == 404


@pytest.mark.parametrize("result", ["Approved", "approve", ""])
async def test_only_approve_and_deny_are_results(at: House, result: str) -> None:
    request_id = await at.activate()
    assert (await at.decide(request_id, "alex", result)).status == 400
    assert await at.status(request_id) == "PendingApprovalProvisioning"


async def test_approvers_are_those_of_the_policy_when_the_request_was_made(at: House) -> None:
    request_id = await at.activate()
    at.world.tenant.policies[SECURITY_ADMINISTRATOR].approver_users = [at.id("sam")]
    assert (await at.decide(request_id, "sam")).status == 403
    assert (await at.decide(request_id, "alex")).status == 204


async def test_the_log_names_who_the_deciding_token_spoke_for(at: House) -> None:
    request_id = await at.activate()
    await at.decide(request_id, "alex")
    (patch,) = [line for line in at.world.log if line.get("method") == "PATCH"]
    assert patch["token"]["oid"] == at.id("alex")
    assert (patch["status"], patch["reviewResult"]) == (204, "Approve")
    assert "eyJ" not in json.dumps(at.world.log)
