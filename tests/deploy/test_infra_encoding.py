"""The lines of Bicep that encode the tenant id, run."""

from __future__ import annotations

import base64
import re
import uuid
from typing import Any

import pytest
from deploy.bicep import module
from hypothesis import given
from hypothesis import strategies as st

LINES = ("hexDigits", "alphabet", "digits", "inOrder", "triples", "encodedTenant")


def encoded(tenant: str) -> str:
    """Runs them. Bicep and Python differ in interpolation, integer division and the lambda's arrow."""
    text = module("modules/registration").text
    names: dict[str, Any] = {
        "tenantId": tenant,
        "replace": lambda text, old, new: text.replace(old, new),
        "toLower": str.lower,
        "substring": lambda text, at, length: text[at : at + length],
        "indexOf": lambda text, wanted: text.index(wanted),
        "range": lambda start, count: list(range(start, start + count)),
        "map": lambda items, each: [each(item) for item in items],
        "join": lambda items, between: between.join(items),
    }
    for name in LINES:
        (line,) = re.findall(rf"^var {name} = (.*)$", text, re.MULTILINE)
        line = re.sub(r"(\w+) => ", r"lambda \1: ", line)
        line = re.sub(r"'([^']*\$\{[^']*)'", lambda found: f"f'{found[1].replace('${', '{')}'", line)
        names[name] = eval(line.replace(" / ", " // "), names)  # noqa: S307 - our own file
    result: str = names["encodedTenant"]
    return result


@given(st.uuids())
def test_the_tenant_is_base64url_of_its_bytes_in_dotnets_order(tenant: uuid.UUID) -> None:
    expected = base64.urlsafe_b64encode(tenant.bytes_le).decode().rstrip("=")
    assert encoded(str(tenant)) == expected


@pytest.mark.parametrize("write", [str.upper, str.lower])
def test_case_does_not_matter(write: Any) -> None:
    tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
    assert encoded(write(tenant)) == encoded(tenant)
