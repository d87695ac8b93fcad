"""The verdict on random tenants is that of the rules as the design says them, whichever way it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.manual_clock import ManualClock
from fakes.town_batch import TownBatch
from fakes.towns import (
    GROUPS,
    PRIVILEGED_ROLE_ADMINISTRATOR,
    ROLE,
    USERS,
    WINDOWS,
    Question,
    Town,
    approves,
    holds,
    is_eligible,
    may_decide,
    questions,
    towns,
)
from fakes.values import NOW, TENANT, a_pool, a_request, person
from graph.test_graph_against_sandbox import Bench, bench
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.domain import separation
from bot.domain.model import ApprovalPolicy, Facts, Holders, Identity, Standing
from bot.graph.holders import RoleHolders
from bot.graph.standing import Standings
from bot.sandbox.server import running
from bot.sandbox.tenant import Assignment, Eligibility, Group, GroupEligibility, Role, RolePolicy
from bot.sandbox.world import World

NOBODY = Town(dict.fromkeys(USERS, "Member"), *(frozenset(),) * 5, frozenset(USERS))
ASKED = Question("/", "u4", frozenset(USERS), frozenset(), holders_may=False, guests_may=False)
ONE_AFTER_THE_OTHER = replace(
    NOBODY,
    members=frozenset({("u1", "g1"), ("g3", "g4")}),
    candidates=frozenset(
        {("g1", "g2", "member", "now"), ("g2", "g3", "member", "now"), ("g2", "g1", "member", "always")}
    ),
    eligible=frozenset({("g4", ROLE, "/", "always")}),
)
"""In a group that may activate another, which may activate a third, which is in the one with the role."""


def verdict(asked: Question, user: str, standing: Standing, tenant: str = TENANT) -> bool:
    who = Identity(tenant, user)
    pool = a_pool(*asked.pool) if asked.pool else replace(a_pool(), members=())
    request = replace(
        a_request(), tenant_id=tenant, scope=asked.scope, requester=person(asked.requester, tenant=tenant)
    )
    members = tuple(
        replace(one, person=person(one.person.identity.object_id, tenant=tenant)) for one in pool.members
    )
    request = replace(request, pool=replace(pool, members=members))
    rules = separation.Rules(tenant, asked.break_glass, asked.holders_may, asked.guests_may)
    facts = Facts(standing.policy, standing.holders, NOW, who)
    return isinstance(separation.judge(who, request, facts, rules), separation.Allowed)


@given(town=towns, asked=questions, page=st.sampled_from([0, 1, 100]))
@example(ONE_AFTER_THE_OTHER, ASKED, 0)
@example(ONE_AFTER_THE_OTHER, ASKED, 100)
@settings(max_examples=400, deadline=None)
def test_at_the_click_the_verdict_is_that_of_the_rules(town: Town, asked: Question, page: int) -> None:
    """``page``: also where the role has more rows than are looked at."""
    standings = Standings(TownBatch(town, page), TENANT, ManualClock(NOW))  # type: ignore[arg-type]
    for user in USERS:
        standing = asyncio.run(standings.standing(ROLE, user))
        assert verdict(asked, user, standing) is may_decide(town, asked, user), user


@given(town=towns, scope=st.sampled_from(["/", "/administrativeUnits/a", "/app"]), lenient=st.booleans())
@example(town=ONE_AFTER_THE_OTHER, scope="/", lenient=True)
@settings(max_examples=300, deadline=None)
def test_at_intake_the_forecast_is_that_of_the_rules(town: Town, scope: str, lenient: bool) -> None:
    holders = asyncio.run(RoleHolders(TownBatch(town), None, ManualClock(NOW)).holders(ROLE))  # type: ignore[arg-type]
    policy = ApprovalPolicy(True, tuple(person(user) for user in USERS))
    rules = separation.Rules(TENANT, frozenset(), lenient)
    pool = separation.forecast(Identity(TENANT, "somebody-else"), scope, policy, holders, rules)
    able = {member.person.identity.object_id for member in pool.able}
    assert able == {
        user
        for user in USERS
        if not is_eligible(town, user, scope) and (lenient or not holds(town, user, scope))
    }


@given(town=towns, page=st.sampled_from([0, 100]))
@settings(max_examples=200, deadline=None)
def test_the_two_ways_of_reading_find_the_same_conflicts(town: Town, page: int) -> None:
    clock = ManualClock(NOW)
    everybody = asyncio.run(RoleHolders(TownBatch(town), None, clock).holders(ROLE))  # type: ignore[arg-type]
    for user in USERS:
        batch = TownBatch(town, page)
        mine = asyncio.run(Standings(batch, TENANT, clock).standing(ROLE, user)).holders  # type: ignore[arg-type]
        assert isinstance(mine, Holders)
        for theirs, own in ((everybody.eligible, mine.eligible), (everybody.active, mine.active)):
            assert {path.scope for path in theirs if path.object_id == user} == {path.scope for path in own}


@given(town=towns)
@settings(max_examples=100, deadline=None)
def test_no_group_is_asked_the_same_twice(town: Town) -> None:
    for user in USERS:
        batch = TownBatch(town, page=0)
        asyncio.run(Standings(batch, TENANT, ManualClock(NOW)).standing(ROLE, user))  # type: ignore[arg-type]
        followed = [url for url in batch.asked if "groupId" not in url]
        assert len(followed) == len(set(followed)) or not town.named


# Over HTTP, against the sandbox


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(tmp_path) as sandbox, bench(sandbox) as opened:
        yield opened


def build(world: World, town: Town) -> None:
    """The sandbox's tenant becomes the town."""
    tenant, some_user = world.tenant, next(iter(world.users.values()))
    for table in (tenant.groups, tenant.eligibilities, tenant.group_eligibilities, tenant.assignments):
        table.clear()
    for user in USERS:
        world.users[user] = replace(
            some_user, key=user, object_id=user, upn=f"{user}@x.example", guest=town.types[user] == "Guest"
        )
    for name in GROUPS:
        members = [one for one, group in town.members if group == name]
        owners = [one for one, group in town.owners if group == name]
        tenant.groups[name] = Group(name, name.upper(), members, True, owners)
    start = world.now() - NOW
    for n, (principal, group, access, window) in enumerate(sorted(town.candidates)):
        since, until = (at and at + start for at in WINDOWS[window])
        tenant.group_eligibilities[str(n)] = GroupEligibility(str(n), group, principal, access, since, until)
    for n, (principal, role, scope, window) in enumerate(sorted(town.eligible)):
        since, until = (at and at + start for at in WINDOWS[window])
        tenant.eligibilities[str(n)] = Eligibility(str(n), principal, role, scope, since, until)
    for n, (principal, role, scope, window) in enumerate(sorted(town.active)):
        if window in {"always", "now"}:
            tenant.assignments[str(n)] = Assignment(
                str(n), principal, role, world.now(), None, scope, activated=False
            )
    for role in (ROLE, "another-role"):
        tenant.roles[role] = Role(role, role, role, "", privileged=True)
    named = sorted(town.named)
    tenant.policies[ROLE] = RolePolicy(
        "p", ROLE, True, [u for u in named if u in USERS], [g for g in named if g in GROUPS]
    )


@given(town=towns, asked=questions, page=st.sampled_from([1, 2, 100]))
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(ONE_AFTER_THE_OTHER, ASKED, 1)
async def test_over_http_the_verdict_is_that_of_the_rules(
    here: Bench, town: Town, asked: Question, page: int
) -> None:
    town = replace(town, types={user: kind or "Member" for user, kind in town.types.items()})
    world = here.sandbox.world
    build(world, town)
    world.page_size = page
    for user in USERS:
        standing = await here.graph.directory.standing(ROLE, user)
        assert verdict(asked, user, standing, world.tenant_id) is may_decide(town, asked, user), user
    everybody = await here.graph.directory.holders(ROLE)
    policy = await here.graph.directory.approval_policy(ROLE)
    assert {one.identity.object_id for one in policy.approvers} == {u for u in USERS if approves(town, u)}
    for user in USERS:
        assert bool([p for p in everybody.eligible if p.object_id == user and p.scope == "/"]) is is_eligible(
            town, user, "/"
        )


def test_the_default_approvers_are_known_by_their_template() -> None:
    from bot.domain import danger  # noqa: PLC0415 - the reference must not lean on it

    assert danger.PRIVILEGED_ROLE_ADMINISTRATOR == PRIVILEGED_ROLE_ADMINISTRATOR
