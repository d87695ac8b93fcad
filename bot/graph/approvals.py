"""Approvals read and decided as the approver: ``ports.Approvals``.

Sources: docs/entra-facts.md §3. Directory-role approvals exist on ``/beta`` only, where what is decided is
a *step*; approvals of PIM for Groups exist on ``/v1.0``, where it is a *stage* (and ``/steps``, which
Graph's page prints, is not found). Both are the same two requests otherwise, written by hand. Should
Microsoft move or remove an API, this is the file to change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from bot.domain import group_roles
from bot.domain.errors import NotFoundError
from bot.domain.model import ApprovalRef, ApprovalStep, Choice, Decision, UserAssertion
from bot.graph.calls import body
from bot.graph.errors import Call
from bot.graph.on_behalf import OnBehalf
from bot.graph.parsing import Json, child, person_of, required, rows, text, time
from bot.ports import Clock


@dataclass(frozen=True, slots=True)
class _Api:
    """Where approvals of a kind are, and what the parts to be decided are called there."""

    url: str
    parts: str
    query: str = ""
    """What brings the parts along; stages come unasked ("Get approval", Graph's page)."""


_DIRECTORY_ROLES = _Api(
    "{+graph}/beta/roleManagement/directory/roleAssignmentApprovals/{approval}", "steps", "?$expand=steps"
)
_GROUPS = _Api(
    "{+graph}/v1.0/identityGovernance/privilegedAccess/group/assignmentApprovals/{approval}", "stages"
)
_CHOICES = {
    "approve": Choice.APPROVE,
    "approved": Choice.APPROVE,
    "deny": Choice.DENY,
    "denied": Choice.DENY,
}
_LEAST_SECONDS = 1.0
_PATIENCE = 8.0
"""Seconds to wait for a decision's answer; Teams gives a click 10 to 15 (docs/entra-facts.md §9)."""


class GraphApprovals:
    """Each call exchanges the assertion anew; no user token is kept."""

    def __init__(self, on_behalf: OnBehalf, tenant_id: str, clock: Clock) -> None:
        self._on_behalf = on_behalf
        self._tenant_id = tenant_id
        self._clock = clock

    async def read(self, assertion: UserAssertion, approval: ApprovalRef) -> ApprovalStep:
        """The step that is open for this user, or else the one that was decided."""
        api = _api(approval)
        parameters = self._parameters(approval.approval_id)
        info = RequestInformation(Method.GET, f"{api.url}{api.query}", parameters)
        calls = await self._on_behalf.calls(assertion, Call.DELEGATED)
        found = await calls.read(info)
        return self._step(text(found, "id") or approval.approval_id, _chosen(rows(found, api.parts)))

    async def decide(
        self,
        assertion: UserAssertion,
        approval: ApprovalRef,
        step_id: str,
        choice: Choice,
        justification: str,
    ) -> None:
        """PATCH the step; repeated only when Graph says it was too busy to do anything, and within the
        time the click has (``Retries.seconds`` for token and PATCH together).
        """
        api = _api(approval)
        parameters = {**self._parameters(approval.approval_id), "step": step_id}
        info = RequestInformation(Method.PATCH, f"{api.url}/{api.parts}/{{step}}", parameters)
        body(info, {"reviewResult": choice.value, "justification": justification})
        calls = await self._on_behalf.calls(assertion, Call.DECISION, at_least=_LEAST_SECONDS)
        await calls.once(info, Call.DECISION, _PATIENCE)

    def _parameters(self, approval_id: str) -> dict[str, str]:
        return {"graph": self._on_behalf.url, "approval": approval_id}

    def _step(self, approval_id: str, step: Json) -> ApprovalStep:
        return ApprovalStep(
            approval_id=approval_id,
            step_id=required(step, "id"),
            open=_is_open(step),
            assigned_to_me=step.get("assignedToMe") is True,
            decision=self._decision(step),
        )

    def _decision(self, step: Json) -> Decision | None:
        """Only of a completed step: an open one confirms nothing, whatever its result says."""
        choice = _CHOICES.get(text(step, "reviewResult").lower())
        if choice is None or text(step, "status").lower() != "completed":
            return None
        reviewer = child(step, "reviewedBy")
        return Decision(
            choice=choice,
            by=person_of(reviewer, self._tenant_id) if text(reviewer, "id") else None,
            justification=text(step, "justification"),
            at=time(step, "reviewedDateTime") or self._clock.now(),
        )


def _api(approval: ApprovalRef) -> _Api:
    return _DIRECTORY_ROLES if group_roles.parse(approval.role_definition_id) is None else _GROUPS


def _is_open(step: Json) -> bool:
    reviewed = text(step, "reviewResult").lower() not in {"", "notreviewed"}
    return text(step, "status").lower() == "inprogress" and not reviewed


def _chosen(steps: Sequence[Json]) -> Json:
    """The step open for me; else a denied, a completed, an open one, in this order: where several
    steps were decided, one denial decides.
    """
    if not steps:
        raise NotFoundError("The approval has no steps")

    def rank(step: Json) -> int:
        if _is_open(step):
            return 0 if step.get("assignedToMe") is True else 3
        if text(step, "status").lower() != "completed":
            return 4
        return 1 if _CHOICES.get(text(step, "reviewResult").lower()) is Choice.DENY else 2

    return min(steps, key=rank)
