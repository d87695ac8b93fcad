"""Each application permission, by a call that changes nothing; and those that nobody needs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from bot.doctor.findings import Finding, error, info, ok, warning
from bot.doctor.probing import Answer, ProbeError
from bot.doctor.tools import NOBODY, Tools
from bot.graph.graph_call import Feature, GraphCall, Kind
from bot.graph.permissions import CALLS, WITHOUT
from bot.service.assertion import claims_in

_DIRECTORY: Final = "roleManagement/directory"
_OF_NOBODY: Final = f"$filter=principalId eq '{NOBODY}'"
_QUERIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "policies/roleManagementPolicyAssignments": "$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'"
        f" and roleDefinitionId eq '{NOBODY}'",
        f"{_DIRECTORY}/roleEligibilityScheduleInstances": _OF_NOBODY,
        f"{_DIRECTORY}/roleAssignmentScheduleInstances": _OF_NOBODY,
        f"{_DIRECTORY}/roleAssignmentScheduleRequests": _OF_NOBODY,
    }
)
"""So that little is read. Where Graph wants a query that is not known here it answers 400, which tells
nothing, and the token's own list of permissions decides."""
_GROUPS: Final = "identityGovernance/privilegedAccess/group/"
_AT_ONCE: Final = 4
_OPTIONAL: Final = frozenset({Feature.SUBSCRIPTIONS, Feature.FALLBACK})
_POWERFUL: Final = frozenset(
    {
        "AppRoleAssignment.ReadWrite.All",
        "Application.ReadWrite.All",
        "Directory.ReadWrite.All",
        "Group.ReadWrite.All",
        "GroupMember.ReadWrite.All",
        "PrivilegedAccess.ReadWrite.AzureAD",
        "PrivilegedAccess.ReadWrite.AzureADGroup",
        "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
        "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "RoleEligibilitySchedule.ReadWrite.Directory",
        "RoleManagement.ReadWrite.Directory",
        "RoleManagementPolicy.ReadWrite.Directory",
        "User.ReadWrite.All",
    }
)
"""With one of these the app could give itself or others authority."""


_APPLIES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.APPLICATION: "That takes up to an hour to apply; restart the bot afterwards, because it keeps"
        " its token for an hour too.",
        Kind.DELEGATED: "It applies from the next click on.",
    }
)


@dataclass(frozen=True, slots=True)
class Tried:
    """A call of the table, and what Graph answered: None when nothing came."""

    call: GraphCall
    answer: Answer | None


async def look(tools: Tools) -> Iterable[Finding]:
    tried = await try_all(tools, Kind.APPLICATION)
    # Unverified: the token is asked what Entra granted, and grants nothing.
    roles = claims_in(await tools.graph_token()).get("roles")
    return judge(tried, roles if isinstance(roles, list) else (), mail=bool(tools.settings.subscriptions))


async def try_all(tools: Tools, kind: Kind, *, user_token: str | None = None) -> list[Tried]:
    """Every harmless call of the table, made as the app or with the user's token."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(call: GraphCall) -> Tried:
        async with slots:
            try:
                return Tried(call, await tools.ask_graph(path_of(call), user_token=user_token))
            except ProbeError:
                return Tried(call, None)

    return await asyncio.gather(*map(one, harmless(kind)))


def needed(kind: Kind) -> tuple[GraphCall, ...]:
    """What the bot calls by default."""
    return tuple(call for call in CALLS if call.kind is kind and call.feature not in _OPTIONAL)


def harmless(kind: Kind) -> tuple[GraphCall, ...]:
    """Of these, what only reads."""
    return tuple(call for call in needed(kind) if call.method == "GET")


def path_of(call: GraphCall) -> str:
    """The call's path with nobody's id for every id."""
    path = "/".join(NOBODY if part.startswith("{") else part for part in call.path.split("/"))
    query = _QUERIES.get(call.path, "")
    if call.path.startswith(_GROUPS) and call.kind is Kind.APPLICATION:
        query = f"$filter=groupId eq '{NOBODY}'"
    if call.only:
        query = f"$filter=scopeId eq '{NOBODY}' and {call.only}"
    return f"{call.version}/{path}" + (f"?{query}" if query else "")


def judge(tried: Collection[Tried], roles: Collection[str], *, mail: bool) -> Iterator[Finding]:
    """``roles``: what Entra says it granted. ``mail``: whether subscriptions are wanted."""
    busy = [one.call for one in tried if is_busy(one.answer)]
    refused = [one.call for one in tried if one.call not in busy and _is_refused(one, roles)]
    if busy:
        yield _too_busy(busy)
    yield from missing(refused)
    if not refused and not busy:
        yield ok("permissions.granted", f"every application permission is there ({len(tried)} calls tried)")
    yield from _surplus(roles, mail=mail)


def is_busy(answer: Answer | None) -> bool:
    return answer is None or answer.busy


def _is_refused(one: Tried, roles: Collection[str]) -> bool:
    """403 says so; 200 and 404 say the contrary; anything else leaves it to the token."""
    status = one.answer.status if one.answer else 0
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return True
    if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
        return False
    return not is_granted(one.call, roles)


def is_granted(call: GraphCall, permissions: Collection[str]) -> bool:
    return any(set(alternative) <= set(permissions) for alternative in call.needs)


def _too_busy(calls: Collection[GraphCall]) -> Finding:
    which = ", ".join(sorted(call.path.rpartition("/")[2] for call in calls))
    return warning(
        "permissions.busy",
        f"Graph throttles or fails: no answer about {which}",
        "Whether these permissions are there is not known. The bot itself waits and tries again.",
        "Run the doctor again in a minute. If it stays so, raise SECONDKEY_POLL_SECONDS.",
    )


def missing(calls: Iterable[GraphCall]) -> Iterator[Finding]:
    """One finding for each permission that these calls would need."""
    lacking: dict[tuple[str, Kind], list[GraphCall]] = defaultdict(list)
    for call in calls:
        for permission in call.asks:
            lacking[permission, call.kind].append(call)
    for (permission, kind), concerned in sorted(lacking.items(), key=lambda item: item[0][0]):
        yield _missing(permission, kind, concerned)


def _missing(permission: str, kind: Kind, calls: Collection[GraphCall]) -> Finding:
    what = WITHOUT[kind].get(permission, "; ".join(call.why for call in calls))
    return error(
        "permissions.missing" if kind is Kind.APPLICATION else "delegated.missing",
        f"the {kind.value} permission {permission} is missing",
        what[:1].upper() + what[1:] + ".",
        "Entra admin center > App registrations > the app > API permissions: add Microsoft Graph >"
        f" {kind.value.capitalize()} permissions > {permission}, then grant admin consent. {_APPLIES[kind]}",
    )


def _surplus(roles: Collection[str], *, mail: bool) -> Iterator[Finding]:
    used = {
        permission
        for call in CALLS
        if call.kind is Kind.APPLICATION and (mail or call.feature is not Feature.SUBSCRIPTIONS)
        for permission in call.asks
    }
    surplus = sorted(set(roles) - used)
    for permission in surplus:
        if permission in _POWERFUL:
            yield warning(
                "permissions.powerful",
                f"the app holds {permission}, which it does not need",
                "Whoever takes the bot over could give themselves authority with it.",
                f"App registration > API permissions: remove {permission}.",
            )
    for permission in sorted(p for p in roles if p.startswith("Mail.")):
        yield info(
            "permissions.mail",
            f"{permission} is for every mailbox of the tenant, unless it is limited in Exchange Online",
            "Limit it to the mailbox that gets PIM's mail (RBAC for Applications in Exchange Online).",
        )
    harmless = [permission for permission in surplus if permission not in _POWERFUL]
    if harmless:
        yield info("permissions.surplus", f"granted and not needed: {', '.join(harmless)}")
