"""Who can decide, and who must not have to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from doctor.clinic import Clinic

from bot.sandbox.tenant import GLOBAL_ADMINISTRATOR, Assignment, Eligibility

pytestmark = pytest.mark.asyncio(loop_scope="package")

CONDITIONAL = "conditional_access_administrator"


# Who can decide ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("approvers", "code", "says"),
    [
        pytest.param(["blake", "casey"], "pools.empty", "none of 2", id="all of them eligible"),
        pytest.param(["blake", "alex"], "pools.thin", "1 of 2", id="only one who is not"),
    ],
)
async def test_a_role_with_too_few_who_can_decide(clinic: Clinic, approvers: list[str], code: str, says: str):
    clinic.policy(CONDITIONAL).approver_users = [clinic.user(one) for one in approvers]
    await clinic.examine()
    assert clinic.codes() == {code}
    assert f"Conditional Access Administrator: {says}" in clinic.findings(code)[0].says


@pytest.mark.parametrize(
    ("quorum", "code"),
    [
        pytest.param(1, None, id="one is enough"),
        pytest.param(2, "pools.thin", id="both are needed"),
        pytest.param(3, "pools.below-quorum", id="more than there are"),
    ],
)
async def test_a_role_whose_decisions_take_several(clinic: Clinic, quorum: int, code: str | None):
    clinic.policy(CONDITIONAL).approver_users = [clinic.user(one) for one in ("alex", "emery")]
    await clinic.examine(roles={"Conditional Access Administrator": {"quorum": quorum}})
    assert clinic.codes() == ({code} if code else set())
    if code:
        assert f"2 of 2 approvers can decide, and a decision takes {quorum}" in clinic.findings(code)[0].says


async def test_a_role_that_nobody_can_ask_for_needs_nobody_to_decide(clinic: Clinic):
    clinic.policy("security_reader").approver_users = [clinic.user("alex")]
    await clinic.examine()
    assert clinic.codes() == set()
    assert clinic.findings("pools.unused")


@pytest.mark.parametrize(
    ("approvers", "code", "says"),
    [
        pytest.param(["riley", "blake"], "pools.empty", "none of 2", id="all of them eligible"),
        pytest.param(["riley", "alex"], "pools.thin", "1 of 2", id="only one who is not"),
        pytest.param([], "pools.empty", "none of 0", id="nobody named"),
    ],
)
async def test_a_group_with_too_few_who_can_decide(
    clinic: Clinic, approvers: list[str], code: str, says: str
):
    clinic.group_policy("Application Operators").approver_users = [clinic.user(one) for one in approvers]
    await clinic.examine()
    assert clinic.codes() == {code}
    (finding,) = clinic.findings(code)
    assert f"Application Operators (member): {says}" in finding.says
    assert "PIM > Groups > the group > Settings" in finding.do
    assert ("names nobody" in finding.says) == (not approvers)


async def test_owning_a_group_is_a_role_of_its_own(clinic: Clinic):
    policy = clinic.group_policy("Finance Vault", "owner")
    policy.approval_required, policy.approver_users = True, [clinic.user("alex"), clinic.user("emery")]
    await clinic.examine()
    assert clinic.codes() == set()
    assert "Finance Vault (owner): 2 of 2" in " ".join(one.says for one in clinic.findings("pools.enough"))


async def test_a_tenant_that_has_pim_for_groups_only(clinic: Clinic):
    for policy in clinic.world.tenant.policies.values():
        policy.approval_required = False
    await clinic.examine()
    assert clinic.codes() == set()
    told = [one.says.partition(":")[0] for one in clinic.findings("pools.enough")]
    assert told == ["Application Operators (member)", "Finance Vault (member)"]


async def test_only_the_groups_that_the_settings_name(clinic: Clinic):
    await clinic.examine(pim_groups=clinic.group("Finance Vault"))
    told = {one.says.partition(":")[0] for one in clinic.findings("pools.enough")}
    assert "Finance Vault (member)" in told
    assert "Application Operators (member)" not in told


async def test_a_group_that_the_settings_name_and_that_there_is_not(clinic: Clinic):
    there_is_not = "11111111-2222-4333-8444-555555555555"
    await clinic.examine(pim_groups=f"{clinic.group('Finance Vault')},{there_is_not}")
    assert clinic.codes() == {"pools.unknown-group", "break-glass.pools-unread"}
    (finding,) = clinic.findings("pools.unknown-group")
    assert there_is_not in finding.says
    assert "SECONDKEY_PIM_GROUPS" in finding.do


async def test_a_group_that_can_not_be_read_hides_no_other_role(clinic: Clinic):
    group = clinic.group("Finance Vault")
    clinic.fault("graph", f"roleManagementPolicyAssignments.*{group}", status=403, code="Forbidden")
    await clinic.examine()
    assert clinic.codes() == {"pools.unreadable", "break-glass.pools-unread"}
    (finding,) = clinic.findings("pools.unreadable")
    assert finding.says.startswith("Finance Vault:")
    assert len(clinic.findings("pools.enough")) == 8
    assert not clinic.findings("break-glass.sound"), "it may be named as an approver there"


async def test_a_list_of_managed_groups_that_can_not_be_read(clinic: Clinic):
    clinic.fault("graph", "beta/.*privilegedAccess/group/resources", status=403, code="Forbidden")
    await clinic.examine()
    (finding,) = clinic.findings("pools.unreadable")
    assert finding.says.startswith("the list of the groups that PIM manages:")
    assert len(clinic.findings("pools.enough")) == 7


async def test_no_role_and_no_group_that_needs_approval(clinic: Clinic):
    tenant = clinic.world.tenant
    for policy in (*tenant.policies.values(), *tenant.group_policies.values()):
        policy.approval_required = False
    await clinic.examine()
    assert clinic.codes() == {"pools.none"}


async def test_every_page_of_policies_is_read(clinic: Clinic):
    clinic.world.page_size = 2
    try:
        await clinic.examine()
    finally:
        clinic.world.page_size = 100
    assert len(clinic.findings("pools.enough")) == 9


# Break glass -------------------------------------------------------------------------------


def assignments_of(clinic: Clinic, user: str) -> list[Any]:
    held = clinic.world.tenant.assignments.values()
    return [one for one in held if one.principal_id == clinic.user(user)]


def take_away(clinic: Clinic, user: str) -> None:
    for one in assignments_of(clinic, user):
        del clinic.world.tenant.assignments[one.id]


async def test_a_break_glass_account_that_is_only_eligible(clinic: Clinic):
    take_away(clinic, "bg1")
    made = Eligibility(clinic.world.new_id(), clinic.user("bg1"), GLOBAL_ADMINISTRATOR)
    clinic.world.tenant.eligibilities[made.id] = made
    await clinic.examine()
    assert clinic.codes() == {"break-glass.eligible"}
    assert "Break Glass One" in clinic.findings("break-glass.eligible")[0].says


async def test_a_break_glass_account_for_a_time_only(clinic: Clinic):
    take_away(clinic, "bg1")
    now = clinic.world.now()
    made = Assignment(
        clinic.world.new_id(),
        clinic.user("bg1"),
        GLOBAL_ADMINISTRATOR,
        now,
        now + timedelta(days=30),
        activated=False,
    )
    clinic.world.tenant.assignments[made.id] = made
    await clinic.examine()
    assert clinic.codes() == {"break-glass.temporary"}


async def test_a_break_glass_account_without_power(clinic: Clinic):
    take_away(clinic, "bg2")
    await clinic.examine()
    assert clinic.codes() == {"break-glass.powerless"}


async def test_a_break_glass_account_among_the_approvers(clinic: Clinic):
    clinic.policy(CONDITIONAL).approver_users = [clinic.user(one) for one in ("alex", "emery", "bg1")]
    await clinic.examine()
    assert clinic.codes() == {"break-glass.approves"}
    assert "Conditional Access Administrator" in clinic.findings("break-glass.approves")[0].says


async def test_a_break_glass_account_among_the_approvers_of_a_group(clinic: Clinic):
    policy = clinic.group_policy("Finance Vault")
    policy.approver_users = [clinic.user(one) for one in ("alex", "emery", "bg1")]
    await clinic.examine()
    assert clinic.codes() == {"break-glass.approves"}
    assert "Finance Vault" in clinic.findings("break-glass.approves")[0].says


async def test_break_glass_accounts_that_approve_because_nobody_is_named(clinic: Clinic):
    clinic.policy("global_administrator").approver_users = []
    await clinic.examine()
    assert clinic.codes() == {"break-glass.default-approver", "pools.thin"}


async def test_a_break_glass_account_that_is_not_there(clinic: Clinic):
    await clinic.examine(break_glass=f"{clinic.user('bg1')},00000000-0000-4000-8000-000000000009")
    assert clinic.codes() == {"break-glass.gone"}


@pytest.mark.parametrize(
    ("accounts", "code"),
    [pytest.param((), "break-glass.none", id="none"), pytest.param(("bg1",), "break-glass.one", id="one")],
)
async def test_too_few_break_glass_accounts(clinic: Clinic, accounts: tuple[str, ...], code: str):
    await clinic.examine(break_glass=",".join(map(clinic.user, accounts)) or None)
    assert clinic.codes() == {code}
