"""A group role's key stands where a role definition id does, and is mistaken for none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.danger import CRITICAL_ROLES, HIGH_ROLES
from bot.domain.group_roles import Access, GroupRole, parse

GROUP = "cccccccc-0000-4000-8000-000000000001"


@pytest.mark.parametrize("access", list(Access))
def test_a_key_reads_back_as_what_it_was_made_from(access: Access) -> None:
    role = GroupRole(GROUP, access)
    assert role.key == f"group:{GROUP}:{access.value}"
    assert parse(role.key) == role


@given(st.uuids(), st.sampled_from(Access))
def test_the_case_of_a_key_does_not_matter(group_id: object, access: Access) -> None:
    role = GroupRole(str(group_id).upper(), access)
    assert parse(role.key.upper()) == parse(f" {role.key} ") == role


@pytest.mark.parametrize("definition_id", sorted(CRITICAL_ROLES | HIGH_ROLES))
def test_no_directory_role_is_taken_for_a_group_role(definition_id: str) -> None:
    assert parse(definition_id) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(f"group:{GROUP}", id="no-access"),
        pytest.param(f"group:{GROUP}:guest", id="another-access"),
        pytest.param("group::member", id="no-group"),
        pytest.param(f"group:{GROUP}:member:owner", id="one-more-part"),
        pytest.param(f"role:{GROUP}:member", id="another-kind"),
        pytest.param(f"group:{GROUP} x:member", id="a-blank-inside"),
    ],
)
def test_anything_else_is_no_group_role(text: str) -> None:
    assert parse(text) is None


@given(st.text())
def test_whatever_is_read_as_a_group_role_has_exactly_one_key(text: str) -> None:
    role = parse(text)
    assert role is None or parse(role.key) == role


@pytest.mark.parametrize("group_id", ["", " ", "a:b", "a b"])
def test_a_malformed_group_id_makes_no_role(group_id: str) -> None:
    with pytest.raises(ValueError, match="object id"):
        GroupRole(group_id, Access.MEMBER)
