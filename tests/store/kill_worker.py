"""A process to be killed: takes requests, carries out their effects, and says what it promised.

Each request is posted, then timed, then over. ``accepted <id>`` is printed once a request is
committed; each act is a line in the file given, written before the store hears of it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from store.store_samples import a_request

from bot.domain.model import PostedCard, State
from bot.ports import CardRow, Effect, LeasedEffect
from bot.service.runner import EffectRunner
from bot.store import SqlStore, open_store


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is a clock

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Worker:
    def __init__(self, store: SqlStore, acts: Path, name: str) -> None:
        self.store = store
        self.clock = SystemClock()
        self.acts = os.open(acts, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        handlers = {"post": self.post, "timer": self.timer}
        self.runner = EffectRunner(store, self.clock, handlers, name, lease_seconds=1, idle_seconds=0.05)

    async def take(self, request_id: str) -> None:
        async with self.store.transaction() as tx:
            await tx.add_request(a_request(request_id))
            await tx.enqueue(Effect(f"post:{request_id}", "post", self.clock.now(), {"id": request_id}))
        self.runner.poke()
        say(f"accepted {request_id}")

    async def post(self, effect: LeasedEffect) -> None:
        request_id = self._act(effect)
        later = self.clock.now() + timedelta(milliseconds=20)
        async with self.store.transaction() as tx:
            await tx.save_card(request_id, CardRow(PostedCard("19:a", "1", "https://smba.example/"), 1))
            await tx.enqueue(Effect(f"timer:{request_id}", "timer", later, {"id": request_id}))
            await self._finish(tx.finish(effect))

    async def timer(self, effect: LeasedEffect) -> None:
        request_id = self._act(effect)
        async with self.store.transaction() as tx:
            request = await tx.request(request_id)
            assert request
            await tx.save_request(replace(request, version=request.version + 1, state=State.APPROVED))
            await self._finish(tx.finish(effect))

    async def _finish(self, finished: object) -> None:
        if not await finished:  # type: ignore[misc]
            raise RuntimeError("lease lost")

    def _act(self, effect: LeasedEffect) -> str:
        os.write(self.acts, f"{effect.key}\n".encode())
        return str(effect.payload["id"])


async def main(url: str, acts: str, name: str, count: int) -> None:
    store = await open_store(url, SystemClock())
    worker = Worker(store, Path(acts), name)
    running = asyncio.create_task(worker.runner.run())
    for number in range(count):
        await worker.take(f"{name}-{number}")
        await asyncio.sleep(0.001)
    while await store.next_due(["post", "timer"]) is not None:  # noqa: ASYNC110 - no event crosses processes
        await asyncio.sleep(0.02)
    await worker.runner.stop(5)
    await running
    await store.close()
    say("finished")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
