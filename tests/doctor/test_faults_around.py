"""What can be wrong around the bot: its public URL, Teams, its settings."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
from aiohttp import web
from doctor.clinic import Clinic, a_database

from bot import tracing
from bot.clock import SystemClock
from bot.demo.processes import _free_port
from bot.doctor.checks import configuration
from bot.doctor.findings import Severity
from bot.settings import Settings
from bot.store import open_store

pytestmark = pytest.mark.asyncio(loop_scope="package")

# The public URL ----------------------------------------------------------------------------


@asynccontextmanager
async def served(handler: Any, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port := _free_port(), ssl_context=tls).start()
    try:
        yield f"{'https://localhost' if tls else 'http://127.0.0.1'}:{port}"
    finally:
        await runner.cleanup()


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def test_a_public_url_that_nobody_serves(clinic: Clinic):
    await clinic.examine(public_url=f"http://127.0.0.1:{_free_port()}")
    assert clinic.codes() == {"public-url.connection"}
    assert clinic.findings("subscriptions.skipped")


async def test_a_public_url_whose_name_does_not_resolve(clinic: Clinic):
    await clinic.examine(public_url="https://second-key.invalid")
    assert clinic.codes() == {"public-url.name"}


async def test_a_public_url_whose_certificate_nobody_trusts(clinic: Clinic):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(tls)
    async with served(hello, tls) as url:
        await clinic.examine(public_url=url)
    assert clinic.codes() == {"public-url.tls"}
    assert "not trusted" in clinic.findings("public-url.tls")[0].says


async def test_a_public_url_where_something_else_answers_and_takes_anything(clinic: Clinic):
    async with served(hello) as url:
        await clinic.examine(public_url=url)
    assert clinic.codes() == {
        "public-url.not-the-bot",
        "public-url.accepts-unsigned",
        "public-url.no-handshake",
        "public-url.no-sign-in",
    }


async def test_a_public_url_behind_something_that_blocks(clinic: Clinic):
    async def blocked(request: web.Request) -> web.Response:
        if request.path == "/healthz":
            return web.json_response({"status": "alive"})
        return web.Response(status=403)

    async with served(blocked) as url:
        await clinic.examine(public_url=url)
    assert clinic.codes() == {"public-url.messages", "public-url.no-handshake", "public-url.no-sign-in"}


# Teams -------------------------------------------------------------------------------------


async def test_a_channel_id_that_is_wrong(clinic: Clinic):
    await clinic.examine(approver_channel="19:nowhere@thread.tacv2")
    assert clinic.codes() == {"channels.unknown"}
    assert "approvals" in clinic.findings("channels.unknown")[0].says


async def test_a_bot_that_is_not_installed_in_one_of_the_teams(clinic: Clinic):
    clinic.teams.uninstalled.add(str(clinic.env["ops_channel"]))
    await clinic.examine()
    assert clinic.codes() == {"channels.not-installed"}
    assert "ops" in clinic.findings("channels.not-installed")[0].says
    assert len(clinic.findings("channels.reachable")) == 1


async def test_a_channel_that_only_one_role_is_routed_to(clinic: Clinic):
    await clinic.examine(roles={"Exchange Administrator": {"approver_channel": "19:gone@thread.tacv2"}})
    assert "Exchange Administrator" in clinic.findings("channels.unknown")[0].says


async def test_a_channel_is_looked_for_where_it_was_last_heard_from(clinic: Clinic):
    url = await a_database(clinic, "heard")
    store = await open_store(url, SystemClock())
    async with store.transaction() as tx:
        elsewhere = f"https://localhost:{_free_port()}/emea/"
        await tx.save_service_url(clinic.env["ops_channel"], elsewhere)
    await store.close()
    await clinic.examine(database_url=url)
    assert clinic.codes() == {"channels.unreachable"}
    assert "ops" in clinic.findings("channels.unreachable")[0].says


async def test_looking_at_channels_leaves_no_message_behind(clinic: Clinic):
    before = len(clinic.teams.messages)
    await clinic.examine()
    assert len(clinic.teams.messages) == before


async def test_teams_that_gives_no_answer(clinic: Clinic):
    clinic.fault("connector", "conversations", status=500)
    await clinic.examine()
    assert clinic.codes() == {"channels.unreachable"}


async def test_an_oauth_connection_of_another_name(clinic: Clinic):
    await clinic.examine(oauth_connection="grpah")
    assert clinic.codes() == {"oauth.no-connection"}
    assert "it has graph" in clinic.findings("oauth.no-connection")[0].says


async def test_a_token_service_that_fails(clinic: Clinic):
    clinic.fault("token", "", status=503)
    await clinic.examine()
    assert clinic.codes() == {"oauth.unreachable"}


async def test_signing_keys_that_can_not_be_fetched(clinic: Clinic):
    clinic.fault("connector", "openid", status=503)
    await clinic.examine()
    assert clinic.codes() == {"channel-keys.unreachable"}


# Settings ----------------------------------------------------------------------------------


async def test_approvers_and_ops_in_one_channel(clinic: Clinic):
    await clinic.examine(ops_channel=clinic.env["approver_channel"])
    assert clinic.codes() == {"settings.one-channel"}


async def test_traces_that_there_is_no_exporter_for(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tracing, "is_installed", lambda _: False)
    await clinic.examine(traces="otlp")
    assert clinic.codes() == {"settings.no-exporter"}


async def test_a_clock_that_is_somebody_elses(clinic: Clinic):
    settings = Settings(**{**clinic.env, "dangerously_clock_url": "https://clock.example"})
    found = {one.code: one.severity for one in configuration.judge(settings)}
    assert found["settings.dangerous-clock"] is Severity.ERROR


async def test_a_clock_that_can_not_be_followed_stops_no_check(clinic: Clinic):
    await clinic.examine(dangerously_clock_url=f"http://127.0.0.1:{_free_port()}")
    assert clinic.codes() == set()
