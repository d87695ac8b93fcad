"""Each path to a role by name, as the sandbox plays it and the adapter tells it, in both readings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from graph.test_graph_against_sandbox import Bench, bench

from bot.domain.model import ApprovalPolicy, Holders, PathKind
from bot.sandbox.server import running

ROLE = "global_reader"
UNIT = "/administrativeUnits/0a1b2c3d-0000-4000-8000-000000000007"
HOUR = 3600


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(tmp_path) as sandbox, bench(sandbox) as opened:
        yield opened


async def control(at: Bench, path: str, body: dict[str, Any]) -> None:
    url = f"{at.sandbox.http}/_sandbox/{path}"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        assert answer.status == 201, await answer.text()


async def eligible_group(at: Bench, name: str = "Readers", scope: str = "/", **group: Any) -> None:
    await control(at, "groups", {"name": name, "role_assignable": True, **group})
    await control(at, "eligibilities", {"group": name, "role": ROLE, "scope": scope})


async def paths(at: Bench, who: str = "alex") -> list[tuple[PathKind, str, tuple[str, ...]]]:
    """As told of one person, once what is told of everybody is seen to be the same."""
    directory, role = at.graph.directory, at.role(ROLE)
    mine, everybody = (await directory.standing(role, at.id(who))).holders, await directory.holders(role)
    assert isinstance(mine, Holders)
    told = [path for path in everybody.eligible if path.object_id == at.id(who)]
    assert set(told) == set(mine.eligible)
    return [(path.kind, path.scope, path.via) for path in mine.eligible]


async def test_as_a_member_of_an_eligible_group(here: Bench) -> None:
    await eligible_group(here, scope=UNIT, members=["alex"])
    assert await paths(here) == [(PathKind.GROUP, UNIT, ("Readers",))]


async def test_by_activating_membership(here: Bench) -> None:
    await eligible_group(here)
    await control(here, "group-eligibilities", {"principal": "alex", "group": "Readers"})
    assert await paths(here) == [(PathKind.GROUP_ELIGIBLE, "/", ("Readers",))]


async def test_by_activating_one_membership_after_the_other_around_a_circle(here: Bench) -> None:
    await eligible_group(here)
    for name in ("Outer", "Middle"):
        await control(here, "groups", {"name": name})
    for principal, group in (
        ("alex", "Outer"),
        ("Outer", "Middle"),
        ("Middle", "Readers"),
        ("Readers", "Outer"),
    ):
        await control(here, "group-eligibilities", {"principal": principal, "group": group})
    assert await paths(here) == [(PathKind.NESTED, "/", ("Outer", "Middle", "Readers"))]


async def test_as_a_member_of_a_group_that_may_activate_the_other(here: Bench) -> None:
    await eligible_group(here)
    await control(here, "groups", {"name": "Team", "members": ["alex"]})
    await control(here, "group-eligibilities", {"principal": "Team", "group": "Readers"})
    assert await paths(here) == [(PathKind.NESTED, "/", ("Team", "Readers"))]


async def test_as_an_owner_and_as_one_who_may_become_an_owner(here: Bench) -> None:
    await eligible_group(here, owners=["alex"])
    await control(here, "group-eligibilities", {"principal": "blake", "group": "Readers", "access": "owner"})
    assert await paths(here) == [(PathKind.OWNER, "/", ("Readers",))]
    assert await paths(here, "blake") == [(PathKind.OWNER, "/", ("Readers",))]


async def test_time_bound_eligibility_counts_while_it_lasts(here: Bench) -> None:
    now = here.sandbox.world.now()
    await eligible_group(here)
    until = now.replace(year=now.year + 1).isoformat()
    await control(here, "group-eligibilities", {"principal": "alex", "group": "Readers", "end": until})
    await control(here, "group-eligibilities", {"principal": "blake", "group": "Readers", "start": until})
    assert await paths(here) == [(PathKind.GROUP_ELIGIBLE, "/", ("Readers",))]
    assert await paths(here, "blake") == []
    await here.sandbox.world.advance(366 * 24 * HOUR)
    assert await paths(here) == []
    assert await paths(here, "blake") == [(PathKind.GROUP_ELIGIBLE, "/", ("Readers",))]


async def test_who_was_named_by_a_group_or_approves_by_default_is_an_approver(here: Bench) -> None:
    for role, who, expected in (
        ("exchange_administrator", "alex", True),  # through a group
        ("exchange_administrator", "blake", False),
        ("global_administrator", "dana", True),  # has Privileged Role Administrator
        ("global_administrator", "alex", False),
    ):
        policy = (await here.graph.directory.standing(here.role(role), here.id(who))).policy
        assert isinstance(policy, ApprovalPolicy)
        everybody = await here.graph.directory.approval_policy(here.role(role))
        assert bool(policy.approvers) is expected, (role, who)
        assert here.id(who) in {p.identity.object_id for p in everybody.approvers} or not expected
        assert (policy.defaulted, policy.justification_required) == (
            everybody.defaulted,
            everybody.justification_required,
        )


async def test_guests_are_known_as_guests(here: Bench) -> None:
    here.sandbox.world.user("alex").guest = True
    role = here.role("application_administrator")
    mine = (await here.graph.directory.standing(role, here.id("alex"))).policy
    everybody = await here.graph.directory.approval_policy(role)
    assert isinstance(mine, ApprovalPolicy)
    assert [one.guest for one in mine.approvers] == [True]
    assert {one.display_name: one.guest for one in everybody.approvers} == {
        "Alex Lindqvist": True,
        "Emery Castillo": False,
    }
