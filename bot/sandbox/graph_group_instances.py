"""Graph: who is eligible for membership or ownership of a group, and who has it (PIM for Groups).

Both listings have to be filtered by group or by principal: there is none of the whole tenant.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from aiohttp import web

from bot.sandbox.graph_http import GraphError, Json, collection, expands, filter_of, matches, require
from bot.sandbox.graph_shapes import group_eligibility_json, in_group
from bot.sandbox.tenant import Group, GroupEligibility, current
from bot.sandbox.world import World

READ_ELIGIBILITY = {
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
}
READ_ASSIGNMENTS = {
    "PrivilegedAssignmentSchedule.Read.AzureADGroup",
    "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
}
FILTERS = ("accessId", "groupId", "principalId", "memberType")
GROUP = "/{version:v1.0|beta}/identityGovernance/privilegedAccess/group"


@dataclass(frozen=True, slots=True)
class _Standing:
    """Membership or ownership that somebody simply has: an assignment without an end."""

    group_id: str
    principal_id: str
    access_id: str


def routes(world: World) -> list[web.RouteDef]:
    async def eligibilities(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_ELIGIBILITY)
        wanted, expand = _wanted(request), expands(request)
        entries = [
            entry
            for entry in current(_narrowed(world, wanted), world.now())
            if matches(group_eligibility_json(world, entry), wanted)
        ]
        return collection(world, request, entries, lambda entry: group_eligibility_json(world, entry, expand))

    async def assignments(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_ASSIGNMENTS)
        wanted, expand = _wanted(request), expands(request)
        entries = [entry for entry in _standing(world) if matches(_assignment_json(world, entry), wanted)]
        return collection(world, request, entries, lambda entry: _assignment_json(world, entry, expand))

    return [
        web.get(f"{GROUP}/eligibilityScheduleInstances", eligibilities),
        web.get(f"{GROUP}/assignmentScheduleInstances", assignments),
    ]


def _wanted(request: web.Request) -> dict[str, str]:
    """Raises ``GraphError`` 400 for a listing of everything."""
    wanted = filter_of(request, FILTERS)
    if wanted.keys().isdisjoint({"groupId", "principalId"}):
        text = "The required parameters GroupId or PrincipalId is missing."
        raise GraphError(400, "MissingParameters", text)
    return wanted


def _narrowed(world: World, wanted: dict[str, str]) -> list[GroupEligibility]:
    table = world.tenant.group_eligibilities
    if "principalId" in wanted:
        return table.where("principal_id", wanted["principalId"].lower())
    return table.where("group_id", wanted["groupId"].lower())


def _standing(world: World) -> list[_Standing]:
    return [entry for group in world.tenant.groups.values() for entry in _standing_in(group)]


def _standing_in(group: Group) -> list[_Standing]:
    members = [_Standing(group.id, member, "member") for member in group.members]
    return members + [_Standing(group.id, owner, "owner") for owner in group.owners]


def _assignment_json(world: World, entry: _Standing, expand: Collection[str] = ()) -> Json:
    name = f"{entry.group_id}_{entry.access_id}_{entry.principal_id}"
    shown: Json = {
        "id": name,
        "startDateTime": None,
        "endDateTime": None,
        "principalId": entry.principal_id,
        "accessId": entry.access_id,
        "groupId": entry.group_id,
        "memberType": "direct",
        "assignmentType": "assigned",
        "assignmentScheduleId": name,
    }
    return shown | in_group(world, expand, entry.principal_id, entry.group_id)
