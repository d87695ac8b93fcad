"""Dual control: a role may ask for the approval of more than one person, where PIM takes the first.

Votes are collected here and only the last approval is sent, with everybody's name in it. A denial
needs nobody else's. PIM can't enforce any of this, so that a decision made elsewhere is reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bot.domain.errors import IllegalEventError
from bot.domain.model import ApprovalRequest, Choice, Decision, Identity, State, Vote

JOINT: Final = "Approved by {n} people: {names}."
JOINT_NAME: Final = "{name} ({object_id})"


def has_voted(request: ApprovalRequest, who: Identity) -> bool:
    return any(vote.by.identity == who for vote in request.votes)


def is_last(request: ApprovalRequest, who: Identity) -> bool:
    """Whether the approval of this person would complete the quorum."""
    return len({vote.by.identity for vote in request.votes} | {who}) >= request.quorum


def voted(request: ApprovalRequest, vote: Vote) -> ApprovalRequest:
    """Somebody approves, and more are needed. Raises ``IllegalEventError`` unless the request is
    pending and this person has not voted.
    """
    if request.state is not State.PENDING:
        raise IllegalEventError(f"nobody votes while {request.state}")
    if has_voted(request, vote.by.identity):
        raise IllegalEventError("one person is one vote")
    return replace(request, votes=(*request.votes, vote), version=request.version + 1)


def without(request: ApprovalRequest, gone: Iterable[Identity]) -> ApprovalRequest:
    """Votes of people who may not decide any more count no more. Raises ``IllegalEventError``
    unless the request is pending.
    """
    if request.state is not State.PENDING:
        raise IllegalEventError(f"votes stay as they are while {request.state}")
    dropped = set(gone)
    kept = tuple(vote for vote in request.votes if vote.by.identity not in dropped)
    return replace(request, votes=kept, version=request.version + 1)


def joint_justification(request: ApprovalRequest, last: Vote, limit: int) -> str:
    """What Graph is told with the last approval: everybody's name and object id first, then their
    reasons, in at most ``limit`` characters. Names are what is never cut.
    """
    votes = (*request.votes, last)
    names = ", ".join(
        JOINT_NAME.format(name=vote.by.display_name or "?", object_id=vote.by.identity.object_id)
        for vote in votes
    )
    told = JOINT.format(n=len(votes), names=names)
    reasons = " / ".join(vote.justification for vote in votes if vote.justification)
    room = limit - len(told) - 1
    return f"{told} {reasons[:room]}" if reasons and room > 0 else told


def bypassed(request: ApprovalRequest, decision: Decision) -> bool:
    """Whether an approval made elsewhere came before the quorum was there. An approval
    is only claimed when it is, so that what may be our own is none.
    """
    complete = request.claim is not None and request.claim.choice is Choice.APPROVE
    return decision.choice is Choice.APPROVE and request.quorum > 1 and not complete
