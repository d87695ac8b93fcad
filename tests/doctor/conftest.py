from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from doctor.clinic import Clinic, open_clinic


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clinic]:
    async with open_clinic(tmp_path_factory.mktemp("clinic")) as clinic:
        yield clinic


@pytest.fixture
def clinic(opened: Clinic) -> Iterator[Clinic]:
    """Mended after each test."""
    with opened.mended_afterwards():
        yield opened
