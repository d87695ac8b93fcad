"""A sandbox with a large tenant in it, in a process of its own: ``python -m tests.bench.crowd``.

Prints one line of JSON that says where it is and who is who, and runs until its input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import uuid
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from bot.sandbox.server import running
from bot.sandbox.tenant import Eligibility, Group, GroupEligibility, Role, RolePolicy
from bot.sandbox.world import World

ROLES: Final = 100
ASSIGNABLE: Final = 200
"""Of the groups; Entra allows 500 in a tenant."""
MEMBERS: Final = 20
APPROVER_IN: Final = 30
"""Groups that the approver who clicks is in, four of which can have roles."""


def populate(world: World, rows: int, groups: int) -> dict[str, str]:
    """Fill the tenant. Who clicks has no path to either role, so that everything has to be looked at."""
    rng = random.Random("crowd")  # noqa: S311 - the same tenant every time

    def new_id() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    users = [new_id() for _ in range(max(rows // 5, 10))]
    pattern = world.user("sam")
    for number, one in enumerate(users):
        name = f"user{number}"
        world.users[one] = replace(pattern, key=name, object_id=one, upn=f"{name}@alderhavn.example")
    tenant, approver = world.tenant, world.user("emery").object_id
    for number in range(groups):
        members = rng.sample(users, min(MEMBERS, len(users)))
        made = Group(new_id(), f"Group {number}", members, number < groups * ASSIGNABLE // 2000)
        tenant.groups[made.id] = made
    plain = [group for group in tenant.groups.values() if not group.role_assignable]
    assignable = [group for group in tenant.groups.values() if group.role_assignable]
    for group in (*plain[: APPROVER_IN - 4], *assignable[:4]):
        group.members.append(approver)
    # One more may be activated, from which another, which leads nowhere.
    chain = (approver, plain[-1].id, plain[-2].id)
    for principal, group_id in pairwise(chain):
        entry = GroupEligibility(new_id(), group_id, principal)
        tenant.group_eligibilities[entry.id] = entry
    roles = [Role(new_id(), f"role{n}", f"Role {n}", "", privileged=True) for n in range(ROLES)]
    for role in roles:
        tenant.roles[role.id] = role
        policy = RolePolicy(new_id(), role.id, approval_required=True, approver_users=[approver])
        tenant.policies[role.id] = policy
    crowded, lonely, *others = roles
    holders = assignable[4:] or assignable
    for number in range(rows):
        # A twentieth for one role; of the others' rows some are groups'.
        role = crowded if number % 20 == 0 else others[number % len(others)]
        principal = rng.choice(holders).id if number % 50 == 0 else rng.choice(users)
        entry = Eligibility(new_id(), principal, role.id)
        tenant.eligibilities[entry.id] = entry
    for one in rng.sample(users, 10):
        entry = Eligibility(new_id(), one, lonely.id)
        tenant.eligibilities[entry.id] = entry
    return {"approver": approver, "crowded": crowded.id, "lonely": lonely.id}


async def main(rows: int, groups: int) -> None:
    with tempfile.TemporaryDirectory(prefix="secondkey-crowd-") as directory:
        async with running(Path(directory)) as sandbox:
            who = populate(sandbox.world, rows, groups)
            place = {"http": sandbox.http, "login": sandbox.login, "ca": str(sandbox.ca_bundle)}
            app = {
                "tenant": sandbox.world.tenant_id,
                "client": sandbox.world.client_id,
                "secret": sandbox.world.client_secret,
            }
            sys.stdout.write(json.dumps({**place, **app, **who}) + "\n")
            sys.stdout.flush()
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, required=True)
    options.add_argument("--groups", type=int, required=True)
    given = options.parse_args()
    asyncio.run(main(given.rows, given.groups))
