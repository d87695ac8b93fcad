"""The two processes of the demo: the sandbox and the bot."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from bot.domain.errors import SecondKeyError

_START_SECONDS: Final = 60.0
_PORTS: Final = range(15_000, 32_000)
_PORT_TRIES: Final = 100
_STOP_SECONDS: Final = 15.0


class DemoError(SecondKeyError):
    """The demo can't go on."""


@dataclass(slots=True)
class Bot:
    """The bot's process, which can be killed and started again on the same database."""

    env: Mapping[str, str]
    log: Path
    """In a directory of its own, where the bot also runs: a ``secondkey.toml`` counts there only."""
    url: str
    command: Sequence[str] = (sys.executable, "-m", "bot", "serve")
    process: asyncio.subprocess.Process | None = field(default=None)

    async def start(self, session: aiohttp.ClientSession) -> float:
        """Start it and wait until it is ready; returns the seconds that took. Raises
        ``DemoError`` with the end of its log.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, env=dict(self.env), stderr=log, start_new_session=True, cwd=self.log.parent
            )
        while not await _is_ready(session, self.url):
            if self.process.returncode is not None or clock() - began > _START_SECONDS:
                raise DemoError(f"the bot did not become ready:\n{_tail(self.log)}")
            await asyncio.sleep(0.05)
        return clock() - began

    async def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def stop(self) -> None:
        await _stop(self.process)

    @property
    def settings_file(self) -> Path:
        """The bot's settings, for a shell."""
        return self.log.with_name("bot.env")


@dataclass(frozen=True, slots=True)
class Stage:
    """Both, running."""

    sandbox: Mapping[str, Any]
    """What the sandbox said when it was ready: addresses, users, channels, roles, ``env``."""
    bot: Bot
    session: aiohttp.ClientSession
    directory: Path


@asynccontextmanager
async def stage(
    directory: Path,
    settings: Mapping[str, str] | None = None,
    toml: str = "",
    *,
    profile: str = "story",
) -> AsyncIterator[Stage]:
    """Start the sandbox and prepare the bot (not started yet); stop both when the block ends.
    ``settings`` are added to the bot's, ``toml`` is its ``secondkey.toml``, ``profile`` names the
    tenant. Raises ``DemoError``.
    """
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        sandbox = await _start_sandbox(directory, profile, stack)
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SECONDKEY_")},
            "PYTHONPATH": _python_path(),
            **sandbox["env"],
            "SECONDKEY_PUBLIC_URL": url,
            "SECONDKEY_PORT": str(port),
            "SECONDKEY_DATABASE_URL": f"sqlite+aiosqlite:///{directory / 'secondkey.db'}",
            **(settings or {}),
        }
        (directory / "secondkey.toml").write_text(toml, encoding="utf-8")
        bot = Bot(env, directory / "bot.log", url)
        _write_settings(bot)
        stack.push_async_callback(bot.stop)
        yield Stage(sandbox, bot, session, directory)


def _python_path() -> str:
    """Where this process found ``bot``, first: the bot runs in another directory."""
    here = str(Path(__file__).parents[2])
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))


def _write_settings(bot: Bot) -> None:
    """A sandbox's secret opens nothing else; even so, only for whoever started it."""
    lines = [f"{k}={shlex.quote(v)}\n" for k, v in bot.env.items() if k.startswith("SECONDKEY_")]
    bot.settings_file.touch(mode=0o600)
    bot.settings_file.write_text("".join(lines), encoding="utf-8")


async def _start_sandbox(directory: Path, profile: str, stack: AsyncExitStack) -> dict[str, Any]:
    log = directory / "sandbox.log"
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot.sandbox", "--dir", str(directory), "--profile", profile),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            limit=1 << 20,
        )
    stack.push_async_callback(_stop, process)
    assert process.stdout is not None  # noqa: S101 (it was asked for)
    try:
        async with asyncio.timeout(_START_SECONDS):
            line = await process.stdout.readline()
        ready: dict[str, Any] = json.loads(line)
    except (TimeoutError, ValueError) as error:
        raise DemoError(f"the sandbox did not start:\n{_tail(log)}") from error
    return ready


async def _stop(process: asyncio.subprocess.Process | None) -> None:
    if process is None or process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz") as answer:
            return answer.status == 200  # noqa: PLR2004 (OK)
    except aiohttp.ClientError:
        return False


def _free_port() -> int:
    """A port that is free now; the bot has to know its public URL before it listens. Not one of those
    that systems give to outgoing connections: by the time the bot listens, one might have it.
    """
    for _ in range(_PORT_TRIES):
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise DemoError(f"no port is free between {_PORTS.start} and {_PORTS.stop}")


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"
