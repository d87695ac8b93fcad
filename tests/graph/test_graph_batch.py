"""Several reads in one request, each with its own fate."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.meters import RecordingMeters
from graph.fake_cloud import FakeCloud, fails, opened, rows, says

from bot.domain.errors import DirectoryError, NotFoundError, PermissionMissingError
from bot.domain.model import Holders, Unreadable
from bot.graph.adapters import GraphAdapters
from bot.graph.batch import url
from bot.telemetry import metrics
from bot.telemetry.instruments import measured_by

PIM = "/v1.0/roleManagement/directory"
ELIGIBLE, ACTIVE = f"GET {PIM}/roleEligibilityScheduleInstances", f"GET {PIM}/roleAssignmentScheduleInstances"
BATCH = "POST /v1.0/$batch"
ROLE = "role-1"


def user(name: str) -> dict[str, Any]:
    principal = {"@odata.type": "#microsoft.graph.user", "id": name, "displayName": name.title()}
    return {"principalId": name, "roleDefinitionId": ROLE, "principal": principal}


@pytest.fixture
def nobody(cloud: FakeCloud) -> FakeCloud:
    cloud.on(ELIGIBLE, rows())
    cloud.on(ACTIVE, rows())
    return cloud


async def eligible(graph: GraphAdapters) -> list[str]:
    return [path.object_id for path in (await graph.directory.holders(ROLE)).eligible]


async def test_reads_share_a_request(nobody: FakeCloud, graph: GraphAdapters) -> None:
    assert await eligible(graph) == []
    assert [one.method for one in nobody.to_graph()] == ["POST", "GET", "GET"]


@pytest.mark.usefixtures("nobody")
async def test_a_batch_is_measured_under_its_name(graph: GraphAdapters) -> None:
    meters = RecordingMeters()
    with measured_by(meters):
        await eligible(graph)
    assert meters.values(metrics.UPSTREAM_SECONDS, service="graph", operation="POST /$batch", status="200")


async def test_only_what_was_throttled_is_asked_again_and_after_the_time_it_was_told(
    nobody: FakeCloud, graph: GraphAdapters
) -> None:
    nobody.on(ELIGIBLE, fails(429, Retry_After="4"), rows(user("ann")))
    assert await eligible(graph) == ["ann"]
    asked = [one.path.rpartition("/")[2] for one in nobody.to_graph() if one.method == "GET"]
    assert asked == [
        "roleEligibilityScheduleInstances",
        "roleAssignmentScheduleInstances",
        "roleEligibilityScheduleInstances",
    ]
    assert nobody.slept == [4.0]


async def test_what_stays_throttled_is_an_error_in_the_end(nobody: FakeCloud, graph: GraphAdapters) -> None:
    nobody.on(ELIGIBLE, fails(429, Retry_After="1"))
    with pytest.raises(DirectoryError, match="429"):
        await eligible(graph)
    assert len(nobody.slept) == 3


async def test_a_whole_batch_that_was_throttled_is_sent_again(cloud: FakeCloud, graph: GraphAdapters) -> None:
    answered = {"responses": [{"id": n, "status": 200, "body": {"value": []}} for n in ("1", "0")]}
    cloud.on(BATCH, fails(503, Retry_After="2"), says(answered))
    assert await eligible(graph) == []
    assert cloud.slept == [2.0]


async def test_every_page_is_read(nobody: FakeCloud, graph: GraphAdapters) -> None:
    more = f"{nobody.graph_url}{PIM}/roleEligibilityScheduleInstances?$skiptoken=x"
    nobody.on(ELIGIBLE, rows(user("ann"), **{"@odata.nextLink": more}), rows(user("bob")))
    assert await eligible(graph) == ["ann", "bob"]
    assert nobody.to_graph()[-1].query == {"$skiptoken": "x"}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(says({"responses": []}), id="an answer is missing"),
        pytest.param(says({"responses": [{"id": "0", "status": "200", "body": {}}]}), id="a status as text"),
        pytest.param(says({"responses": [{"id": "0", "status": 200, "body": "x"}]}), id="a body as text"),
        pytest.param(says({"responses": [{"id": "0", "status": 200, "body": {}}]}), id="no rows"),
        pytest.param(says({"responses": "none"}), id="no list"),
        pytest.param(says({"responses": [{"id": "0", "status": 502, "headers": 1}]}), id="odd headers"),
        pytest.param(fails(400), id="refused"),
    ],
)
async def test_a_batch_that_is_not_answered_as_it_should_be_is_an_error(
    cloud: FakeCloud, graph: GraphAdapters, answer: Any
) -> None:
    cloud.on(BATCH, answer)
    with pytest.raises(DirectoryError):
        await eligible(graph)


@pytest.mark.parametrize("link", ["https://evil.example/v1.0/x", "http://127.0.0.1:1/v1.0/x", 7])
async def test_a_next_page_elsewhere_is_not_followed(
    nobody: FakeCloud, graph: GraphAdapters, link: object
) -> None:
    nobody.on(ELIGIBLE, rows(user("ann"), **{"@odata.nextLink": link}))
    with pytest.raises(DirectoryError, match="another host"):
        await eligible(graph)


async def test_pages_without_end_are_an_error(nobody: FakeCloud, graph: GraphAdapters) -> None:
    more = f"{nobody.graph_url}{PIM}/roleEligibilityScheduleInstances?$skiptoken=x"
    nobody.on(ELIGIBLE, rows(**{"@odata.nextLink": more}))
    with pytest.raises(DirectoryError, match="pages"):
        await eligible(graph)


async def test_an_id_can_not_lead_to_another_path() -> None:
    assert url("v1.0/users/{user}", "../groups/x?a=b#c", select="id") == (
        "/users/..%2Fgroups%2Fx%3Fa%3Db%23c?$select=id"
    )


# What holds of one person ---------------------------------------------------------------------

GROUPS = "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances"
FIRST = {
    "GET /v1.0/policies/roleManagementPolicyAssignments": rows(
        {
            "roleDefinitionId": ROLE,
            "policy": {
                "rules": [
                    {
                        "id": "Approval_EndUser_Assignment",
                        "setting": {
                            "isApprovalRequired": True,
                            "approvalStages": [
                                {
                                    "primaryApprovers": [
                                        {"@odata.type": "#microsoft.graph.singleUser", "userId": "ANN"}
                                    ]
                                }
                            ],
                        },
                    }
                ]
            },
        }
    ),
    "GET /v1.0/users/ann": says({"id": "ann", "displayName": "Ann", "userType": "Member"}),
    "GET /v1.0/users/ann/transitiveMemberOf": rows(),
    "GET /v1.0/users/ann/ownedObjects": rows(),
    f"GET {GROUPS}": rows(),
    ELIGIBLE: rows(),
    ACTIVE: rows(),
}


@pytest.fixture
def ann(cloud: FakeCloud) -> FakeCloud:
    for what, answer in FIRST.items():
        cloud.on(what, answer)
    return cloud


async def test_of_most_people_and_roles_one_request_tells_everything(
    ann: FakeCloud, graph: GraphAdapters
) -> None:
    standing = await graph.directory.standing(ROLE, "ANN")
    assert standing.holders == Holders((), ())
    assert not isinstance(standing.policy, Unreadable)
    (approver,) = standing.policy.approvers
    assert (approver.display_name, approver.guest) == ("Ann", False)
    assert [one.path for one in ann.to_graph() if one.method == "POST"] == ["/v1.0/$batch"]


@pytest.mark.parametrize(
    ("broken", "fact"),
    [
        pytest.param("GET /v1.0/users/ann/transitiveMemberOf", "eligibility", id="memberships"),
        pytest.param("GET /v1.0/users/ann/ownedObjects", "eligibility", id="what they own"),
        pytest.param(f"GET {GROUPS}", "eligibility", id="eligibilities for groups"),
        pytest.param(ELIGIBLE, "eligibility", id="eligibilities for roles"),
        pytest.param(ACTIVE, "eligibility", id="roles they have"),
        pytest.param("GET /v1.0/policies/roleManagementPolicyAssignments", "approver policy", id="policy"),
    ],
)
async def test_a_part_that_can_not_be_read_is_unreadable_as_a_whole(
    ann: FakeCloud, graph: GraphAdapters, broken: str, fact: str
) -> None:
    ann.on(broken, fails(403, message="missing permission scope X.Read"))
    standing = await graph.directory.standing(ROLE, "ann")
    part = standing.holders if fact == "eligibility" else standing.policy
    assert isinstance(part, Unreadable)
    assert part.fact == fact
    assert "403" in part.why


async def test_somebody_who_is_gone_approves_nothing_and_holds_nothing(
    ann: FakeCloud, graph: GraphAdapters
) -> None:
    ann.on("GET /v1.0/users/ann", fails(404))
    standing = await graph.directory.standing(ROLE, "ann")
    assert not isinstance(standing.policy, Unreadable)
    assert not standing.policy.approvers
    assert standing.holders == Holders((), ())


async def test_somebody_who_can_not_be_read_is_nobody_known(ann: FakeCloud, graph: GraphAdapters) -> None:
    ann.on("GET /v1.0/users/ann", fails(403))
    policy = (await graph.directory.standing(ROLE, "ann")).policy
    assert not isinstance(policy, Unreadable)
    assert [one.guest for one in policy.approvers] == [None]


async def test_a_group_that_can_not_be_followed_makes_the_paths_unreadable(
    ann: FakeCloud, graph: GraphAdapters
) -> None:
    holder = {"@odata.type": "#microsoft.graph.group", "id": "g"}
    ann.on(ELIGIBLE, rows({"principalId": "g", "roleDefinitionId": ROLE, "principal": holder}))
    ann.on("GET /v1.0/users/ann/ownedObjects", rows({"@odata.type": "#microsoft.graph.group", "id": "g"}))
    ann.on("GET /v1.0/groups/g/memberOf", fails(404))
    assert isinstance((await graph.directory.standing(ROLE, "ann")).holders, Unreadable)


async def test_when_graph_is_down_nothing_is_known_and_nothing_is_raised(ann: FakeCloud) -> None:
    ann.on(BATCH, fails(500))
    async with opened(ann) as graph:
        standing = await graph.directory.standing(ROLE, "ann")
    assert isinstance(standing.holders, Unreadable)
    assert isinstance(standing.policy, Unreadable)


async def test_errors_of_parts_are_told_apart(nobody: FakeCloud, graph: GraphAdapters) -> None:
    nobody.on(ELIGIBLE, fails(404))
    with pytest.raises(NotFoundError):
        await eligible(graph)
    nobody.on(ELIGIBLE, fails(403))
    with pytest.raises(PermissionMissingError):
        await eligible(graph)
