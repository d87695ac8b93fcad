"""Every request gets an id of ours; none gets in when the bot is stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from fakes.meters import RecordingMeters
from fakes.spans import kept

from bot.telemetry import metrics
from bot.telemetry.context import signal
from bot.telemetry.instruments import measured_by
from bot.web.arrivals import HEADER, SIGNALS, Doors, arrivals


async def tell(_request: web.Request) -> web.Response:
    return web.json_response({**structlog.contextvars.get_contextvars(), "signal": signal()})


async def fail(_request: web.Request) -> web.Response:
    raise RuntimeError("what somebody wrote")


@asynccontextmanager
async def client(doors: Doors | None = None) -> AsyncIterator[TestClient]:
    app = web.Application(middlewares=[arrivals(doors or Doors())])
    app.add_routes([web.post(path, tell) for path in SIGNALS])
    app.add_routes([web.get("/healthz", tell), web.get("/fail", fail)])
    async with TestClient(TestServer(app)) as one:
        yield one


@pytest.mark.parametrize(("path", "meant"), [pytest.param(*one, id=one[0]) for one in SIGNALS.items()])
async def test_lines_carry_the_id_that_is_answered_and_the_signal_is_known(path: str, meant: str):
    async with client() as http, http.post(path) as answer:
        said = await answer.json()
        assert said == {"request_id": answer.headers[HEADER], "signal": meant}


async def test_ids_differ_and_one_that_is_sent_is_ignored():
    async with client() as http:
        given = {HEADER: "somebody-elses", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
        exporter = kept()
        first = (await http.post("/api/messages", headers=given)).headers[HEADER]
        second = (await http.post("/api/messages", headers=given)).headers[HEADER]
    assert len({first, second, "somebody-elses"}) == 3
    assert [one.parent for one in exporter.get_finished_spans()] == [None, None]


async def test_refusals_and_failures_have_ids_and_figures_too():
    meters = RecordingMeters()
    with measured_by(meters):
        async with client() as http:
            missing = await http.get("/nowhere/at-all")
            wrong = await http.get("/api/messages")
            await http.get("/fail")
    assert (missing.status, wrong.status) == (404, 405)
    assert missing.headers[HEADER]
    assert len(meters.values(metrics.HTTP_SECONDS, endpoint="other", status="404")) == 1
    assert len(meters.values(metrics.HTTP_SECONDS, endpoint="/fail", status="500")) == 1


async def test_probes_leave_no_spans():
    exporter = kept()
    async with client() as http:
        await http.get("/healthz")
        await http.post("/api/messages")
    assert [one.name for one in exporter.get_finished_spans()] == ["POST /api/messages"]


async def test_when_stopping_everybody_is_asked_to_come_back_elsewhere():
    doors = Doors()
    async with client(doors) as http:
        doors.close()
        answer = await http.post("/api/messages")
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert answer.headers["Connection"] == "close"


async def test_stopping_waits_for_what_is_being_answered():
    doors, begun, go_on = Doors(), asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        begun.set()
        await go_on.wait()
        return web.Response(text="done")

    app = web.Application(middlewares=[arrivals(doors)])
    app.add_routes([web.get("/slow", slow)])
    async with TestClient(TestServer(app)) as http:
        answering = asyncio.create_task(http.get("/slow"))
        await begun.wait()
        doors.close()
        await doors.left(0.01)
        leaving = asyncio.create_task(doors.left(10))
        await asyncio.sleep(0)
        assert not leaving.done()
        go_on.set()
        await leaving
        assert await (await answering).text() == "done"


async def test_stopping_does_not_wait_when_nobody_is_inside():
    async with client(doors := Doors()) as http:
        await http.get("/fail")
        async with asyncio.timeout(5):
            await doors.left(10)
