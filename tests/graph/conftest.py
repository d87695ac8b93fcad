from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from graph.fake_cloud import FakeCloud, fake_cloud, opened

from bot.graph.adapters import GraphAdapters


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[FakeCloud]:
    async with fake_cloud(tmp_path) as started:
        yield started


@pytest.fixture
async def graph(cloud: FakeCloud) -> AsyncIterator[GraphAdapters]:
    async with opened(cloud) as adapters:
        yield adapters
