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
NAME_LIMIT: Final = 60
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
    told = JOINT.format(n=len(votes), names=", ".join(map(_named, votes)))
    if len(told) > limit:
        told = JOINT.format(n=len(votes), names=", ".join(v.by.identity.object_id for v in votes))
    reasons = " / ".join(vote.justification for vote in votes if vote.justification)
    room = limit - len(told) - 1
    return f"{told} {reasons[:room]}" if reasons and room > 0 else told


def _named(vote: Vote) -> str:
    """A name that can't pass for more than one: without what separates names here."""
    name = "".join(" " if char in "(),/" else char for char in vote.by.display_name)
    shown = " ".join(name.split())[:NAME_LIMIT]
    return JOINT_NAME.format(name=shown or "?", object_id=vote.by.identity.object_id)


def bypassed(before: ApprovalRequest, decision: Decision) -> bool:
    """Whether an approval that Graph reports came before the quorum was there. ``before``: the request
    as it was until then. Only an approval that completes a quorum is claimed: while its claim is
    under way, or when Graph has its very words, the quorum was there. A claim that was given back
    says nothing of an approval made since.
    """
    if decision.choice is not Choice.APPROVE or before.quorum <= 1:
        return False
    claim = before.claim
    if claim is None or claim.choice is not Choice.APPROVE:
        return True
    return before.state is not State.DECIDING and decision.justification != claim.justification
