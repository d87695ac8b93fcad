"""Graph: who is eligible for membership or ownership of a group, and who has it (PIM for Groups).

Both listings have to be filtered by group or by principal: there is none of the whole tenant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from aiohttp import web

from bot.sandbox import pim_groups
from bot.sandbox.durations import graph_time
from bot.sandbox.graph_http import (
    BY_ME,
    GraphError,
    Json,
    collection,
    expands,
    filter_of,
    matches,
    myself,
    require,
)
from bot.sandbox.graph_shapes import group_eligibility_json, in_group
from bot.sandbox.tenant import Group, GroupAssignment, GroupEligibility, current
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
    """Membership or ownership that somebody has: for good, or because they activated it."""

    group_id: str
    principal_id: str
    access_id: str
    activated: GroupAssignment | None


def routes(world: World) -> list[web.RouteDef]:
    async def eligibilities(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_ELIGIBILITY)
        wanted, expand = narrowing(request), expands(request)
        entries = [
            entry
            for entry in current(_narrowed(world, wanted), world.now())
            if matches(group_eligibility_json(world, entry), wanted)
        ]
        return collection(world, request, entries, lambda entry: group_eligibility_json(world, entry, expand))

    async def assignments(request: web.Request) -> web.StreamResponse:
        require(world, request, READ_ASSIGNMENTS)
        wanted, expand = narrowing(request), expands(request)
        entries = [entry for entry in _standing(world) if matches(_assignment_json(world, entry), wanted)]
        return collection(world, request, entries, lambda entry: _assignment_json(world, entry, expand))

    async def my_eligibilities(request: web.Request) -> web.StreamResponse:
        me, expand = myself(world, request, READ_ELIGIBILITY), expands(request)
        principals = (me, *world.tenant.transitive_member_of(me))
        table = world.tenant.group_eligibilities
        entries = current((e for p in principals for e in table.where("principal_id", p)), world.now())

        def render(entry: GroupEligibility) -> Json:
            shown = group_eligibility_json(world, entry, expand)
            return shown | {"memberType": "direct" if entry.principal_id == me else "group"}

        return collection(world, request, entries, render)

    async def my_assignments(request: web.Request) -> web.StreamResponse:
        me, expand = myself(world, request, READ_ASSIGNMENTS), expands(request)
        entries = [entry for entry in _standing(world) if entry.principal_id == me]
        return collection(world, request, entries, lambda entry: _assignment_json(world, entry, expand))

    return [
        web.get(f"{GROUP}/eligibilityScheduleInstances/{{by:{BY_ME}}}", my_eligibilities),
        web.get(f"{GROUP}/assignmentScheduleInstances/{{by:{BY_ME}}}", my_assignments),
        web.get(f"{GROUP}/eligibilityScheduleInstances", eligibilities),
        web.get(f"{GROUP}/assignmentScheduleInstances", assignments),
    ]


def narrowing(request: web.Request, names: Collection[str] = FILTERS) -> dict[str, str]:
    """Raises ``GraphError`` 400 for a listing of everything."""
    wanted = filter_of(request, names)
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
    pim_groups.settle(world)
    activated = {
        (entry.group_id, entry.access_id, entry.principal_id): entry
        for entry in world.tenant.group_assignments.values()
    }
    return [entry for group in world.tenant.groups.values() for entry in _standing_in(group, activated)]


def _standing_in(group: Group, activated: dict[tuple[str, str, str], GroupAssignment]) -> Iterator[_Standing]:
    for access, people in (("member", group.members), ("owner", group.owners)):
        for one in people:
            yield _Standing(group.id, one, access, activated.get((group.id, access, one)))


def _assignment_json(world: World, entry: _Standing, expand: Collection[str] = ()) -> Json:
    activated = entry.activated
    name = activated.id if activated else f"{entry.group_id}_{entry.access_id}_{entry.principal_id}"
    shown: Json = {
        "id": name,
        "startDateTime": graph_time(activated.start) if activated else None,
        "endDateTime": graph_time(activated.end) if activated else None,
        "principalId": entry.principal_id,
        "accessId": entry.access_id,
        "groupId": entry.group_id,
        "memberType": "direct",
        "assignmentType": "activated" if activated else "assigned",
        "assignmentScheduleId": name,
    }
    return shown | in_group(world, expand, entry.principal_id, entry.group_id)
