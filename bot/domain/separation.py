"""Separation of duties: who may decide on a request, as a verdict with its reasons.

Fails closed: a fact that could not be read refuses, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Allowed:
    """The actor may decide; ``relied_on`` names every rule that was checked and held."""

    relied_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The actor may not decide, for each of these reasons."""

    refusals: tuple[Refusal, ...]


Verdict = Allowed | Refused

RELIED_ON = (
    "same tenant",
    "in the pool frozen at intake",
    "still an approver in the role's policy",
    "not the requester",
    "not a break-glass account",
    "not eligible for the role at this or a covering scope",
    "not an active holder of the role",
)


def covers(wider: str, narrower: str) -> bool:
    """Whether authority at one directory scope reaches another: ``/`` reaches everything, any
    other scope itself and what lies below it (``/administrativeUnits/{id}``).
    """
    above, below = _scope(wider), _scope(narrower)
    return above in {"/", below} or below.startswith(above + "/")


def _scope(scope: str) -> str:
    return "/" + scope.strip().strip("/").lower()


def judge(actor: Identity, request: ApprovalRequest, facts: Facts, rules: Rules) -> Verdict:
    """Whether ``actor`` may decide on ``request``, by facts gathered at the click."""
    refusals = (
        *_standing(actor, request.requester.identity, rules),
        *_pool(actor, request.pool),
        *_policy(actor, facts.policy),
        *_holding(actor, request.scope, facts.holders, rules),
    )
    return Refused(refusals) if refusals else Allowed(RELIED_ON)


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
    standing = _standing(person.identity, requester, rules)
    if isinstance(holders, Unreadable):
        return PoolMember(person, tuple(standing))
    return PoolMember(person, (*standing, *_holding(person.identity, scope, holders, rules)))


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


def _policy(actor: Identity, policy: ApprovalPolicy | Unreadable) -> Iterable[Refusal]:
    if isinstance(policy, Unreadable):
        yield Refusal(Reason.FACT_UNREADABLE, policy.fact)
    elif all(person.identity != actor for person in policy.approvers):
        yield Refusal(Reason.NO_LONGER_AN_APPROVER)


def _holding(who: Identity, scope: str, holders: Holders | Unreadable, rules: Rules) -> Iterable[Refusal]:
    if isinstance(holders, Unreadable):
        yield Refusal(Reason.FACT_UNREADABLE, holders.fact)
        return
    for path in _paths(who, scope, holders.eligible):
        if path.kind is PathKind.DIRECT:
            yield Refusal(Reason.ELIGIBLE_DIRECTLY)
        else:
            yield Refusal(Reason.ELIGIBLE_THROUGH_GROUP, path.via or "")
    if not rules.active_holders_may_decide:
        for path in _paths(who, scope, holders.active):
            yield Refusal(Reason.HOLDS_ROLE, path.via or "")


def _paths(who: Identity, scope: str, paths: Iterable[RolePath]) -> tuple[RolePath, ...]:
    mine = (p for p in paths if p.object_id.lower() == who.object_id and covers(p.scope, scope))
    return tuple(dict.fromkeys(mine))


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
