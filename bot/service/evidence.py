"""What the audit log keeps of a click: as whom, on which facts, under which rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from bot.domain import separation
from bot.domain.model import (
    ApprovalPolicy,
    ApprovalRequest,
    Facts,
    RolePath,
    Unreadable,
    UserAssertion,
)
from bot.service.assertion import claims_of

_RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sign-in-needed": "decided with the approver's own token",
        "assertion-mismatch": "the token is the clicker's own",
        "reason-required": "a reason is given where one is required",
        "denial-reason-required": "a reason is given where one is required",
        "context-needed": "the token carries the authentication context that the role demands",
        "already-voted": "one person is one approval",
        "already-decided": "decided once",
        "being-decided": "one decision at a time",
        "still-recording": "one decision at a time",
        "not-open": "the request is open in PIM",
        "not-assigned": "PIM lists the approver",
        "not-decidable-here": "Graph can decide requests of this kind",
        "try-again": "what a decision relies on can be read",
    }
)
_OTHER_RULE: Final = "Entra and Graph accept the approver's token"

GRAPHS_WORD: Final = ["Graph has the word on what became of a request"]
"""The rule behind everything that is written down because Graph says so."""


def of_facts(facts: Facts, at: datetime) -> dict[str, object]:
    """What separation of duties was judged on at ``at``, how old it was, and under which rules."""
    return {
        "facts_read_at": facts.read_at.isoformat(),
        "facts_age_seconds": round((at - facts.read_at).total_seconds(), 3),
        "facts_read": {**_of_policy(facts), **_of_holders(facts)},
        "rules": list(separation.RELIED_ON),
    }


def _of_policy(facts: Facts) -> dict[str, object]:
    if isinstance(facts.policy, ApprovalPolicy):
        named = len(facts.policy.approvers)
        return {"approvers": named} if facts.about is None else {"is_approver": named > 0}
    return {facts.policy.fact: f"unreadable: {facts.policy.why}"}


def _of_holders(facts: Facts) -> dict[str, object]:
    if isinstance(facts.holders, Unreadable):
        return {facts.holders.fact: f"unreadable: {facts.holders.why}"}
    paths = {"eligible": facts.holders.eligible, "active": facts.holders.active}
    if facts.about is None:
        return {name: len(found) for name, found in paths.items()}
    return {name: [_of_path(path) for path in found] for name, found in paths.items()}


def _of_path(path: RolePath) -> dict[str, object]:
    return {"how": path.kind.value, "scope": path.scope, "via": list(path.via)}


def of_token(assertion: UserAssertion | None) -> dict[str, object]:
    """Whose token was used, as the token itself says; nothing when there was none."""
    if assertion is None:
        return {}
    claims = claims_of(assertion)
    return {"token_oid": _id(claims.get("oid")), "token_tid": _id(claims.get("tid"))}


def _id(claim: object) -> str:
    return claim[:64] if isinstance(claim, str) else "unreadable"


def of_stop(why: str) -> dict[str, object]:
    """Why nothing was sent: the notice's key, and the rule behind it."""
    return {"why": why, "rules": [_RULES.get(why, _OTHER_RULE)]}


def of_state(request: ApprovalRequest) -> dict[str, object]:
    """How the request stood, which was reason enough."""
    return {"state": request.state.value, "version": request.version}
