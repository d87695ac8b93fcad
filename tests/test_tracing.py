"""Traces: from a signal to the card, from a click to the PATCH, and nothing private in them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from fakes.spans import kept, trace_of
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot import tracing
from bot.bootstrap import open_house
from bot.demo.processes import _free_port
from bot.demo.remote import Remote
from bot.sandbox.server import running
from bot.settings import Settings

JUSTIFICATION = "words-only-riley-would-write"
REASON = "words-only-alex-would-write"
POST = "teams POST /v3/conversations"
EDIT = "teams PUT /v3/conversations/{id}/activities/{id}"
OTLP = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return kept()


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [one for one in exporter.get_finished_spans() if one.name == name]


async def until(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    async with asyncio.timeout(20):
        while not (found := named(exporter, name)):  # noqa: ASYNC110 (the exporter has no event)
            await asyncio.sleep(0.02)
    return found[-1]


async def activate_and_approve(remote: Remote, bot: str) -> None:
    await remote.post("teams/connect", {"messaging_endpoint": f"{bot}/api/messages"})
    await remote.post("teams/install")
    wish = {"user": "riley", "role": "Security Administrator", "duration": "PT1H"}
    since = await remote.position()
    await remote.post("portal/activate", {**wish, "justification": JUSTIFICATION})
    posted = await remote.until("the card", lambda line: line["event"] == "card_posted", since)
    click = {"user": "alex", "activity_id": posted["activity_id"], "verb": "approve"}
    await remote.post("teams/click", {**click, "inputs": {"reason": REASON}})


async def test_a_signals_trace_reaches_the_card_and_a_clicks_the_patch(
    tmp_path: Path, exporter: InMemorySpanExporter
):
    port = _free_port()
    async with running(tmp_path) as sandbox:
        env = {
            **sandbox.env,
            "SECONDKEY_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "SECONDKEY_DATABASE_URL": "sqlite+aiosqlite://",
            "SECONDKEY_POLL_SECONDS": "3600",
        }
        settings = Settings(**{key.removeprefix("SECONDKEY_").lower(): value for key, value in env.items()})
        async with open_house(settings) as house, aiohttp.ClientSession() as session:
            server = web.AppRunner(house.app, access_log=None)
            await server.setup()
            await web.TCPSite(server, "127.0.0.1", port).start()
            async with house.working():
                await until(exporter, "graph POST /subscriptions")
                await activate_and_approve(Remote(session, sandbox.http), settings.public_url)
                edited = await until(exporter, EDIT)
            await server.cleanup()

    (posted,) = [one for one in named(exporter, POST) if "effect card.sync" in names_in(exporter, one)]
    assert {"POST /api/notifications", "effect reconcile"} <= names_in(exporter, posted)
    (patched,) = [one for one in exporter.get_finished_spans() if one.name.startswith("graph PATCH")]
    assert patched.name.endswith("/roleAssignmentApprovals/{id}/steps/{id}")
    assert trace_of(patched) == trace_of(edited)
    assert {"POST /api/messages", "entra on-behalf-of", "effect card.sync"} <= names_in(exporter, patched)
    told = "".join(one.to_json() for one in exporter.get_finished_spans())
    for private in ("eyJ", JUSTIFICATION, REASON, env["SECONDKEY_CLIENT_SECRET"], "Riley", "riley"):
        assert private not in told


def names_in(exporter: InMemorySpanExporter, span: ReadableSpan) -> set[str]:
    return {one.name for one in exporter.get_finished_spans() if trace_of(one) == trace_of(span)}


def test_spans_of_libraries_are_not_exported():
    exporter = kept()
    with trace.get_tracer("com.microsoft.kiota").start_as_current_span("GET https://graph/users/somebody"):
        pass
    assert exporter.get_finished_spans() == ()


def test_an_exporter_that_is_not_installed_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, OTLP, None)
    wanted = r"pip install 'second-key\[otlp\]'"
    with pytest.raises(tracing.TracingError, match=wanted), tracing.exporting("otlp"):
        pass


def test_without_traces_nothing_is_set_up():
    with tracing.exporting("off"):
        pass
