"""Small random tenants, and the rules of separation of duties read off the prose, by brute force.

Nothing here calls what it is there to judge: who reaches which group is found by trying all pairs until
nothing changes, and which scope covers which is a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fakes.values import NOW
from hypothesis import strategies as st

ROLE, OTHER_ROLE = "role-asked-for", "another-role"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
USERS = ("u1", "u2", "u3", "u4")
GROUPS = ("g1", "g2", "g3", "g4", "g5")
SCOPES = ("/", "/administrativeUnits/a", "/administrativeUnits/b", "/app")
COVERED = {
    ("/", "/administrativeUnits/a"),
    ("/", "/administrativeUnits/b"),
    ("/", "/app"),
    # What the units contain is not known: either may.
    ("/administrativeUnits/a", "/app"),
    ("/administrativeUnits/b", "/app"),
    *((scope, scope) for scope in SCOPES),
}
WINDOWS = {
    "always": (None, None),
    "now": (NOW - timedelta(hours=1), NOW + timedelta(hours=1)),
    "over": (NOW - timedelta(hours=2), NOW - timedelta(seconds=1)),
    "to-come": (NOW + timedelta(hours=1), None),
}
CURRENT = ("always", "now")


@dataclass(frozen=True)
class Town:
    """A tenant. Members are (principal, group), owners (user, group), candidates (principal, group,
    access, window), eligible and active (principal, role, scope, window).
    """

    types: dict[str, str | None]
    members: frozenset[tuple[str, str]]
    owners: frozenset[tuple[str, str]]
    candidates: frozenset[tuple[str, str, str, str]]
    eligible: frozenset[tuple[str, str, str, str]]
    active: frozenset[tuple[str, str, str, str]]
    named: frozenset[str]
    """Users and groups that the policy names; nobody: the default approvers."""


@dataclass(frozen=True)
class Question:
    """Who clicks on what."""

    scope: str
    requester: str
    pool: frozenset[str]
    break_glass: frozenset[str]
    holders_may: bool
    guests_may: bool


def groups_of(town: Town, user: str) -> set[str]:
    """Every group that the user is in, however nested."""
    found: set[str] = set()
    for _ in range(len(GROUPS) + 1):
        found |= {group for one, group in town.members if one == user or one in found}
    return found


def open_groups(town: Town, user: str) -> set[str]:
    """Every group that the user could get into by themselves."""
    mine, found = groups_of(town, user), set[str]()
    for _ in range(len(GROUPS) + 1):
        found |= {group for owner, group in town.owners if owner == user}
        for one, group, _, window in town.candidates:
            if window in CURRENT and (one == user or one in mine | found):
                found.add(group)
        found |= {group for one, group in town.members if one in found}
    return found


def is_eligible(town: Town, user: str, scope: str) -> bool:
    mine, could = groups_of(town, user), open_groups(town, user)
    by_eligibility = any(
        principal in {user, *mine, *could}
        for principal, role, at, window in town.eligible
        if role == ROLE and window in CURRENT and (at, scope) in COVERED
    )
    by_joining = any(
        principal in could
        for principal, role, at, window in town.active
        if role == ROLE and window in CURRENT and (at, scope) in COVERED
    )
    return by_eligibility or by_joining


def holds(town: Town, user: str, scope: str) -> bool:
    return any(
        principal in {user, *groups_of(town, user)}
        for principal, role, at, window in town.active
        if role == ROLE and window in CURRENT and (at, scope) in COVERED
    )


def approves(town: Town, user: str) -> bool:
    if town.named:
        return not town.named.isdisjoint({user, *groups_of(town, user)})
    return any(
        principal in {user, *groups_of(town, user)}
        for principal, role, _, window in town.active
        if role == PRIVILEGED_ROLE_ADMINISTRATOR and window in CURRENT
    )


def may_decide(town: Town, asked: Question, user: str) -> bool:
    return (
        user in asked.pool
        and approves(town, user)
        and user != asked.requester
        and user not in asked.break_glass
        and (asked.guests_may or town.types[user] == "Member")
        and not is_eligible(town, user, asked.scope)
        and (asked.holders_may or not holds(town, user, asked.scope))
    )


_users, _groups = st.sampled_from(USERS), st.sampled_from(GROUPS)
_principals = st.one_of(_users, _groups)
_windows = st.sampled_from(("always", *WINDOWS))
_some_users = st.frozensets(_users)


def _mostly(role: str) -> st.SearchStrategy[str]:
    return st.sampled_from((role, role, OTHER_ROLE, PRIVILEGED_ROLE_ADMINISTRATOR))


def _held(most: int) -> st.SearchStrategy[frozenset[tuple[str, str, str, str]]]:
    return st.frozensets(
        st.tuples(_principals, _mostly(ROLE), st.sampled_from(("/", *SCOPES)), _windows), max_size=most
    )


towns = st.builds(
    Town,
    types=st.fixed_dictionaries(
        {user: st.sampled_from(("Member", "Member", "Guest", None)) for user in USERS}
    ),
    members=st.frozensets(
        st.tuples(_principals, _groups).filter(lambda pair: pair[0] != pair[1]), max_size=6
    ),
    owners=st.frozensets(st.tuples(_users, _groups), max_size=2),
    candidates=st.frozensets(
        st.tuples(_principals, _groups, st.sampled_from(("member", "owner")), _windows).filter(
            lambda row: row[0] != row[1]
        ),
        max_size=6,
    ),
    eligible=_held(4),
    active=_held(3),
    named=st.one_of(st.just(frozenset(USERS)), st.frozensets(_principals, max_size=3)),
)
questions = st.builds(
    Question,
    scope=st.sampled_from(SCOPES),
    requester=_users,
    pool=st.one_of(st.just(frozenset(USERS)), _some_users),
    break_glass=st.one_of(st.just(frozenset()), st.frozensets(_users, max_size=1)),
    holders_may=st.booleans(),
    guests_may=st.booleans(),
)
