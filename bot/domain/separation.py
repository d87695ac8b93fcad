"""Separation of duties: who may decide on a request, as a verdict with its reasons.

Fails closed: a fact that could not be read refuses, and is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.domain.model import (
    ApprovalPolicy,
    ApprovalRequest,
    Facts,
    Holders,
    Identity,
    PathKind,
    Person,
    Pool,
    PoolMember,
    Reason,
    Refusal,
    RolePath,
    Unreadable,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that separation of duties depends on."""

    tenant_id: str
    break_glass: frozenset[str] = frozenset()
    """Object ids, lower case."""
    active_holders_may_decide: bool = False
    guests_may_decide: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """The actor may decide: every rule of ``RELIED_ON`` was checked and held."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The actor may not decide, for each of these reasons."""

    refusals: tuple[Refusal, ...]


Verdict = Allowed | Refused

RELIED_ON: Final = (
    "same tenant",
    "in the pool frozen at intake",
    "still an approver in the role's policy",
    "not the requester",
    "not a break-glass account",
    "not a guest, unless guests may decide",
    "not eligible for the role at this or a covering scope, by any path",
    "not an active holder of the role, unless such may decide",
)
ACCOUNT_TYPE: Final = "account type"
"""The fact whether somebody is a guest."""
ARROW: Final = " → "
"""Between the groups of a path."""

_OF_KIND: Final = {
    PathKind.DIRECT: Reason.ELIGIBLE_DIRECTLY,
    PathKind.GROUP: Reason.ELIGIBLE_THROUGH_GROUP,
    PathKind.GROUP_ELIGIBLE: Reason.ELIGIBLE_FOR_GROUP,
    PathKind.NESTED: Reason.ELIGIBLE_THROUGH_NESTED_GROUPS,
    PathKind.OWNER: Reason.OWNS_GROUP,
}
_SEGMENT: Final = re.compile(r"[a-z0-9_-][a-z0-9_.~-]*")
_UNIT: Final = "administrativeunits"


def covers(wider: str, narrower: str) -> bool:
    """Whether authority at one directory scope reaches another.

    ``/`` reaches everything; an administrative unit, an application or another object reaches itself and
    what is spelt below it. An administrative unit (``/administrativeUnits/{id}``) also counts as
    reaching any single object (``/{id}``), since who its members are is not known here; so does
    everything where one of the two can't be understood.
    """
    above, below = _segments(wider), _segments(narrower)
    if above is None or below is None:
        return True
    may_contain = len(above) == 2 and above[0] == _UNIT and len(below) == 1  # noqa: PLR2004
    return below[: len(above)] == above or may_contain


def _segments(scope: str) -> list[str] | None:
    """The parts of a scope, none of them for ``/``; None for what is no scope of a directory."""
    parts = [part.strip().lower() for part in scope.split("/")]
    found = [part for part in parts if part]
    return found if all(map(_SEGMENT.fullmatch, found)) else None


def judge(actor: Identity, request: ApprovalRequest, facts: Facts, rules: Rules) -> Verdict:
    """Whether ``actor`` may decide on ``request``, by facts gathered at the click.

    Raises ``ValueError`` for facts about somebody else.
    """
    if facts.about not in {None, actor}:
        raise ValueError("the facts are about somebody else")
    refusals = (
        *_standing(actor, request.requester.identity, rules),
        *_pool(actor, request.pool),
        *_policy(actor, facts.policy, rules),
        *_holding(actor, request.scope, facts.holders, rules),
    )
    return Refused(tuple(dict.fromkeys(refusals))) if refusals else Allowed()


def forecast(
    requester: Identity, scope: str, policy: ApprovalPolicy, holders: Holders | Unreadable, rules: Rules
) -> Pool:
    """Who of the policy's approvers could decide, and why the others could not."""
    return Pool(
        members=tuple(_member(person, requester, scope, holders, rules) for person in policy.approvers),
        defaulted=policy.defaulted,
        justification_required=policy.justification_required,
        unreadable=holders if isinstance(holders, Unreadable) else None,
    )


def _member(
    person: Person, requester: Identity, scope: str, holders: Holders | Unreadable, rules: Rules
) -> PoolMember:
    refusals = [*_standing(person.identity, requester, rules), *_guest(person, rules)]
    if not isinstance(holders, Unreadable):
        refusals += _holding(person.identity, scope, holders, rules)
    return PoolMember(person, tuple(dict.fromkeys(refusals)))


def _standing(who: Identity, requester: Identity, rules: Rules) -> Iterable[Refusal]:
    if who.tenant_id != rules.tenant_id.lower():
        yield Refusal(Reason.OTHER_TENANT)
    if who == requester:
        yield Refusal(Reason.OWN_REQUEST)
    if who.object_id in rules.break_glass:
        yield Refusal(Reason.BREAK_GLASS)


def _pool(actor: Identity, pool: Pool | Unreadable) -> Iterable[Refusal]:
    if isinstance(pool, Unreadable):
        yield Refusal(Reason.FACT_UNREADABLE, pool.fact)
    elif all(member.person.identity != actor for member in pool.members):
        yield Refusal(Reason.NOT_AN_APPROVER)


def _policy(actor: Identity, policy: ApprovalPolicy | Unreadable, rules: Rules) -> Iterable[Refusal]:
    if isinstance(policy, Unreadable):
        yield Refusal(Reason.FACT_UNREADABLE, policy.fact)
        return
    named = [person for person in policy.approvers if person.identity == actor]
    if not named:
        yield Refusal(Reason.NO_LONGER_AN_APPROVER)
    for person in named:
        yield from _guest(person, rules)


def _guest(person: Person, rules: Rules) -> Iterable[Refusal]:
    if rules.guests_may_decide or person.guest is False:
        return
    if person.guest is None:
        yield Refusal(Reason.FACT_UNREADABLE, ACCOUNT_TYPE)
    else:
        yield Refusal(Reason.GUEST)


def _holding(who: Identity, scope: str, holders: Holders | Unreadable, rules: Rules) -> Iterable[Refusal]:
    if isinstance(holders, Unreadable):
        yield Refusal(Reason.FACT_UNREADABLE, holders.fact)
        return
    for path in _paths(who, scope, holders.eligible):
        yield Refusal(_OF_KIND[path.kind], ARROW.join(path.via))
    if not rules.active_holders_may_decide:
        for path in _paths(who, scope, holders.active):
            yield Refusal(Reason.HOLDS_ROLE, ARROW.join(path.via))


def _paths(who: Identity, scope: str, paths: Iterable[RolePath]) -> Iterable[RolePath]:
    return (p for p in paths if p.object_id.lower() == who.object_id and covers(p.scope, scope))


def outlook(actor: Identity, request: ApprovalRequest, rules: Rules) -> tuple[Refusal, ...]:
    """Why ``actor`` could not decide, as far as the frozen forecast knows. For showing only:
    empty means that a click is worth trying, not that it will be allowed.
    """
    if isinstance(request.pool, Unreadable):
        return (Refusal(Reason.FACT_UNREADABLE, request.pool.fact),)
    for member in request.pool.members:
        if member.person.identity == actor:
            return member.refusals
    return (*_standing(actor, request.requester.identity, rules), Refusal(Reason.NOT_AN_APPROVER))
