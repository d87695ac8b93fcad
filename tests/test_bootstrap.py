"""The whole house against the sandbox: opened, ready, told to stop; and what keeps it from opening."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot.bootstrap import open_house
from bot.demo.processes import _free_port
from bot.outside import database_login
from bot.sandbox.server import Sandbox, running
from bot.settings import load
from bot.store import StoreLockedError

PATIENCE = 30.0
ROOT = Path(__file__).parents[1]


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running(tmp_path / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def env(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of a bot for this sandbox, also set for this process."""
    port = _free_port()
    env = {
        **sandbox.env,
        "SECONDKEY_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SECONDKEY_PORT": str(port),
        "SECONDKEY_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/secondkey.db",
        "SECONDKEY_POLL_SECONDS": "1",
    }
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SECONDKEY_")]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


def tasks() -> set[asyncio.Task[object]]:
    """All but those that serve connections: the sandbox, which lives in this process too, has some."""
    return {one for one in asyncio.all_tasks() if "RequestHandler" not in repr(one.get_coro())}


async def until_ready(url: str) -> dict[str, str]:
    """Raises ``TimeoutError`` when it does not come to be."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
        while True:
            try:
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        checks: dict[str, str] = (await answer.json())["checks"]
                        return checks
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)


async def start(env: dict[str, str], before: str = "") -> asyncio.subprocess.Process:
    """``before``: a program of its own, that ends in what ``secondkey serve`` does."""
    program = ("-c", f"{before}\nfrom bot.cli import serve\nserve()") if before else ("-m", "bot", "serve")
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error::ResourceWarning", *program),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process, within: float) -> tuple[int | None, str]:
    try:
        async with asyncio.timeout(within):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


async def test_the_house_gets_ready_and_leaves_nothing_behind(env: dict[str, str]):
    before = tasks()
    url = env["SECONDKEY_PUBLIC_URL"]
    with capture_logs() as logs:
        async with open_house(load()) as house:
            server = web.AppRunner(house.app, access_log=None)
            await server.setup()
            await web.TCPSite(server, "127.0.0.1", int(env["SECONDKEY_PORT"])).start()
            async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as answer:
                assert answer.status == 503
                assert (await answer.json())["checks"]["reconciliation"] == "Graph was not read lately"
            async with house.working():
                checks = await until_ready(url)
            await server.cleanup()
    assert checks == dict.fromkeys(("store", "tokens", "reconciliation", "effects"), "ok")
    assert tasks() <= before
    warned = [line for line in logs if line["event"] == "dangerously_following_another_clock"]
    assert [(line["log_level"], line["url"]) for line in warned] == [
        ("warning", env["SECONDKEY_DANGEROUSLY_CLOCK_URL"])
    ]
    async with open_house(load()):
        pass


@pytest.mark.usefixtures("env")
async def test_its_metrics_say_what_runs_on_which_kind_of_store(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECONDKEY_METRICS_PORT", str(_free_port()))
    async with open_house(load()) as house:
        assert house.metrics is not None
        async with TestClient(TestServer(house.metrics)) as client:
            page = await (await client.get("/metrics")).text()
    (info,) = (line for line in page.splitlines() if line.startswith("secondkey_info{"))
    assert f'version="{version("second-key")}"' in info
    assert 'store="sqlite"' in info


@pytest.mark.usefixtures("env")
async def test_a_house_that_can_not_open_its_store_closes_what_it_opened():
    before = tasks()
    async with open_house(load()):
        held = tasks()
        with pytest.raises(StoreLockedError):
            await open_house(load()).__aenter__()
        assert tasks() <= held
    assert tasks() <= before


async def test_told_to_stop_it_ends_well_within_ten_seconds_and_a_second_one_is_refused(env: dict[str, str]):
    process = await start(env)
    try:
        await until_ready(env["SECONDKEY_PUBLIC_URL"])
        code, said = await ended(await start({**env, "SECONDKEY_PORT": "0"}), PATIENCE)
        assert code == 1
        assert f"held by process {process.pid}" in said
        assert "SECONDKEY_DATABASE_URL" in said
        assert "Traceback" not in said
    finally:
        process.send_signal(signal.SIGTERM)
        code, said = await ended(process, 10)
    assert code == 0, said
    assert "Traceback" not in said
    assert "ResourceWarning" not in said
    assert env["SECONDKEY_CLIENT_SECRET"] not in said


SLOW_EXPORTER = """
import time
from bot import tracing
class Slow:
    def export(self, spans): time.sleep(60)
    def shutdown(self): time.sleep(60)
    def force_flush(self, timeout): time.sleep(60)
tracing._exporter = lambda to: Slow()
"""
LOOKING_A_NAME_UP = """
import asyncio, time
from bot import serving
listen = serving._listen
async def listen_and_hang(*given):
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
    return await listen(*given)
serving._listen = listen_and_hang
"""


async def test_an_exporter_that_takes_no_traces_holds_nobody_up(env: dict[str, str]):
    process = await start({**env, "SECONDKEY_TRACES": "otlp"}, SLOW_EXPORTER)
    await until_ready(env["SECONDKEY_PUBLIC_URL"])
    process.send_signal(signal.SIGTERM)
    code, said = await ended(process, 6)
    assert code == 0, said
    assert "last_traces_not_sent" in said


@pytest.mark.long
async def test_a_thread_that_hangs_holds_nobody_up_for_more_than_ten_seconds(env: dict[str, str]):
    process = await start(env, LOOKING_A_NAME_UP)
    await until_ready(env["SECONDKEY_PUBLIC_URL"])
    process.send_signal(signal.SIGTERM)
    code, said = await ended(process, 10)
    assert code == 0, said
    assert "stopped_hard" not in said, "everything else was over"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SECONDKEY_DATABASE_URL", "no url at all"),
        ("SECONDKEY_DATABASE_URL", "mysql://db/bot"),
        ("SECONDKEY_DATABASE_URL", "sqlite:///file:bot.db"),
    ],
)
async def test_a_setting_that_shows_late_to_be_wrong_is_named_and_exits_2(
    env: dict[str, str], setting: str, value: str
):
    code, said = await ended(await start({**env, setting: value}), PATIENCE)
    assert code == 2
    assert f"  {setting}: " in said
    assert "Traceback" not in said


async def test_a_port_that_is_taken_is_said_and_exits_1(env: dict[str, str], sandbox: Sandbox):
    taken = sandbox.http.rpartition(":")[2]
    code, said = await ended(await start({**env, "SECONDKEY_PORT": taken}), PATIENCE)
    assert code == 1
    assert "could not start" in said
    assert taken in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("env")
async def test_a_database_identity_logs_in_with_its_tokens_over_verified_tls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identity = "33333333-3333-4333-8333-333333333333"
    monkeypatch.setenv("SECONDKEY_DATABASE_URL", "postgresql+asyncpg://bot@127.0.0.1:1/bot")
    monkeypatch.setenv("SECONDKEY_DATABASE_IDENTITY", identity)
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    async with database_login(load()) as login:
        assert login is not None
        assert (login.tls.verify_mode, login.tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    monkeypatch.delenv("SECONDKEY_DATABASE_IDENTITY")
    async with database_login(load()) as login:
        assert login is None
