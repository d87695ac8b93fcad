from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from fakes.values import an_approval
from graph.fake_cloud import (
    TENANT,
    Answer,
    FakeCloud,
    config_for,
    empty,
    fails,
    hangs_up,
    never,
    says,
)

from bot.domain.errors import (
    AlreadyDecidedError,
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionMissingError,
    RejectedError,
    UnavailableError,
)
from bot.domain.group_roles import Access, GroupRole
from bot.domain.model import Choice, Identity, UserAssertion
from bot.graph import approvals
from bot.graph.adapters import GraphAdapters, open_graph
from bot.graph.retries import Retries

APPROVAL = "/beta/roleManagement/directory/roleAssignmentApprovals/A1"
PATCH = f"PATCH {APPROVAL}/steps/S1"
ALEX = UserAssertion("alex")
CLAIMS = base64.b64encode(b'{"access_token":{"acrs":{"value":"c1"}}}').decode()


async def decide(graph: GraphAdapters, choice: Choice = Choice.APPROVE) -> None:
    await graph.approvals.decide(ALEX, an_approval("A1"), "S1", choice, "because")


def step(step_id: str = "S1", **changed: Any) -> dict[str, Any]:
    return {
        "id": step_id,
        "status": "InProgress",
        "reviewResult": "NotReviewed",
        "assignedToMe": True,
        **changed,
    }


def decided(step_id: str = "S1", result: str = "Approve", **changed: Any) -> dict[str, Any]:
    return step(step_id, status="Completed", reviewResult=result, **changed)


@pytest.mark.parametrize("choice", list(Choice))
async def test_a_decision_is_one_patch_with_the_users_token(
    cloud: FakeCloud, graph: GraphAdapters, choice: Choice
) -> None:
    cloud.on(PATCH, empty(204))
    await decide(graph, choice)
    (sent,) = cloud.to_graph()
    assert sent.body == {"reviewResult": choice.value, "justification": "because"}
    assert sent.token == "token-1"
    (exchanged,) = cloud.token_requests()
    assert exchanged["assertion"] == ALEX.token


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(fails(409), AlreadyDecidedError, id="409"),
        pytest.param(fails(404), NotFoundError, id="404"),
        pytest.param(fails(403), PermissionMissingError, id="403"),
        pytest.param(fails(400), RejectedError, id="400"),
        pytest.param(fails(401), InteractionRequiredError, id="401"),
        pytest.param(
            fails(401, WWW_Authenticate=f'Bearer claims="{CLAIMS}"'),
            ClaimsChallengeError,
            id="401 with claims",
        ),
        pytest.param(
            fails(
                400, "RoleAssignmentRequestAcrsValidationFailed", "&claims=%7B%22access_token%22%3A%7B%7D%7D"
            ),
            ClaimsChallengeError,
            id="400 with claims",
        ),
        pytest.param(fails(500), OutcomeUnknownError, id="500"),
        pytest.param(fails(502), OutcomeUnknownError, id="502"),
        pytest.param(fails(503, Retry_After="1"), OutcomeUnknownError, id="503"),
        pytest.param(fails(504), OutcomeUnknownError, id="504"),
        pytest.param(hangs_up(), OutcomeUnknownError, id="connection lost"),
        pytest.param(says({}, 302, Location="/elsewhere"), RejectedError, id="redirect"),
    ],
)
async def test_a_decision_that_fails_says_how_and_is_not_repeated(
    cloud: FakeCloud, graph: GraphAdapters, answer: Answer, error: type[DirectoryError]
) -> None:
    cloud.on(PATCH, answer)
    with pytest.raises(DirectoryError) as caught:
        await decide(graph)
    assert type(caught.value) is error
    assert len(cloud.to_graph()) == 1
    assert cloud.slept == []


async def test_a_throttled_decision_is_repeated_because_nothing_was_done(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(PATCH, fails(429, Retry_After="2"), empty(204))
    await decide(graph)
    assert (len(cloud.to_graph()), cloud.slept) == (2, [2.0])
    assert len(cloud.token_requests()) == 1


async def test_a_decision_throttled_for_longer_than_a_click_may_take_is_unavailable(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(PATCH, fails(429, Retry_After="11"))
    with pytest.raises(UnavailableError) as caught:
        await decide(graph)
    assert not isinstance(caught.value, OutcomeUnknownError)
    assert len(cloud.to_graph()) == 1


async def test_a_decision_after_a_throttled_one_may_still_have_an_unknown_outcome(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(PATCH, fails(429, Retry_After="0"), fails(503))
    with pytest.raises(OutcomeUnknownError):
        await decide(graph)
    assert len(cloud.to_graph()) == 2


async def test_a_decision_that_could_not_be_sent_is_unavailable_and_not_unknown(
    cloud: FakeCloud, unused_tcp_port: int
) -> None:
    config = config_for(cloud, graph_url=f"http://127.0.0.1:{unused_tcp_port}")
    async with open_graph(config, cloud.clock, Retries(sleep=cloud.sleep)) as graph:
        with pytest.raises(UnavailableError) as caught:
            await decide(graph)
    assert not isinstance(caught.value, OutcomeUnknownError)


async def test_a_decision_that_is_never_answered_has_an_unknown_outcome(
    cloud: FakeCloud, graph: GraphAdapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals, "_PATIENCE", 0.2)
    released = asyncio.Event()
    cloud.on(PATCH, never(released))
    with pytest.raises(OutcomeUnknownError):
        await decide(graph)
    released.set()
    assert len(cloud.to_graph()) == 1


async def test_a_login_that_fails_leaves_the_decision_unsent(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on_token(fails(500))
    with pytest.raises(UnavailableError) as caught:
        await decide(graph)
    assert not isinstance(caught.value, OutcomeUnknownError)
    assert cloud.to_graph() == []


async def test_a_cancelled_click_stays_cancelled(cloud: FakeCloud, graph: GraphAdapters) -> None:
    released, arrived = asyncio.Event(), asyncio.Event()

    async def hold(request: Any) -> Any:
        arrived.set()
        return await never(released)(request)

    cloud.on(PATCH, hold)
    task = asyncio.create_task(decide(graph))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    released.set()
    assert len(cloud.to_graph()) == 1


async def test_ids_can_not_lead_to_another_path(cloud: FakeCloud, graph: GraphAdapters) -> None:
    with pytest.raises(DirectoryError):
        await graph.approvals.decide(ALEX, an_approval("A1/../B"), "S1?x=1", Choice.APPROVE, "")
    (sent,) = cloud.to_graph()
    assert sent.path.startswith("/beta/roleManagement/directory/roleAssignmentApprovals/A1")
    assert sent.query == {}


async def test_the_step_open_for_me_is_chosen(cloud: FakeCloud, graph: GraphAdapters) -> None:
    theirs, mine = step("S2", assignedToMe=False), step("S3")
    cloud.on(f"GET {APPROVAL}", says({"id": "A1", "steps": [decided(), theirs, mine]}))
    found = await graph.approvals.read(ALEX, an_approval("A1"))
    assert (found.approval_id, found.step_id, found.open, found.assigned_to_me) == ("A1", "S3", True, True)
    assert cloud.to_graph()[0].query == {"$expand": "steps"}


@pytest.mark.parametrize(
    ("result", "choice"),
    [
        ("Approve", Choice.APPROVE),
        ("Approved", Choice.APPROVE),
        ("approve", Choice.APPROVE),
        ("Deny", Choice.DENY),
        ("Denied", Choice.DENY),
    ],
)
async def test_a_completed_step_tells_who_decided_what(
    cloud: FakeCloud, graph: GraphAdapters, result: str, choice: Choice
) -> None:
    told = decided(
        result=result,
        justification="fine",
        reviewedDateTime="2026-11-23T08:58:00Z",
        reviewedBy={"id": "O1", "displayName": "Alex"},
    )
    cloud.on(f"GET {APPROVAL}", says({"id": "A1", "steps": [told]}))
    found = await graph.approvals.read(ALEX, an_approval("A1"))
    assert not found.open
    assert found.decision is not None
    assert found.decision.by is not None
    assert found.decision.by.identity == Identity(TENANT, "o1")
    assert (found.decision.choice, found.decision.justification) == (choice, "fine")
    assert found.decision.at.minute == 58


async def test_a_decision_graph_attributes_to_nobody_is_nobodys(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(f"GET {APPROVAL}", says({"steps": [decided(reviewedBy=None)]}))
    decision = (await graph.approvals.read(ALEX, an_approval("A1"))).decision
    assert decision is not None
    assert (decision.by, decision.at) == (None, cloud.clock.now())


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(step(reviewResult="Approve"), id="approved but still in progress"),
        pytest.param(step(status="Expired"), id="expired"),
        pytest.param(step(status="Initializing", reviewResult="Approve"), id="initializing"),
        pytest.param(decided(result="Maybe"), id="a result not known"),
        pytest.param(decided(result="NotReviewed"), id="completed without a review"),
    ],
)
async def test_what_is_not_clearly_decided_is_neither_open_nor_decided(
    cloud: FakeCloud, graph: GraphAdapters, told: dict[str, Any]
) -> None:
    cloud.on(f"GET {APPROVAL}", says({"id": "A1", "steps": [told]}))
    found = await graph.approvals.read(ALEX, an_approval("A1"))
    assert (found.open, found.decision) == (False, None)


# PIM for Groups ----------------------------------------------------------------------------

GROUP_APPROVAL = "/v1.0/identityGovernance/privilegedAccess/group/assignmentApprovals/A1"
OWNER = GroupRole("cccccccc-0000-4000-8000-000000000001", Access.OWNER).key


async def test_a_group_approval_is_read_by_its_stages(cloud: FakeCloud, graph: GraphAdapters) -> None:
    mine = step("S3", displayName=None)
    cloud.on(f"GET {GROUP_APPROVAL}", says({"id": "A1", "stages": [decided(), mine]}))
    found = await graph.approvals.read(ALEX, an_approval("A1", OWNER))
    assert (found.approval_id, found.step_id, found.open, found.assigned_to_me) == ("A1", "S3", True, True)


@pytest.mark.parametrize("choice", list(Choice))
async def test_a_group_approval_is_decided_at_its_stage(
    cloud: FakeCloud, graph: GraphAdapters, choice: Choice
) -> None:
    cloud.on(f"PATCH {GROUP_APPROVAL}/stages/S1", empty())
    await graph.approvals.decide(ALEX, an_approval("A1", OWNER), "S1", choice, "because")
    (sent,) = cloud.to_graph()
    assert sent.body == {"reviewResult": choice.value, "justification": "because"}


async def test_a_group_approval_decided_by_somebody_else_is_told_as_such(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(f"PATCH {GROUP_APPROVAL}/stages/S1", fails(409, "Conflict"))
    with pytest.raises(AlreadyDecidedError):
        await graph.approvals.decide(ALEX, an_approval("A1", OWNER), "S1", Choice.DENY, "no")


# Several steps -----------------------------------------------------------------------------


async def test_of_several_decided_steps_the_denial_counts(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on(f"GET {APPROVAL}", says({"id": "A1", "steps": [decided("S1"), decided("S2", "Deny")]}))
    found = await graph.approvals.read(ALEX, an_approval("A1"))
    assert found.decision is not None
    assert found.decision.choice is Choice.DENY


@pytest.mark.parametrize("body", [{"id": "A1"}, {"id": "A1", "steps": []}])
async def test_an_approval_without_steps_is_not_found(
    cloud: FakeCloud, graph: GraphAdapters, body: Any
) -> None:
    cloud.on(f"GET {APPROVAL}", says(body))
    with pytest.raises(NotFoundError):
        await graph.approvals.read(ALEX, an_approval("A1"))


async def test_reading_is_repeated_while_graph_is_busy_with_the_same_token(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(f"GET {APPROVAL}", fails(503), says({"id": "A1", "steps": [step()]}))
    assert (await graph.approvals.read(ALEX, an_approval("A1"))).open
    assert [one.token for one in cloud.to_graph()] == ["token-1", "token-1"]


async def test_the_claims_of_a_challenge_are_ready_to_be_sent_to_authorize(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(f"GET {APPROVAL}", fails(401, WWW_Authenticate=f'Bearer realm="", claims="{CLAIMS}"'))
    with pytest.raises(ClaimsChallengeError) as caught:
        await graph.approvals.read(ALEX, an_approval("A1"))
    assert json.loads(caught.value.claims) == {
        "access_token": {"acrs": {"value": "c1"}, "xms_cc": {"values": ["cp1"]}}
    }
