from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from graph_house import SECURITY_ADMINISTRATOR, House, house

from bot.sandbox.seed import APPROVERS, group_named, seeded
from bot.sandbox.tenant import GLOBAL_ADMINISTRATOR, Eligibility

DIRECTORY = "/v1.0/roleManagement/directory"
POLICIES = "/v1.0/policies/roleManagementPolicyAssignments"
RULES = "policy($expand=rules)"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


def policy_filter(role_id: str) -> str:
    return f"scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq '{role_id}'"


async def rules_of(at: House, role: str) -> dict[str, dict[str, object]]:
    got = await at.get(POLICIES, at.app(), **{"$filter": policy_filter(at.role(role)), "$expand": RULES})
    (only,) = got.body["value"]
    return {rule["id"]: rule for rule in only["policy"]["rules"]}


def test_the_same_seed_gives_the_same_tenant_and_another_seed_another() -> None:
    assert seeded(3).users == seeded(3).users
    assert seeded(3).tenant.roles.keys() == seeded(4).tenant.roles.keys()
    assert seeded(3).users.keys().isdisjoint(seeded(4).users.keys())


async def test_roles_carry_their_real_template_ids(at: House) -> None:
    got = await at.get(f"{DIRECTORY}/roleDefinitions/{SECURITY_ADMINISTRATOR}", at.app())
    assert (got.body["displayName"], got.body["templateId"]) == (
        "Security Administrator",
        SECURITY_ADMINISTRATOR,
    )
    listed = await at.get(f"{DIRECTORY}/roleDefinitions", at.app(), **{"$filter": "isBuiltIn eq true"})
    assert len(listed.body["value"]) == 10
    assert (await at.get(f"{DIRECTORY}/roleDefinitions/nothing", at.app())).status == 404


async def test_a_group_that_is_eligible_is_listed_as_the_group_itself(at: House) -> None:
    got = await at.get(
        f"{DIRECTORY}/roleEligibilityScheduleInstances",
        at.app(),
        **{"$filter": f"roleDefinitionId eq '{SECURITY_ADMINISTRATOR}'", "$expand": "principal"},
    )
    seen = {entry["principalId"]: entry for entry in got.body["value"]}
    group = group_named(at.world, "Security Operations")
    assert seen.keys() == {at.id("riley"), at.id("blake"), group.id}
    assert seen[group.id]["memberType"] == "Direct"
    assert seen[group.id]["principal"]["@odata.type"] == "#microsoft.graph.group"
    assert at.id("casey") not in seen


async def test_only_current_eligibilities_are_instances(at: House) -> None:
    now = at.world.now()
    for name, start, end in (("past", None, now), ("future", now.replace(year=now.year + 1), None)):
        at.world.tenant.eligibilities[name] = Eligibility(
            name, at.id("sam"), SECURITY_ADMINISTRATOR, start=start, end=end
        )
    got = await at.get(
        f"{DIRECTORY}/roleEligibilityScheduleInstances",
        at.app(),
        **{"$filter": f"principalId eq '{at.id('sam')}'"},
    )
    assert got.body["value"] == []


async def test_standing_assignments_show_who_approves_by_default(at: House) -> None:
    got = await at.get(f"{DIRECTORY}/roleAssignmentScheduleInstances", at.app())
    held = {(entry["principalId"], entry["assignmentType"]) for entry in got.body["value"]}
    group = group_named(at.world, "Application Operators").id
    assert held == {(one, "Assigned") for one in (*map(at.id, ("dana", "bg1", "bg2")), group)}


async def test_a_policy_has_its_seventeen_rules(at: House) -> None:
    rules = await rules_of(at, "security_administrator")
    assert len(rules) == 17
    assert rules["Expiration_EndUser_Assignment"]["maximumDuration"] == "PT8H"
    assert rules["Enablement_EndUser_Assignment"]["enabledRules"] == ["Justification"]
    assert rules["AuthenticationContext_EndUser_Assignment"]["isEnabled"] is False
    assert "Notification_Approver_EndUser_Assignment" in rules


async def test_approvers_are_users_or_groups_or_nobody(at: House) -> None:
    stages = {}
    for role in ("security_administrator", "exchange_administrator", "global_administrator"):
        setting = (await rules_of(at, role))["Approval_EndUser_Assignment"]["setting"]
        assert setting["isApprovalRequired"] is True
        (stages[role],) = setting["approvalStages"]
    users = stages["security_administrator"]["primaryApprovers"]
    assert [entry["userId"] for entry in users] == [at.id(key) for key in APPROVERS]
    (group,) = stages["exchange_administrator"]["primaryApprovers"]
    assert group["@odata.type"] == "#microsoft.graph.groupMembers"
    assert stages["exchange_administrator"]["isApproverJustificationRequired"] is True
    assert stages["global_administrator"]["primaryApprovers"] == []


@pytest.mark.parametrize(
    ("expand", "policy", "rules"),
    [
        pytest.param("", False, False, id="nothing"),
        pytest.param("policy", True, False, id="policy"),
        pytest.param(RULES, True, True, id="policy and rules"),
    ],
)
async def test_rules_come_only_when_expanded(at: House, expand: str, policy: bool, rules: bool) -> None:
    wanted = {"$filter": policy_filter(GLOBAL_ADMINISTRATOR)} | ({"$expand": expand} if expand else {})
    (only,) = (await at.get(POLICIES, at.app(), **wanted)).body["value"]
    assert ("policy" in only, "rules" in only.get("policy", {})) == (policy, rules)


async def test_policies_can_not_be_listed_without_a_filter(at: House) -> None:
    got = await at.get(POLICIES, at.app())
    assert got.status == 400


async def test_every_approver_of_conditional_access_is_eligible_for_it(at: House) -> None:
    role = at.role("conditional_access_administrator")
    approvers = at.world.tenant.policies[role].approver_users
    assert approvers
    assert all(at.world.tenant.is_eligible(approver, role, at.world.now()) for approver in approvers)


async def test_a_user_is_shown_with_more_only_when_selected(at: House) -> None:
    url = f"/v1.0/users/{at.id('riley')}"
    plain = (await at.get(url, at.app())).body
    chosen = (await at.get(url, at.app(), **{"$select": "id,department,userType"})).body
    assert plain["displayName"] == "Riley Okafor"
    assert "department" not in plain
    assert {name for name in chosen if not name.startswith("@")} == {"id", "department", "userType"}
    assert (await at.get("/v1.0/users/nobody", at.app())).code == "Request_ResourceNotFound"


async def test_members_are_direct_and_transitive_members_nested(at: House) -> None:
    outer, inner = group_named(at.world, "Technology"), group_named(at.world, "Cloud Platform")
    direct = (await at.get(f"/v1.0/groups/{outer.id}/members", at.app())).body["value"]
    nested = (await at.get(f"/v1.0/groups/{outer.id}/transitiveMembers", at.app())).body["value"]
    people = (await at.get(f"/v1.0/groups/{outer.id}/transitiveMembers/microsoft.graph.user", at.app())).body[
        "value"
    ]
    assert [entry["id"] for entry in direct] == [inner.id]
    assert {entry["id"] for entry in nested} == {inner.id, at.id("riley"), at.id("dana")}
    assert {entry["id"] for entry in people} == {at.id("riley"), at.id("dana")}
    assert (await at.get("/v1.0/groups/nothing/members", at.app())).status == 404


async def test_role_assignable_groups_say_so(at: House) -> None:
    group = group_named(at.world, "Security Operations")
    assert (await at.get(f"/v1.0/groups/{group.id}", at.app())).body["isAssignableToRole"] is True


async def test_directory_objects_come_by_ids_and_by_type(at: House) -> None:
    group = group_named(at.world, "Security Operations")
    ids = [at.id("riley"), group.id, "unknown"]
    url = "/v1.0/directoryObjects/getByIds"
    both = (await at.post(url, {"ids": ids}, at.app())).body["value"]
    users = (await at.post(url, {"ids": ids, "types": ["user"]}, at.app())).body["value"]
    assert [entry["id"] for entry in both] == ids[:2]
    assert [entry["id"] for entry in users] == ids[:1]
    one = await at.get(f"/v1.0/directoryObjects/{group.id}", at.app())
    assert one.body["@odata.type"] == "#microsoft.graph.group"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param(f"{DIRECTORY}/roleDefinitions", "UnknownError", id="role management"),
        pytest.param(f"{DIRECTORY}/roleEligibilityScheduleInstances", "UnknownError", id="eligibility"),
        pytest.param(f"{DIRECTORY}/roleAssignmentScheduleInstances", "UnknownError", id="assignments"),
        pytest.param(POLICIES, "UnknownError", id="policies"),
        pytest.param("/v1.0/users/x", "Authorization_RequestDenied", id="users"),
        pytest.param("/v1.0/groups/x", "Authorization_RequestDenied", id="groups"),
        pytest.param("/v1.0/groups/x/members", "Authorization_RequestDenied", id="members"),
        pytest.param("/v1.0/directoryObjects/x", "Authorization_RequestDenied", id="objects"),
    ],
)
async def test_nothing_is_read_without_its_permission(at: House, path: str, code: str) -> None:
    at.world.app_roles = {"Something.Else"}
    got = await at.get(path, at.app())
    assert (got.status, got.code) == (403, code)


async def test_an_unknown_path_is_named_in_the_refusal(at: House) -> None:
    got = await at.get("/v1.0/roleManagement/nonsense", at.app())
    assert (got.status, got.message) == (400, "Resource not found for the segment 'nonsense'.")
