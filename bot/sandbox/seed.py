"""The tenant that every sandbox starts with, the same for the same seed."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable

from bot.sandbox.tenant import (
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR,
    Assignment,
    Eligibility,
    Group,
    GroupEligibility,
    Role,
    RolePolicy,
)
from bot.sandbox.world import TeamsChannel, User, World

DOMAIN = "alderhavn.example"
APPROVERS = ("alex", "blake", "casey", "dana", "emery")

# key, display name, job title, department, persona
PEOPLE = (
    ("riley", "Riley Okafor", "Infrastructure Engineer", "Cloud Platform",
     "Asks for roles: eligible for most of them, holds none."),
    ("alex", "Alex Lindqvist", "Security Lead", "Security", "Approver without any conflict."),
    ("blake", "Blake Nakamura", "Security Engineer", "Security",
     "Approver who is directly eligible for Security Administrator."),
    ("casey", "Casey Moreau", "Security Analyst", "Security",
     "Approver who is eligible for Security Administrator through a role-assignable group."),
    ("dana", "Dana Petrovic", "Infrastructure Engineer", "Cloud Platform",
     "Approver from the requester's own team, no conflict; holds Privileged Role Administrator."),
    ("emery", "Emery Castillo", "Identity Architect", "Identity", "Approver without any conflict."),
    ("ollie", "Ollie Haddad", "Operations Manager", "IT Operations",
     "Ops: hears of it when nobody answers."),
    ("bg1", "Break Glass One", "", "", "Emergency account, permanent Global Administrator."),
    ("bg2", "Break Glass Two", "", "", "Emergency account, permanent Global Administrator."),
    ("sam", "Sam Whitaker", "Accountant", "Finance", "Approves nothing and is eligible for nothing."),
    ("guest", "Noor Rahman", "Consultant", "", "A guest from another organisation."),
    ("pim", "PIM Mailbox", "", "", "The mailbox that receives PIM's approver mail."),
)  # fmt: skip

# template id, key, display name, description, privileged
ROLES = (
    (GLOBAL_ADMINISTRATOR, "global_administrator", "Global Administrator",
     "Can manage all aspects of Microsoft Entra ID and Microsoft services that use it.", True),
    (PRIVILEGED_ROLE_ADMINISTRATOR, "privileged_role_administrator", "Privileged Role Administrator",
     "Can manage role assignments in Microsoft Entra ID, and all aspects of PIM.", True),
    ("194ae4cb-b126-40b2-bd5b-6091b380977d", "security_administrator", "Security Administrator",
     "Can read security information and reports, and manage configuration in Microsoft Entra ID.", True),
    ("29232cdf-9323-42fd-ade2-1d097af3e4de", "exchange_administrator", "Exchange Administrator",
     "Can manage all aspects of the Exchange product.", False),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "user_administrator", "User Administrator",
     "Can manage all aspects of users and groups, including resetting passwords for limited admins.", True),
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", "helpdesk_administrator", "Helpdesk Administrator",
     "Can reset passwords for non-administrators and Helpdesk Administrators.", True),
    ("b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", "conditional_access_administrator",
     "Conditional Access Administrator", "Can manage Conditional Access capabilities.", True),
    ("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "application_administrator", "Application Administrator",
     "Can create and manage all aspects of app registrations and enterprise apps.", True),
    ("f2ef992c-3afb-46b9-b7cf-a126ee74c451", "global_reader", "Global Reader",
     "Can read everything that a Global Administrator can, but not update anything.", True),
    ("5d6b6bb7-de71-4623-b4af-96380a352509", "security_reader", "Security Reader",
     "Can read security information and reports in Microsoft Entra ID and Office 365.", True),
)  # fmt: skip

RILEY_ELIGIBLE_FOR = (
    "global_administrator",
    "privileged_role_administrator",
    "security_administrator",
    "exchange_administrator",
    "user_administrator",
    "helpdesk_administrator",
    "conditional_access_administrator",
    "application_administrator",
    "global_reader",
)


def seeded(seed: int = 7) -> World:
    """A world whose ids depend on ``seed`` alone (its keys do not)."""
    rng = random.Random(seed)  # noqa: S311 - reproducible ids, nothing secret hangs on them

    def new_id() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    world = World(
        tenant_id=new_id(), client_id=new_id(), client_secret=f"sandbox~{rng.getrandbits(128):032x}"
    )
    _people(world, new_id, rng)
    _channels(world, rng)
    for entry in ROLES:
        world.tenant.roles[entry[0]] = Role(*entry)
    _groups(world, new_id)
    _eligibilities(world, new_id)
    _policies(world, new_id)
    _standing_assignments(world, new_id)
    _managed_groups(world, new_id)
    world.tenant.mailboxes[world.user("pim").object_id] = []
    return world


def _people(world: World, new_id: Callable[[], str], rng: random.Random) -> None:
    for key, name, title, department, persona in PEOPLE:
        upn = f"{name.lower().replace(' ', '.')}@{DOMAIN}"
        if key == "guest":
            upn = f"noor.rahman_partner.example#EXT#@{DOMAIN}"
        user = User(
            key=key,
            object_id=new_id(),
            teams_id=f"29:1{rng.getrandbits(200):050x}",
            display_name=name,
            upn=upn,
            persona=persona,
            job_title=title,
            department=department,
            guest=key == "guest",
        )
        world.users[user.object_id] = user


def _channels(world: World, rng: random.Random) -> None:
    team_id = f"19:{rng.getrandbits(128):032x}@thread.tacv2"
    for key, name, members in (
        ("approvers", "PIM approvals", (*APPROVERS, "riley", "ollie")),
        ("ops", "Identity operations", ("ollie", "emery")),
    ):
        channel_id = f"19:{rng.getrandbits(128):032x}@thread.tacv2"
        ids = [world.user(member).object_id for member in members]
        world.channels[channel_id] = TeamsChannel(key, channel_id, name, team_id, ids)


def _groups(world: World, new_id: Callable[[], str]) -> None:
    for name, members, role_assignable in (
        ("Security Operations", ("casey",), True),
        ("PIM Approvers - Messaging", ("alex", "casey", "riley"), True),
        ("Cloud Platform", ("riley", "dana"), False),
    ):
        ids = [world.user(member).object_id for member in members]
        group = Group(new_id(), name, ids, role_assignable)
        world.tenant.groups[group.id] = group
    # A group inside a group, because membership is transitive for everyone but role-assignable ones.
    nested = Group(new_id(), "Technology", [group_named(world, "Cloud Platform").id])
    world.tenant.groups[nested.id] = nested


def group_named(world: World, name: str) -> Group:
    """Raises ``KeyError``."""
    for group in world.tenant.groups.values():
        if group.display_name == name:
            return group
    raise KeyError(name)


def _eligibilities(world: World, new_id: Callable[[], str]) -> None:
    group = group_named(world, "Security Operations").id
    pairs = [(world.user("riley").object_id, role) for role in RILEY_ELIGIBLE_FOR]
    for role in ("security_administrator", "conditional_access_administrator"):
        pairs += [(world.user("blake").object_id, role), (group, role)]
    pairs.append((world.user("ollie").object_id, "helpdesk_administrator"))
    for principal_id, role in pairs:
        entry = Eligibility(new_id(), principal_id, world.tenant.role(role).id)
        world.tenant.eligibilities[entry.id] = entry


def _policies(world: World, new_id: Callable[[], str]) -> None:
    def ids(*keys: str) -> list[str]:
        return [world.user(key).object_id for key in keys]

    settings: dict[str, RolePolicy] = {}
    for role in world.tenant.roles.values():
        policy = RolePolicy(f"DirectoryRole_{world.tenant_id}_{new_id()}", role.id)
        settings[role.key] = world.tenant.policies[role.id] = policy
    for key in settings.keys() - {"user_administrator", "helpdesk_administrator", "global_reader"}:
        settings[key].approval_required = True
    settings["security_administrator"].approver_users = ids(*APPROVERS)
    settings["exchange_administrator"].approver_groups = [group_named(world, "PIM Approvers - Messaging").id]
    settings["exchange_administrator"].approver_justification = True
    settings["conditional_access_administrator"].approver_users = ids("blake", "casey")
    settings["application_administrator"].approver_users = ids("alex", "emery")
    settings["application_administrator"].enabled_rules = ["Justification", "Ticketing"]
    settings["security_reader"].approver_users = ids("alex", "emery")
    for key in ("global_administrator", "privileged_role_administrator"):
        settings[key].maximum_duration = "PT4H"
        settings[key].enabled_rules = ["MultiFactorAuthentication", "Justification"]


def _standing_assignments(world: World, new_id: Callable[[], str]) -> None:
    for key, role_id in (
        ("dana", PRIVILEGED_ROLE_ADMINISTRATOR),
        ("bg1", GLOBAL_ADMINISTRATOR),
        ("bg2", GLOBAL_ADMINISTRATOR),
    ):
        holder = world.user(key).object_id
        entry = Assignment(new_id(), holder, role_id, world.now(), None, activated=False)
        world.tenant.assignments[entry.id] = entry


def _managed_groups(world: World, new_id: Callable[[], str]) -> None:
    """Groups under PIM: one that brings a directory role to whoever is in it, and a plain one."""
    operators = Group(new_id(), "Application Operators", [], role_assignable=True)
    vault = Group(new_id(), "Finance Vault", [])
    for group in (operators, vault):
        world.tenant.groups[group.id] = group
    role_id = world.tenant.role("application_administrator").id
    holds = Assignment(new_id(), operators.id, role_id, world.now(), None, activated=False)
    world.tenant.assignments[holds.id] = holds
    riley, blake = world.user("riley").object_id, world.user("blake").object_id
    nested = group_named(world, "Technology").id
    for group, principals in ((operators, (riley, blake)), (vault, (riley, nested))):
        for principal_id in principals:
            entry = GroupEligibility(new_id(), group.id, principal_id)
            world.tenant.group_eligibilities[entry.id] = entry
    _group_policies(world, new_id, operators, ("alex", "blake", "emery"), justification=True)
    _group_policies(world, new_id, vault, ("alex", "dana", "emery"), justification=False)


def _group_policies(
    world: World, new_id: Callable[[], str], group: Group, approvers: tuple[str, ...], *, justification: bool
) -> None:
    """Membership needs an approval, ownership needs none."""
    for access in ("member", "owner"):
        policy = RolePolicy(f"Group_{group.id}_{new_id()}", access)
        world.tenant.group_policies[group.id, access] = policy
    policy = world.tenant.group_policies[group.id, "member"]
    policy.approval_required, policy.approver_justification = True, justification
    policy.approver_users = [world.user(key).object_id for key in approvers]
