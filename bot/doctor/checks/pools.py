"""Who can decide: for each role that needs approval, how many approvers are left by separation of duties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from bot.doctor.findings import Finding, error, info, ok, warning
from bot.doctor.role_pools import RolePool, RolePools, UnknownGroupError, Unread, read_pools
from bot.doctor.tools import Tools
from bot.domain.model import Reason

_SPARE: Final = 1
"""Approvers beyond those that a decision takes: somebody is always away."""
_NAME_THEM: Final = (
    "Entra admin center > Identity Governance > PIM > {}: select approvers who are not eligible for it."
)
_ROLE: Final = "Microsoft Entra roles > Settings > the role > Edit"
_GROUP: Final = "Groups > the group > Settings > Member or Owner > Edit"
_NAMED: Final = 3


async def look(tools: Tools) -> Iterable[Finding]:
    return judge(await read_pools(tools))


def judge(pools: RolePools) -> Iterator[Finding]:
    yield from map(judge_one, pools.read)
    yield from _judge_unread(pools.unread)
    if not pools.read and not pools.unread:
        yield warning(
            "pools.none",
            "no directory role needs approval, and no group that PIM manages",
            "There is nothing to decide.",
            "Require approval in the settings of the roles and groups that matter.",
        )


def _judge_unread(unread: Collection[Unread]) -> Iterator[Finding]:
    """What fails for the same reason is told once."""
    by_reason: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for one in unread:
        if isinstance(one.failure, UnknownGroupError):
            yield _unknown_group(one.what)
        else:
            by_reason[one.busy, str(one.failure)].append(one.what)
    for (busy, why), what in sorted(by_reason.items()):
        yield (_busy if busy else unreadable)(_listed(sorted(what)), why)


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def judge_one(one: RolePool) -> Finding:
    name, able = one.name, len(one.pool.able)
    if able >= one.quorum + _SPARE:
        return ok("pools.enough", f"{name}: {able} of {len(one.pool.members)} approvers can decide")
    who = f"{name}: {_count(able, len(one.pool.members))}{_why(one)}"
    if not one.holders.eligible:
        return info("pools.unused", f"{who}; nobody is eligible for the role, so nobody can ask for it")
    if able and one.quorum > 1:
        who = f"{who}, and a decision takes {one.quorum}"
    name_them = _NAME_THEM.format(_GROUP if one.group else _ROLE)
    if able < one.quorum:
        return error(
            "pools.empty" if able == 0 else "pools.below-quorum",
            who,
            "Nobody may decide on a request for it from Teams: ops are pinged at once, and after 24 hours it"
            " runs out.",
            name_them,
        )
    return warning(
        "pools.thin",
        who,
        "When one of them is away, nothing can be decided from Teams, and after 24 hours requests run out.",
        name_them,
    )


def _count(able: int, members: int) -> str:
    return f"{able or 'none'} of {members} approvers can decide"


def _why(one: RolePool) -> str:
    reasons: dict[Reason, int] = {}
    for member in one.pool.members:
        for reason in dict.fromkeys(refusal.reason for refusal in member.refusals):
            reasons[reason] = reasons.get(reason, 0) + 1
    told = [", ".join(f"{count} {reason.value}" for reason, count in reasons.items())]
    if one.pool.defaulted:
        told.append("the policy names nobody, so PIM falls back to administrators")
    elif not one.policy.approvers:
        told.append("the policy names nobody who is there")
    why = "; ".join(filter(None, told))
    return f" ({why})" if why else ""


def _unknown_group(what: str) -> Finding:
    return error(
        "pools.unknown-group",
        f"{what}: PIM has no settings for this group",
        "If another one was meant, requests for that one get no cards.",
        "Compare SECONDKEY_PIM_GROUPS with the group's object id (Entra admin center > Groups > the group),"
        " and look whether PIM manages it (PIM > Groups).",
    )


def _busy(what: str, why: str) -> Finding:
    return warning(
        "pools.busy",
        f"{what}: Graph throttles or fails: {why}",
        "Who can decide is not known.",
        "Run the doctor again in a minute.",
    )


def unreadable(what: str, why: str) -> Finding:
    return error(
        "pools.unreadable",
        f"{what}: approvers or eligibilities can't be read: {why}",
        "Nobody may decide here, and the cards say so.",
        "See what the permissions say, above.",
    )
