"""What holds of one user and one role, read at a click: few requests, however large the tenant.

Reading everybody who is eligible (``holders.py``) costs as many requests as the tenant has pages of
rows. A click is about one person, so this goes the other way, from the person to the role:

1. One batch asks for the role's policy, the person, what they are in and own, the groups and roles they
   are eligible for, the roles they have, and the first page of who is eligible for this role and has it.
2. If these two pages are all there is and name no group, no path can lead through a group. That is most
   roles, and the end of it: one request.
3. Otherwise it follows the groups: of each that the person is in or could get into, which groups it is
   eligible for in turn, and where the person could get in, what that group is a member of; until nothing
   new turns up. Where the pages of step 1 were not all, each group that roles can be assigned to is asked
   for its own roles as well. Twenty such reads share a request.

So a click costs one request for most roles, and else two and one more for every twenty groups, and one
for every further step of eligibility; it does not depend on how many rows or groups the tenant has.

What it relies on, and what it must not:

- A *path* counts whatever it takes: active membership of a group that is eligible or has the role, an
  activation of membership (PIM for Groups), several of them one after the other, and ownership, held or
  open to activation, since an owner can add themselves to the members. Only a path whose every step is
  active makes an active holder.
- Groups that roles can't be assigned to are left out of the question for roles only, and only if Graph
  shows their properties: of groups that the app may not read it answers nulls.
- Memberships are asked for without an OData cast, ``$count``, ``$search`` or ``$filter``. These are
  *advanced queries*, answered from an index that "might not be up-to-date"; who was added to a group a
  minute ago must count.
- A part that can't be read makes the policy or the paths ``Unreadable`` as a whole, never shorter. A
  missing list of what the person owns is such a part, although Graph's documents contradict each other on
  whether an app may read it (older ones: with ``User.Read.All``; newer: not supported).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from bot.domain.danger import GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR
from bot.domain.errors import DirectoryError, NotFoundError, UnavailableError
from bot.domain.model import (
    APPROVER_POLICY,
    ELIGIBILITY,
    ApprovalPolicy,
    Holders,
    Identity,
    PathKind,
    Person,
    RolePath,
    Standing,
    Unreadable,
)
from bot.graph import instances
from bot.graph.batch import Answer, Batch, Found, Read, Want, found, url
from bot.graph.parsing import person_of
from bot.graph.people import PERSON
from bot.graph.policies import RULES, Terms, policy_filter, rules_of, terms_of
from bot.graph.reach import Reach
from bot.ports import Clock

_SECONDS: Final = 10.0
_GROUP: Final = "id,displayName,isAssignableToRole"
_DEFAULTS: Final = (PRIVILEGED_ROLE_ADMINISTRATOR, GLOBAL_ADMINISTRATOR)

T = TypeVar("T")


@dataclass(slots=True)
class _Rows:
    """Rows of the role by principal. ``whole``: every row of it has been seen."""

    eligible: dict[str, list[instances.RoleRow]] = field(default_factory=dict)
    active: dict[str, list[instances.RoleRow]] = field(default_factory=dict)
    whole: bool = False
    no_group_has_it: bool = False


@dataclass(slots=True)
class _Reading:
    """One person's standing while it is being read."""

    role: str
    me: str
    now: datetime
    first: dict[str, Answer]
    reach: Reach = field(default_factory=Reach)
    rows: _Rows = field(default_factory=_Rows)
    approves_by_default: bool = False
    """Whether the person, or a group they are in, has a role which approves by default."""

    def whole(self, name: str) -> Found:
        """An answer of the first batch. Raises the error that stands in its place."""
        return found(self.first[name])


class Standings:
    """Reads ``Standing``s."""

    def __init__(self, batch: Batch, tenant_id: str, clock: Clock) -> None:
        self._batch = batch
        self._tenant_id = tenant_id
        self._clock = clock

    async def standing(self, role_definition_id: str, object_id: str) -> Standing:
        """See ``ports.Directory.standing``."""
        role, me = role_definition_id.lower(), object_id.lower()
        asked = _first(role_definition_id, me)
        answers = await self._batch.read(list(asked.values()))
        reading = _Reading(role, me, self._clock.now(), dict(zip(asked, answers, strict=True)))
        if _is_gone(reading):
            # Nobody: neither an approver nor on any way to the role.
            return Standing(ApprovalPolicy(approval_required=True, approvers=()), Holders((), ()))
        terms = _or_unreadable(APPROVER_POLICY, lambda: _terms(reading))
        defaulted = isinstance(terms, Terms) and terms.defaulted
        try:
            async with asyncio.timeout(_SECONDS):
                await self._read_paths(reading, defaulted=defaulted)
            paths: Holders | DirectoryError = _holders(reading)
        except TimeoutError:
            paths = UnavailableError(f"Following the groups took more than {_SECONDS:g} seconds")
        except DirectoryError as error:
            paths = error
        return Standing(
            policy=self._policy(reading, terms, paths),
            holders=Unreadable(ELIGIBILITY, str(paths)) if isinstance(paths, DirectoryError) else paths,
        )

    async def _read_paths(self, reading: _Reading, *, defaulted: bool) -> None:
        """Fill ``reading`` until nothing new turns up. Raises ``DirectoryError``s."""
        reach = reading.reach
        reach.is_in(reading.whole("in").rows)
        reach.owns(reading.whole("owned").rows)
        reach.may_activate(instances.group_rows(reading.whole("open").rows, reading.now))
        _own_rows(reading)
        _first_pages(reading)
        if defaulted:
            await self._read_defaults(reading)
        if reading.rows.no_group_has_it:
            return
        asked_roles: set[str] = set()
        while True:
            opens, parents = reach.next_open(), reach.next_parents()
            roles = [] if reading.rows.whole else [g for g in reach.may_have_roles() if g not in asked_roles]
            asked_roles.update(roles)
            if not (opens or parents or roles):
                return
            await self._follow(reading, opens, parents, roles)

    async def _follow(
        self, reading: _Reading, opens: list[str], parents: list[str], roles: list[str]
    ) -> None:
        reads = [
            *map(instances.groups_open_to, opens),
            *map(_parents_of, parents),
            *map(instances.eligible_of, roles),
            *map(instances.active_of, roles),
        ]
        rows = iter(await self._batch.whole(reads))
        for group, listed in zip(opens, rows, strict=False):
            reading.reach.opens(group, instances.group_rows(listed, reading.now))
        for group, listed in zip(parents, rows, strict=False):
            reading.reach.has_parents(group, listed)
        for table in (reading.rows.eligible, reading.rows.active):
            for group, listed in zip(roles, rows, strict=False):
                table[group] = list(instances.role_rows(listed, reading.now, reading.role, principal=group))

    async def _read_defaults(self, reading: _Reading) -> None:
        """Whether one of the person and their groups has a role that approves by default."""
        groups = [group for group in reading.reach.inside if group not in reading.reach.no_role]
        listed = await self._batch.whole(list(map(instances.active_of, groups)))
        by_principal = {reading.me: reading.whole("active").rows, **dict(zip(groups, listed, strict=True))}
        for principal, rows in by_principal.items():
            if any(instances.role_rows(rows, reading.now, *_DEFAULTS, principal=principal)):
                reading.approves_by_default = True

    def _policy(
        self, reading: _Reading, terms: Terms | Unreadable, paths: Holders | DirectoryError
    ) -> ApprovalPolicy | Unreadable:
        if isinstance(terms, Unreadable):
            return terms
        named = reading.me in terms.users
        if not named and (terms.groups or terms.defaulted) and isinstance(paths, DirectoryError):
            return Unreadable(APPROVER_POLICY, str(paths))
        approves = named or not reading.reach.inside.keys().isdisjoint(terms.groups)
        approves = approves or (terms.defaulted and reading.approves_by_default)
        return ApprovalPolicy(
            approval_required=terms.approval_required,
            approvers=(self._person(reading),) if approves else (),
            defaulted=terms.defaulted,
            justification_required=terms.justification_required,
        )

    def _person(self, reading: _Reading) -> Person:
        """The person; somebody of whom nothing is known when they can't be read."""
        try:
            (row,) = reading.whole("person").rows
            return person_of({**row, "id": reading.me}, self._tenant_id)
        except DirectoryError:
            return Person(Identity(self._tenant_id, reading.me), reading.me)


def _first(role: str, me: str) -> dict[str, Read]:
    return {
        "policy": Read(
            url(
                "v1.0/policies/roleManagementPolicyAssignments",
                filter=policy_filter(role),
                expand=RULES,
            )
        ),
        "person": Read(url("v1.0/users/{user}", me, select=PERSON), Want.OBJECT),
        "in": Read(url("v1.0/users/{user}/transitiveMemberOf", me, select=_GROUP, top="999")),
        "owned": Read(url("v1.0/users/{user}/ownedObjects", me, select=_GROUP, top="999")),
        "open": instances.groups_open_to(me),
        "eligible": instances.eligible_of(me),
        "active": instances.active_of(me),
        "all eligible": instances.eligible_for_role(role, Want.FIRST_PAGE),
        "all active": instances.active_in_role(role, Want.FIRST_PAGE),
    }


def _is_gone(reading: _Reading) -> bool:
    """Whether the directory has no such user (any more)."""
    try:
        reading.whole("person")
    except NotFoundError:
        return True
    except DirectoryError:
        return False
    return False


def _parents_of(group_id: str) -> Read:
    return Read(url("v1.0/groups/{group}/memberOf", group_id, select=_GROUP, top="999"))


def _terms(reading: _Reading) -> Terms:
    return terms_of(rules_of(reading.whole("policy").rows, reading.role))


def _own_rows(reading: _Reading) -> None:
    for name, table in (("eligible", reading.rows.eligible), ("active", reading.rows.active)):
        rows = instances.role_rows(reading.whole(name).rows, reading.now, reading.role, principal=reading.me)
        table[reading.me] = list(rows)


def _first_pages(reading: _Reading) -> None:
    """What the first pages tell of groups, if they are all there is."""
    pages = reading.whole("all eligible"), reading.whole("all active")
    if not all(page.complete for page in pages):
        return
    reading.rows.whole = reading.rows.no_group_has_it = True
    for page, table in zip(pages, (reading.rows.eligible, reading.rows.active), strict=True):
        for row in instances.role_rows(page.rows, reading.now, reading.role):
            if row.principal_id != reading.me and row.may_be_group:
                reading.rows.no_group_has_it = False
                table.setdefault(row.principal_id, []).append(row)


def _holders(reading: _Reading) -> Holders:
    eligible = [_own(row) for row in reading.rows.eligible[reading.me]]
    active = [_own(row) for row in reading.rows.active[reading.me]]
    for group, name in reading.reach.inside.items():
        eligible += _through(reading, reading.rows.eligible.get(group, ()), PathKind.GROUP, (name,))
        active += _through(reading, reading.rows.active.get(group, ()), PathKind.GROUP, (name,))
    for group, route in reading.reach.within.items():
        for table in (reading.rows.eligible, reading.rows.active):
            eligible += _through(reading, table.get(group, ()), route.kind, route.via)
    return Holders(tuple(dict.fromkeys(eligible)), tuple(dict.fromkeys(active)))


def _own(row: instances.RoleRow) -> RolePath:
    return RolePath(row.principal_id, PathKind.GROUP if row.inherited else PathKind.DIRECT, row.scope)


def _through(
    reading: _Reading, rows: Iterable[instances.RoleRow], kind: PathKind, via: tuple[str, ...]
) -> list[RolePath]:
    return [RolePath(reading.me, kind, row.scope, via) for row in rows]


def _or_unreadable(fact: str, reading: Callable[[], T]) -> T | Unreadable:
    try:
        return reading()
    except DirectoryError as error:
        return Unreadable(fact, str(error))
