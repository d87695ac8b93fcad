"""Break-glass accounts: there, Global Administrator for good, outside PIM, and in nobody's approver pool.

Sources: Entra documentation, "Manage emergency access accounts" (two or more; permanently assigned, not
eligible).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.doctor.findings import Finding, Severity, error, ok, warning
from bot.doctor.probing import Answer, ProbeError
from bot.doctor.role_pools import RolePool, read_pools, rows_of
from bot.doctor.tools import Tools
from bot.domain.danger import GLOBAL_ADMINISTRATOR
from bot.domain.errors import DirectoryError, NotFoundError, UnavailableError
from bot.graph.concurrently import concurrently

_ENOUGH: Final = 2
_LOCKED_OUT: Final = "When PIM or Conditional Access fails, this account does not get you back in."
_PERMANENT: Final = (
    "Entra admin center > Identity Governance > PIM > Microsoft Entra roles > Roles > Global Administrator:"
    " add an active assignment that is permanent, and remove the eligible one."
)


class Standing(Enum):
    """How an account holds Global Administrator."""

    PERMANENT = "permanent"
    TEMPORARY = "temporary"
    ELIGIBLE = "eligible"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Account:
    """A configured break-glass account. ``name``: None when there is no such user."""

    object_id: str
    name: str | None
    standing: Standing
    approves: tuple[str, ...]
    """Roles whose policy names it as an approver."""
    falls_back: tuple[str, ...]
    """Roles whose policy names nobody, so that it approves as an administrator."""


async def look(tools: Tools) -> Iterable[Finding]:
    ids = [object_id.lower() for object_id in tools.settings.break_glass]
    if not ids:
        return list(judge(()))
    try:
        pools = await read_pools(tools)
        found = judge(await concurrently(_account(tools, one, pools.read) for one in ids))
    except (UnavailableError, ProbeError) as failed:
        return [_unknown(f"Graph throttles or fails: {failed}")]
    except DirectoryError as failed:
        return [_unknown(str(failed))]
    if not pools.unread:
        return list(found)
    # Nobody is called sound while there are roles that they may approve.
    what = ", ".join(one.what for one in pools.unread)
    return [*(one for one in found if one.severity > Severity.OK), _pools_unread(what)]


async def _account(tools: Tools, object_id: str, pools: Collection[RolePool]) -> Account:
    name, standing = await _name(tools, object_id), await _standing(tools, object_id)
    named: list[str] = []
    default: list[str] = []
    for one in pools:
        if any(person.identity.object_id == object_id for person in one.policy.approvers):
            (default if one.policy.defaulted else named).append(one.name)
    return Account(object_id, name, standing, tuple(named), tuple(default))


async def _name(tools: Tools, object_id: str) -> str | None:
    try:
        return (await tools.graph.directory.person(object_id)).display_name
    except NotFoundError:
        return None


async def _standing(tools: Tools, object_id: str) -> Standing:
    active, eligible = await concurrently(
        tools.ask_graph(_instances(kind, object_id)) for kind in ("Assignment", "Eligibility")
    )
    return judge_standing(active, eligible)


def _instances(kind: str, object_id: str) -> str:
    return (
        f"v1.0/roleManagement/directory/role{kind}ScheduleInstances?$filter=principalId eq '{object_id}'"
        f" and roleDefinitionId eq '{GLOBAL_ADMINISTRATOR}'"
    )


def judge_standing(active: Answer, eligible: Answer) -> Standing:
    """Raises ``DirectoryError`` when either can't be read."""
    held, could = rows_of(active), rows_of(eligible)
    assigned = [row for row in held if str(row.get("assignmentType", "")).lower() == "assigned"]
    if any(not row.get("endDateTime") for row in assigned):
        return Standing.PERMANENT
    if assigned:
        return Standing.TEMPORARY
    return Standing.ELIGIBLE if could or held else Standing.NONE


def judge(accounts: Collection[Account]) -> Iterator[Finding]:
    if not accounts:
        yield warning(
            "break-glass.none",
            "none is configured",
            "Second Key can't tell emergency accounts from others, and lets them decide.",
            "Put their object ids into SECONDKEY_BREAK_GLASS.",
        )
        return
    if len(accounts) < _ENOUGH:
        yield warning(
            "break-glass.one",
            "only one is configured",
            "Microsoft recommends two, since one can be locked out or lost.",
            "Make a second one, and put its object id into SECONDKEY_BREAK_GLASS too.",
        )
    for account in accounts:
        yield from _judge_one(account)


def _judge_one(account: Account) -> Iterator[Finding]:
    name = account.name or account.object_id
    if account.name is None:
        yield error(
            "break-glass.gone",
            f"there is no user {name}",
            "If the account is gone it helps nobody; if the id is wrong, the real account may decide.",
            "Correct SECONDKEY_BREAK_GLASS.",
        )
        return
    faults = [*_judge_standing(name, account.standing), *_judge_pools(name, account)]
    yield from faults
    if not faults:
        yield ok("break-glass.sound", f"{name}: permanent Global Administrator, in no approver pool")


def _judge_standing(name: str, standing: Standing) -> Iterator[Finding]:
    match standing:
        case Standing.ELIGIBLE:
            says = f"{name} is only eligible for Global Administrator, which takes PIM to activate"
            yield error("break-glass.eligible", says, _LOCKED_OUT, _PERMANENT)
        case Standing.TEMPORARY:
            says = f"{name} is Global Administrator for a time only"
            yield error("break-glass.temporary", says, f"Once it has run out: {_LOCKED_OUT}", _PERMANENT)
        case Standing.NONE:
            says = f"{name} is not Global Administrator"
            yield error("break-glass.powerless", says, _LOCKED_OUT, _PERMANENT)
        case Standing.PERMANENT:
            return


def _judge_pools(name: str, account: Account) -> Iterator[Finding]:
    if account.approves:
        yield error(
            "break-glass.approves",
            f"{name} is named as an approver of {', '.join(account.approves)}",
            "PIM takes it for an approver and mails it, though Second Key never lets it decide: somebody may"
            " use an emergency account for everyday approvals.",
            "Remove it from the approvers in those roles' and groups' settings in PIM.",
        )
    if account.falls_back:
        yield warning(
            "break-glass.default-approver",
            f"{name} approves {', '.join(account.falls_back)} by default, as an administrator",
            "The policy names nobody, so that PIM asks every administrator, emergency accounts included.",
            "Name approvers in those roles' settings.",
        )


def _unknown(why: str) -> Finding:
    return warning(
        "break-glass.unknown",
        f"their assignments could not be read: {why}",
        "Whether they would work is not known.",
        "See what the permissions say, above; otherwise run the doctor again in a minute.",
    )


def _pools_unread(what: str) -> Finding:
    return warning(
        "break-glass.pools-unread",
        f"could not be read: {what}",
        "Whether an emergency account is among the approvers is not known.",
        "See what the approver pools say, above.",
    )
