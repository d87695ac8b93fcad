from __future__ import annotations

import pytest

from bot.domain.danger import CRITICAL_ROLES, GLOBAL_ADMINISTRATOR, HIGH_ROLES, danger_of
from bot.domain.model import Danger


@pytest.mark.parametrize(
    ("template_id", "built_in", "danger"),
    [
        pytest.param(GLOBAL_ADMINISTRATOR, True, Danger.CRITICAL, id="global administrator"),
        pytest.param(GLOBAL_ADMINISTRATOR.upper(), True, Danger.CRITICAL, id="in upper case"),
        pytest.param("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", True, Danger.CRITICAL, id="app administrator"),
        pytest.param("194ae4cb-b126-40b2-bd5b-6091b380977d", True, Danger.HIGH, id="security administrator"),
        pytest.param("4a5d8f65-41da-4de4-8968-e035b65339cf", True, Danger.ELEVATED, id="reports reader"),
        pytest.param("4a5d8f65-41da-4de4-8968-e035b65339cf", False, Danger.HIGH, id="a custom role"),
    ],
)
def test_danger_goes_by_the_template_id(template_id: str, *, built_in: bool, danger: Danger) -> None:
    assert danger_of(template_id, built_in=built_in) is danger


def test_no_role_is_in_two_classes() -> None:
    assert not CRITICAL_ROLES & HIGH_ROLES


def test_every_id_is_a_lower_case_guid() -> None:
    for role in CRITICAL_ROLES | HIGH_ROLES:
        assert role == role.lower()
        assert [len(part) for part in role.split("-")] == [8, 4, 4, 4, 12]
