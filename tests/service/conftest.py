"""The services over fakes, fresh for every test."""

from __future__ import annotations

import pytest
from fakes.house import FakeHouse


@pytest.fixture
def house() -> FakeHouse:
    return FakeHouse()
