"""A token belongs to whom it names, and one that can't be read to nobody."""

from __future__ import annotations

import base64
import json

import pytest
from fakes.people import token_of
from fakes.values import ALEX, BLAKE, TENANT
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Identity, UserAssertion
from bot.service.assertion import belongs_to

ME = Identity(TENANT, ALEX)


def encoded(payload: bytes) -> UserAssertion:
    return UserAssertion("e30." + base64.urlsafe_b64encode(payload).decode().rstrip("=") + ".")


def test_a_token_belongs_to_whom_it_names() -> None:
    assert belongs_to(token_of(ME), ME)


def test_case_and_padding_are_no_difference() -> None:
    payload = json.dumps({"oid": ALEX.upper(), "tid": TENANT.upper(), "x": "~~~~"}).encode()
    assert belongs_to(encoded(payload), ME)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"oid": BLAKE, "tid": TENANT}, id="another-oid"),
        pytest.param({"oid": ALEX, "tid": BLAKE}, id="another-tid"),
        pytest.param({"tid": TENANT}, id="no-oid"),
        pytest.param({"oid": ALEX}, id="no-tid"),
        pytest.param({"oid": "", "tid": TENANT}, id="empty-oid"),
        pytest.param({"oid": [ALEX], "tid": TENANT}, id="list"),
        pytest.param({"oid": None, "tid": None}, id="null"),
        pytest.param([ALEX, TENANT], id="no-object"),
        pytest.param("oid", id="string"),
    ],
)
def test_a_token_that_names_somebody_else_or_nobody_is_not_mine(claims: object) -> None:
    assert not belongs_to(encoded(json.dumps(claims).encode()), ME)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("opaque", id="opaque"),
        pytest.param("a.%%%.b", id="no-base64"),
        pytest.param("a.é.b", id="no-ascii"),
        pytest.param("a.bnVsbA.b", id="null"),
    ],
)
def test_what_is_no_token_belongs_to_nobody(token: str) -> None:
    assert not belongs_to(UserAssertion(token), ME)


def test_a_payload_nested_without_end_belongs_to_nobody() -> None:
    assert not belongs_to(encoded(b"[" * 200_000), ME)


@given(st.text())
def test_whatever_the_token_is_nothing_is_raised(token: str) -> None:
    assert belongs_to(UserAssertion(token), ME) is False


@given(st.binary())
def test_whatever_the_payload_is_nothing_is_raised(payload: bytes) -> None:
    assert belongs_to(encoded(payload), ME) is False


_JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5)


@given(st.fixed_dictionaries({}, optional={"oid": _JSON, "tid": _JSON}))
def test_whatever_the_claims_are_nothing_is_raised(claims: dict[str, object]) -> None:
    assert belongs_to(encoded(json.dumps(claims).encode()), ME) is False
