"""Under which service URL each channel was last heard from."""

from __future__ import annotations

from fakes.manual_clock import ManualClock
from fakes.memory_store import MemoryStore

from bot.service.desk import ChannelRegister

CHANNEL = "19:abc@thread.tacv2"
URL = "https://smba.example/emea/"


async def test_a_channel_nobody_was_heard_from_has_no_service_url() -> None:
    assert await ChannelRegister(MemoryStore(ManualClock())).service_url(CHANNEL) is None


async def test_the_last_service_url_is_remembered_across_restarts() -> None:
    store = MemoryStore(ManualClock())
    first = ChannelRegister(store)
    await first.heard_from(CHANNEL, "https://smba.example/amer/")
    await first.heard_from(CHANNEL, URL)
    await first.heard_from(CHANNEL, URL)
    assert await first.service_url(CHANNEL) == URL
    assert await ChannelRegister(store).service_url(CHANNEL) == URL
