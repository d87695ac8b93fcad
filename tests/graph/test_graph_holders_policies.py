"""Holders and policies: what separation of duties is judged on."""

from __future__ import annotations

from typing import Any

import pytest
from graph.fake_cloud import FakeCloud, fails, rows, says

from bot.domain.danger import GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR
from bot.domain.errors import (
    DirectoryError,
    RejectedError,
)
from bot.domain.model import PathKind
from bot.graph.adapters import GraphAdapters

PIM = "/v1.0/roleManagement/directory"
ELIGIBLE = f"GET {PIM}/roleEligibilityScheduleInstances"
ELIGIBLE_FOR_GROUPS = "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances"
ACTIVE = f"GET {PIM}/roleAssignmentScheduleInstances"
POLICIES = "GET /v1.0/policies/roleManagementPolicyAssignments"
ROLE = "role-1"


def instance(principal: dict[str, Any] | None, role: str = ROLE, **changed: Any) -> dict[str, Any]:
    principal_id = principal["id"] if principal else "gone"
    return {"principalId": principal_id, "roleDefinitionId": role, "principal": principal, **changed}


def user(name: str) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.user", "id": name, "displayName": name.title()}


def group(name: str, display_name: str | None = None) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.group", "id": name, "displayName": display_name}


def members(cloud: FakeCloud, name: str, *found: dict[str, Any]) -> None:
    """A group that nobody owns or is eligible for."""
    cloud.on(f"GET /v1.0/groups/{name}/transitiveMembers", rows(*found))
    cloud.on(f"GET /v1.0/groups/{name}/owners", rows())
    cloud.on(f"GET {ELIGIBLE_FOR_GROUPS}", rows())


def policy(*approvers: dict[str, Any], **changed: Any) -> dict[str, Any]:
    setting = {
        "isApprovalRequired": True,
        "approvalStages": [{"primaryApprovers": list(approvers)}],
        **changed,
    }
    rule = {"id": "Approval_EndUser_Assignment", "setting": setting}
    return {"roleDefinitionId": ROLE, "policy": {"rules": [{"id": "Expiration_EndUser_Assignment"}, rule]}}


def single(user_id: str) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.singleUser", "userId": user_id}


# holders ------------------------------------------------------------------------------------


async def test_holders_of_every_kind_and_scope_are_found(cloud: FakeCloud, graph: GraphAdapters) -> None:
    app = {"@odata.type": "#microsoft.graph.servicePrincipal", "id": "app"}
    cloud.on(
        ELIGIBLE,
        rows(
            instance(user("ann"), directoryScopeId="/administrativeUnits/x"),
            instance(group("g"), directoryScopeId="/"),
            instance(user("bob"), memberType="Group"),
        ),
    )
    cloud.on(ACTIVE, rows(instance(app, appScopeId="/app"), instance(group("g", "Team"))))
    members(cloud, "g", user("cem"), group("nested"), user("dee"))
    members(cloud, "nested", user("dee"))
    holders = await graph.directory.holders(ROLE)
    assert [(one.object_id, one.kind, one.scope, one.via) for one in holders.eligible] == [
        ("ann", PathKind.DIRECT, "/administrativeUnits/x", ()),
        ("cem", PathKind.GROUP, "/", ("g",)),
        ("dee", PathKind.GROUP, "/", ("g",)),
        ("bob", PathKind.GROUP, "/", ()),
    ]
    assert [(one.object_id, one.scope, one.via) for one in holders.active] == [
        ("app", "/app", ()),
        ("cem", "/", ("Team",)),
        ("dee", "/", ("Team",)),
    ]


async def test_a_group_is_read_once_per_question_and_never_remembered(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(ELIGIBLE, rows(instance(group("g"))))
    cloud.on(ACTIVE, rows(instance(group("g"))))
    members(cloud, "g", user("ann"))
    await graph.directory.holders(ROLE)
    await graph.directory.holders(ROLE)
    assert [one.path for one in cloud.to_graph()].count("/v1.0/groups/g/transitiveMembers") == 2


async def test_eligibility_ends_when_it_ends(cloud: FakeCloud, graph: GraphAdapters) -> None:
    soon = instance(user("ann"), endDateTime="2026-11-23T09:00:01Z")
    past = instance(user("bob"), endDateTime="2026-11-23T09:00:00Z")
    cloud.on(ELIGIBLE, rows(soon, past, instance(user("cem"), endDateTime=None)))
    cloud.on(ACTIVE, rows())
    assert [one.object_id for one in (await graph.directory.holders(ROLE)).eligible] == ["ann", "cem"]


async def test_rows_of_other_roles_are_left_out_if_graph_ignores_the_filter(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(ELIGIBLE, rows(instance(user("ann"), role="other"), instance(user("bob"), role=ROLE.upper())))
    cloud.on(ACTIVE, rows())
    assert [one.object_id for one in (await graph.directory.holders(ROLE)).eligible] == ["bob"]


async def test_a_principal_that_is_not_expanded_is_looked_up(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on(ELIGIBLE, rows({"principalId": "g", "roleDefinitionId": ROLE}))
    cloud.on(ACTIVE, rows(instance(None)))
    cloud.on("GET /v1.0/directoryObjects/g", says(group("g", "Team")))
    cloud.on("GET /v1.0/directoryObjects/gone", fails(404))
    members(cloud, "g", user("ann"))
    holders = await graph.directory.holders(ROLE)
    assert [(one.object_id, one.via) for one in holders.eligible] == [("ann", ("Team",))]
    assert holders.active == ()


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({ELIGIBLE: fails(403)}, id="eligibility"),
        pytest.param({ACTIVE: fails(403)}, id="assignments"),
        pytest.param({"GET /v1.0/groups/g/transitiveMembers": fails(403)}, id="members"),
        pytest.param({"GET /v1.0/groups/g/transitiveMembers": fails(404)}, id="members of a vanished group"),
        pytest.param({ACTIVE: rows(instance(user("bob"), endDateTime="never"))}, id="an end"),
        pytest.param({ACTIVE: rows({"principalId": "x", "principal": user("x")})}, id="a role id"),
    ],
)
async def test_holders_are_never_told_in_part(
    cloud: FakeCloud, graph: GraphAdapters, broken: dict[str, Any]
) -> None:
    cloud.on(ELIGIBLE, rows(instance(user("ann")), instance(group("g"))))
    cloud.on(ACTIVE, rows(instance(user("ann"))))
    members(cloud, "g", user("cem"))
    for what, answer in broken.items():
        cloud.on(what, answer)
    with pytest.raises(DirectoryError):
        await graph.directory.holders(ROLE)


# policies -----------------------------------------------------------------------------------


async def test_approvers_are_users_and_members_of_groups_each_once(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    team = {"@odata.type": "#microsoft.graph.groupMembers", "groupId": "g"}
    cloud.on(POLICIES, rows(policy(single("ann"), team)))
    cloud.on("GET /v1.0/users/ann", says(user("ann")))
    members(cloud, "g", user("bob"), user("ann"))
    found = await graph.directory.approval_policy(ROLE)
    assert [one.display_name for one in found.approvers] == ["Ann", "Bob"]
    assert (found.approval_required, found.defaulted, found.justification_required) == (True, False, False)
    asked = cloud.to_graph()[0].query
    assert (
        asked["$filter"] == "scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq 'role-1'"
    )
    assert asked["$expand"] == "policy($expand=rules)"


async def test_nobody_named_means_the_active_holders_of_both_administrator_roles(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    app = {"@odata.type": "#microsoft.graph.servicePrincipal", "id": "app"}
    cloud.on(POLICIES, rows(policy()))
    cloud.on(
        ACTIVE,
        rows(
            instance(user("ann"), role=PRIVILEGED_ROLE_ADMINISTRATOR),
            instance(user("bob"), role=GLOBAL_ADMINISTRATOR),
            instance(group("g"), role=GLOBAL_ADMINISTRATOR),
            instance(app, role=GLOBAL_ADMINISTRATOR),
        ),
    )
    members(cloud, "g", user("cem"), user("ann"))
    for name in ("ann", "bob"):
        cloud.on(f"GET /v1.0/users/{name}", says(user(name)))
    found = await graph.directory.approval_policy(ROLE)
    assert [one.display_name for one in found.approvers] == ["Ann", "Bob", "Cem"]
    assert found.defaulted


async def test_an_approver_who_was_deleted_is_left_out_and_makes_no_default(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(POLICIES, rows(policy(single("gone"))))
    cloud.on("GET /v1.0/users/gone", fails(404))
    found = await graph.directory.approval_policy(ROLE)
    assert (found.approval_required, found.approvers, found.defaulted) == (True, (), False)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        pytest.param(rows(), "0 policies", id="no policy"),
        pytest.param(rows(policy(), policy()), "2 policies", id="two policies"),
        pytest.param(
            rows({"roleDefinitionId": ROLE, "policy": {"rules": []}}), "no approval rule", id="no rule"
        ),
        pytest.param(rows({"roleDefinitionId": ROLE}), "no approval rule", id="not expanded"),
        pytest.param(
            rows(policy({"@odata.type": "#microsoft.graph.requestorManager"})),
            "requestorManager",
            id="manager",
        ),
        pytest.param(rows(policy({})), "none", id="no kind"),
        pytest.param(
            rows(policy({"@odata.type": "#microsoft.graph.singleUser"})), "lacks id", id="no user id"
        ),
        pytest.param(rows(policy(approvalStages=[{}, {}])), "several approval stages", id="two stages"),
        pytest.param(rows(policy(approvalStages="none")), "approvalStages", id="stages as text"),
    ],
)
async def test_a_policy_that_cant_be_read_safely_is_an_error_that_says_why(
    cloud: FakeCloud, graph: GraphAdapters, answer: Any, named: str
) -> None:
    cloud.on(POLICIES, answer)
    with pytest.raises(RejectedError, match=named):
        await graph.directory.approval_policy(ROLE)


async def test_a_policy_that_does_not_say_no_approval_requires_one(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on(POLICIES, rows(policy(single("ann"), isApprovalRequired=None)))
    cloud.on("GET /v1.0/users/ann", says(user("ann")))
    assert (await graph.directory.approval_policy(ROLE)).approval_required


async def test_policies_are_read_anew_each_time(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on(POLICIES, rows(policy(isApprovalRequired=False)))
    await graph.directory.approval_policy(ROLE)
    await graph.directory.approval_policy(ROLE)
    assert len(cloud.to_graph()) == 2
