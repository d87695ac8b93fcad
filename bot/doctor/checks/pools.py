"""Who can decide: for each role that needs approval, how many approvers are left by separation of duties."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from bot.doctor.checks.permissions import NOBODY
from bot.doctor.findings import Finding, error, info, ok, warning
from bot.doctor.probing import Answer, ProbeError
from bot.doctor.tools import Tools
from bot.domain import separation
from bot.domain.errors import DirectoryError, UnavailableError
from bot.domain.model import ApprovalPolicy, Holders, Identity, Pool, Reason, Role
from bot.graph.concurrently import concurrently
from bot.house_rules import house_rules
from bot.settings import Settings

_AT_ONCE: Final = 4
_SPARE: Final = 1
"""Approvers beyond those that a decision takes: somebody is always away."""
_POLICIES: Final = (
    "v1.0/policies/roleManagementPolicyAssignments?$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'"
    "&$expand=policy($expand=rules)"
)
_RULE: Final = "approval_enduser_assignment"
_NAME_THEM: Final = (
    "Entra admin center > Identity Governance > PIM > Microsoft Entra roles > Settings > the role > Edit:"
    " select approvers who are not eligible for it."
)


@dataclass(frozen=True, slots=True)
class RolePool:
    """A role that needs approval, and who could decide if a stranger asked for it."""

    role: Role
    policy: ApprovalPolicy
    holders: Holders
    pool: Pool
    quorum: int = 1


async def look(tools: Tools) -> Iterable[Finding]:
    try:
        pools = await read_pools(tools)
    except UnavailableError as failed:
        return [_busy(str(failed))]
    except DirectoryError as failed:
        return [unreadable(str(failed))]
    if not pools:
        return [
            warning(
                "pools.none",
                "no directory role needs approval",
                "There is nothing to decide.",
                "Require approval in the settings of the roles that matter.",
            )
        ]
    return [judge(one) for one in pools]


async def read_pools(tools: Tools) -> tuple[RolePool, ...]:
    """Of every role whose policy requires approval, read once for all checks. Raises ``DirectoryError``."""
    task = tools.shared.get("pools")
    if task is None:
        task = tools.shared["pools"] = asyncio.create_task(_read_pools(tools))
    # Whoever runs out of time must not end it for the others.
    found: tuple[RolePool, ...] = await asyncio.shield(task)
    return found


async def _read_pools(tools: Tools) -> tuple[RolePool, ...]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(role_id: str) -> RolePool:
        async with slots:
            directory = tools.graph.directory
            role, policy = await directory.role(role_id), await directory.approval_policy(role_id)
            holders = await directory.holders(role_id)
            pool = forecast(policy, holders, tools.settings)
            return RolePool(role, policy, holders, pool, tools.settings.quorum_of(role))

    # Not gathered: when one fails, the others have to be over before the connections are closed.
    found = await concurrently(map(one, await _roles(tools)))
    return tuple(sorted(found, key=lambda pool: pool.role.display_name))


def forecast(policy: ApprovalPolicy, holders: Holders, settings: Settings) -> Pool:
    """For a requester who is nobody: every real one can only have fewer approvers."""
    return separation.forecast(
        Identity(settings.tenant_id, NOBODY), "/", policy, holders, house_rules(settings)
    )


async def _roles(tools: Tools) -> list[str]:
    path: str | None = _POLICIES
    found: list[str] = []
    while path is not None:
        try:
            page = await tools.ask_graph(path)
        except ProbeError as failed:
            raise UnavailableError(str(failed)) from failed
        found += needing_approval(_page(page))
        path = _next(page, tools.settings.endpoints.graph_url)
    return found


def _page(answer: Answer) -> list[Any]:
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UnavailableError(answer.error, status=answer.status)
    if not answer.good:
        raise DirectoryError(answer.error or f"Graph answered {answer.status}", status=answer.status)
    rows = answer.json.get("value")
    return rows if isinstance(rows, list) else []


def _next(answer: Answer, graph_url: str) -> str | None:
    """The next page's path; a link to anywhere else is not followed."""
    link = answer.json.get("@odata.nextLink")
    if not isinstance(link, str) or not link.startswith(f"{graph_url}/"):
        return None
    return link.removeprefix(f"{graph_url}/")


def needing_approval(assignments: Iterable[Any]) -> list[str]:
    """Role ids of the policies that require approval to activate."""
    return [
        str(one["roleDefinitionId"]).lower()
        for one in assignments
        if isinstance(one, dict) and one.get("roleDefinitionId") and _requires_approval(one)
    ]


def _requires_approval(assignment: Mapping[str, Any]) -> bool:
    for rule in (assignment.get("policy") or {}).get("rules") or ():
        if str(rule.get("id")).lower() == _RULE:
            return (rule.get("setting") or {}).get("isApprovalRequired") is True
    return False


def judge(one: RolePool) -> Finding:
    name, able = one.role.display_name, len(one.pool.able)
    if able >= one.quorum + _SPARE:
        return ok("pools.enough", f"{name}: {able} of {len(one.pool.members)} approvers can decide")
    who = f"{name}: {_count(able, len(one.pool.members))}{_why(one.pool)}"
    if not one.holders.eligible:
        return info("pools.unused", f"{who}; nobody is eligible for the role, so nobody can ask for it")
    if able and one.quorum > 1:
        who = f"{who}, and a decision takes {one.quorum}"
    if able < one.quorum:
        return error(
            "pools.empty" if able == 0 else "pools.below-quorum",
            who,
            "Nobody may decide on a request for it from Teams: ops are pinged at once, and after 24 hours it"
            " runs out.",
            _NAME_THEM,
        )
    return warning(
        "pools.thin",
        who,
        "When one of them is away, nothing can be decided from Teams, and after 24 hours requests run out.",
        _NAME_THEM,
    )


def _count(able: int, members: int) -> str:
    return f"{able or 'none'} of {members} approvers can decide"


def _why(pool: Pool) -> str:
    reasons: dict[Reason, int] = {}
    for member in pool.members:
        for reason in dict.fromkeys(refusal.reason for refusal in member.refusals):
            reasons[reason] = reasons.get(reason, 0) + 1
    told = ", ".join(f"{count} {reason.value}" for reason, count in reasons.items())
    named = "; the policy names nobody, so PIM falls back to administrators" if pool.defaulted else ""
    return f" ({told}{named})" if told or named else ""


def _busy(why: str) -> Finding:
    return warning(
        "pools.busy",
        f"Graph throttles or fails: {why}",
        "Who can decide is not known.",
        "Run the doctor again in a minute.",
    )


def unreadable(why: str) -> Finding:
    return error(
        "pools.unreadable",
        f"approvers or eligibilities can't be read: {why}",
        "Nobody may decide here, and the cards say so.",
        "See what the permissions say, above.",
    )
