"""A claimed decision goes to Graph, and what Graph says is recorded: Graph has the word."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NoReturn

import structlog

from bot.domain.content import RequestCard
from bot.domain.errors import (
    AlreadyDecidedError,
    DirectoryError,
    OutcomeUnknownError,
    UnavailableError,
)
from bot.domain.model import (
    Actor,
    ApprovalRef,
    ApprovalRequest,
    ApprovalStep,
    Choice,
    Decision,
    Facts,
    Person,
    UserAssertion,
)
from bot.ports import Approvals, Clock
from bot.service.recover import Recovery
from bot.service.stops import stop_for
from bot.service.views import Views
from bot.telemetry import metrics
from bot.telemetry.metrics import Outcome

_TIME_LIMIT: Final = timedelta(seconds=25)
"""For everything after the claim; then recovery takes over (``recover.CLAIM_LEASE``)."""
_PATCH_TRIES: Final = 3
_PAST: Final = {Choice.APPROVE: "approved", Choice.DENY: "denied"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Click:
    """One click, with what has been found out for it."""

    actor: Actor
    choice: Choice
    reason: str
    assertion: UserAssertion
    step: ApprovalStep
    facts: Facts


@dataclass(frozen=True, slots=True)
class Sender:
    """Carries out what was claimed."""

    approvals: Approvals
    recovery: Recovery
    views: Views
    clock: Clock

    async def send(self, claimed: ApprovalRequest, click: Click) -> RequestCard:
        """The claimed decision, sent once and recorded as Graph confirms it; given back when Graph
        did not take it; left to recovery when that is not known.
        """
        try:
            async with asyncio.timeout(_TIME_LIMIT.total_seconds()):
                decision = await self._patch(claimed, click)
        except (TimeoutError, UnavailableError) as error:
            if isinstance(error, UnavailableError) and not isinstance(error, OutcomeUnknownError):
                await self._give_back(claimed, error)
            log.warning("decision_outcome_unknown", request=claimed.id)
            _count(click.choice, Outcome.UNKNOWN)
            return self.views.card(claimed, click.actor, notice="outcome-unknown")
        except DirectoryError as error:
            await self._give_back(claimed, error)
        return await self._record(claimed, click, decision)

    async def _patch(self, claimed: ApprovalRequest, click: Click) -> Decision:
        """Sent, and when its answer is lost, read before it is repeated. Raises
        ``OutcomeUnknownError`` when even reading doesn't tell, and for whatever goes wrong once an
        attempt's fate is in doubt: it may land after all.
        """
        approval, step, doubtful = claimed.approval, click.step, False
        for attempt in range(1, _PATCH_TRIES + 1):
            try:
                await self.approvals.decide(
                    click.assertion, approval, step.step_id, click.choice, click.reason
                )
                by = claimed.claim.by if claimed.claim else Person(click.actor.identity, "")
                return Decision(click.choice, by, click.reason, self.clock.now())
            except (AlreadyDecidedError, OutcomeUnknownError) as error:
                doubtful = True
                log.info("decision_reread", request=claimed.id, attempt=attempt, why=type(error).__name__)
                found = await self._reread(click.assertion, approval)
                if found is not None:
                    return found
            except DirectoryError as error:
                if doubtful:
                    raise OutcomeUnknownError from error
                raise
        raise OutcomeUnknownError

    async def _reread(self, assertion: UserAssertion, approval: ApprovalRef) -> Decision | None:
        try:
            return (await self.approvals.read(assertion, approval)).decision
        except DirectoryError as error:
            raise OutcomeUnknownError from error

    async def _record(self, claimed: ApprovalRequest, click: Click, decision: Decision) -> RequestCard:
        recorded = await self.recovery.conclude(claimed, decision)
        if recorded is None:  # reconciliation read the same in Graph, and was quicker
            recorded = await self.views.load(claimed.id) or claimed
        mine = decision.by is not None and decision.by.identity == click.actor.identity
        notice = f"recorded-{_PAST[decision.choice]}" if mine else "already-decided"
        log.info("decision_recorded", request=claimed.id, choice=decision.choice.value, mine=mine)
        _count(click.choice, Outcome.RECORDED if mine else Outcome.DECIDED_ELSEWHERE)
        if claimed.claim:
            metrics.DECISION_SECONDS.observe((self.clock.now() - claimed.claim.at).total_seconds())
        return self.views.card(recorded, click.actor, notice=notice)

    async def _give_back(self, claimed: ApprovalRequest, error: DirectoryError) -> NoReturn:
        """Raises ``StopError`` when there is a way on for the actor, once the request is open again."""
        claim_id = claimed.claim.id if claimed.claim else ""
        log.warning("decision_not_taken", request=claimed.id, why=type(error).__name__, status=error.status)
        await self.recovery.release(claimed, claim_id, type(error).__name__)
        if claimed.claim:
            _count(claimed.claim.choice, Outcome.NOT_TAKEN)
        raise stop_for(error) from error


def _count(choice: Choice, outcome: Outcome) -> None:
    metrics.DECISIONS.add(choice=choice.value.lower(), outcome=outcome.value)
