"""Graph over a ``Town``, as far as separation of duties asks it, without HTTP."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fakes.towns import GROUPS, ROLE, USERS, WINDOWS, Town

from bot.domain.errors import NotFoundError
from bot.graph.batch import Answer, Found, Read, Want, found

Json = dict[str, Any]


class TownBatch:
    """``bot.graph.batch.Batch``. ``page``: rows on the first page of a listing. Like Graph, it leaves out
    what is to come; unlike Graph it still lists what is over.
    """

    def __init__(self, town: Town, page: int = 100) -> None:
        self.town = town
        self.page = page
        self.asked: list[str] = []

    async def read(self, reads: Sequence[Read]) -> list[Answer]:
        return [self._answer(one) for one in reads]

    async def whole(self, reads: Sequence[Read]) -> list[list[Any]]:
        return [found(answer).rows for answer in await self.read(reads)]

    def _answer(self, read: Read) -> Answer:
        self.asked.append(read.url)
        path, query = urlsplit(read.url).path, parse_qs(urlsplit(read.url).query)
        wanted = dict(re.findall(r"(\w+) eq '([^']*)'", query.get("$filter", [""])[0]))
        *_, owner, last = path.split("/")
        rows = self._rows(last, owner, wanted)
        if rows is None:
            return NotFoundError()
        if read.want is Want.FIRST_PAGE and len(rows) > self.page:
            return Found(rows[: self.page], "/more")
        return Found(rows)

    def _rows(self, last: str, owner: str, wanted: dict[str, str]) -> list[Json] | None:
        town = self.town
        match last:
            case "roleManagementPolicyAssignments":
                return [policy(town)]
            case "transitiveMemberOf":
                return [shown(town, one) for one in self._up(owner)]
            case "memberOf":
                return [shown(town, group) for one, group in town.members if one == owner]
            case "ownedObjects":
                return [shown(town, group) for one, group in town.owners if one == owner]
            case "owners":
                return [shown(town, one) for one, group in town.owners if group == owner]
            case "transitiveMembers":
                return [shown(town, one) for one in self._down(owner)]
            case "eligibilityScheduleInstances":
                return [
                    row for row in map(self._candidate, self._listed(town.candidates)) if fits(row, wanted)
                ]
            case "roleEligibilityScheduleInstances" | "roleAssignmentScheduleInstances":
                held = town.eligible if last.startswith("roleE") else town.active
                return [row for row in map(self._held, self._listed(held)) if fits(row, wanted)]
        return [shown(town, last)] if last in USERS else None

    def _listed(self, rows: Any) -> Any:
        return (row for row in sorted(rows) if row[-1] != "to-come")

    def _candidate(self, row: tuple[str, str, str, str]) -> Json:
        principal, group, access, window = row
        ends = {"endDateTime": stamp(WINDOWS[window][1])}
        who = {"principalId": principal, "principal": shown(self.town, principal)}
        return {**who, **ends, "groupId": group, "accessId": access, "group": shown(self.town, group)}

    def _held(self, row: tuple[str, str, str, str]) -> Json:
        principal, role, scope, window = row
        ends = {"endDateTime": stamp(WINDOWS[window][1])}
        who = {"principalId": principal, "principal": shown(self.town, principal)}
        return {**who, **ends, "roleDefinitionId": role, "directoryScopeId": scope}

    def _up(self, start: str) -> list[str]:
        return closure(start, lambda at: [group for one, group in self.town.members if one == at])

    def _down(self, start: str) -> list[str]:
        return closure(start, lambda at: [one for one, group in self.town.members if group == at])


def closure(start: str, step: Any) -> list[str]:
    seen, todo = list[str](), [start]
    while todo:
        for one in step(todo.pop()):
            if one not in seen:
                seen.append(one)
                todo.append(one)
    return sorted(seen)


def fits(row: Json, wanted: dict[str, str]) -> bool:
    return all(row.get(name) == value for name, value in wanted.items())


def stamp(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def shown(town: Town, one: str) -> Json:
    if one in GROUPS:
        assignable = any(principal == one for principal, *_ in (*town.eligible, *town.active))
        kind = {"@odata.type": "#microsoft.graph.group", "isAssignableToRole": assignable or None}
        return {**kind, "id": one, "displayName": one.upper()}
    kind = {"@odata.type": "#microsoft.graph.user", "userType": town.types[one]}
    return {**kind, "id": one, "displayName": one.upper()}


def policy(town: Town) -> Json:
    named = [
        {"@odata.type": "#microsoft.graph.groupMembers", "groupId": one}
        if one in GROUPS
        else {"@odata.type": "#microsoft.graph.singleUser", "userId": one}
        for one in sorted(town.named)
    ]
    setting = {"isApprovalRequired": True, "approvalStages": [{"primaryApprovers": named}]}
    rule = {"id": "Approval_EndUser_Assignment", "setting": setting}
    return {"roleDefinitionId": ROLE, "policy": {"rules": [rule]}}
