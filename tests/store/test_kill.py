"""kill -9 at any point loses nothing, leaves nothing stuck, and repeats only what was in flight."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest
from fakes.manual_clock import ManualClock

from bot.domain.model import State
from bot.store import open_store

_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])}
_CONCURRENCY = 8


class Victim:
    """A worker process; ``accepted`` is what it promised so far."""

    def __init__(self, url: str, acts: Path, name: str, count: int) -> None:
        command = [sys.executable, "-m", "store.kill_worker", url, str(acts), name, str(count)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_ENVIRONMENT)
        self.accepted: list[str] = []
        self.finished = False
        self._ended = False
        self._line = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._line:
                if line.startswith("accepted "):
                    self.accepted.append(line.split()[1])
                self.finished |= line == "finished\n"
                self._line.notify_all()
        with self._line:
            self._ended = True
            self._line.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.end()

    def kill_after(self, accepted: int, seconds: float) -> None:
        """Kill -9 so many seconds after so many requests were accepted."""
        with self._line:
            self._line.wait_for(lambda: self._ended or len(self.accepted) >= accepted, timeout=30)
            assert len(self.accepted) >= accepted
        threading.Event().wait(seconds)  # not an order of events, but a random place to die at
        self.process.kill()
        self.end()
        assert self.process.returncode == -signal.SIGKILL

    def end(self) -> None:
        self.process.wait(timeout=60)
        self._reader.join(timeout=10)
        assert self.process.stdout
        self.process.stdout.close()


async def check(url: str, acts: Path, accepted: list[str], kills: int) -> None:
    """Everything promised is over, in order, and no more is doubled than could be in flight."""
    done = acts.read_text().split()  # noqa: ASYNC240 - after the workers have ended
    store = await open_store(url, ManualClock())
    async with store.transaction() as tx:
        for request_id in accepted:
            request = await tx.request(request_id)
            assert request is not None
            assert request.state is State.APPROVED
            assert await tx.card(request_id) is not None
            assert done.index(f"post:{request_id}") < done.index(f"timer:{request_id}")
        assert await tx.open_requests() == ()
    assert await store.next_due(["post", "timer"]) is None
    await store.close()
    assert sum(Counter(done).values()) - len(set(done)) <= kills * _CONCURRENCY


@pytest.mark.long
async def test_one_process_on_sqlite_survives_kill_9(tmp_path: Path, sqlite_url: str) -> None:
    acts = tmp_path / "acts"
    accepted: list[str] = []
    fates = [(1, 0.0), (1, 0.004), (5, 0.0), (20, 0.011), (40, 0.03), (60, 0.0)]
    for number, (after, seconds) in enumerate(fates):
        with Victim(sqlite_url, acts, f"run{number}", 10_000) as victim:
            victim.kill_after(after, seconds)
        accepted += victim.accepted
    with Victim(sqlite_url, acts, "last", 5) as last:
        last.end()
    assert last.finished
    await check(sqlite_url, acts, accepted + last.accepted, len(fates))


@pytest.mark.long
async def test_a_replica_on_postgresql_takes_over_from_one_that_is_killed(
    tmp_path: Path, pg_url: str
) -> None:
    acts = tmp_path / "acts"
    with ExitStack() as stack:
        survivor = stack.enter_context(Victim(pg_url, acts, "survivor", 300))
        killed = [stack.enter_context(Victim(pg_url, acts, f"killed{n}", 10_000)) for n in range(2)]
        for number, victim in enumerate(killed):
            victim.kill_after(10 + 20 * number, 0.005)
        survivor.end()
    assert survivor.finished
    accepted = survivor.accepted + [request_id for victim in killed for request_id in victim.accepted]
    await check(pg_url, acts, accepted, len(killed))
