"""Asking: what comes back is all that was sent."""

from __future__ import annotations

import aiohttp
from aiohttp import test_utils, web

from bot.doctor import probing
from bot.doctor.probing import Answer, ask


async def _answered(pieces: int) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(pieces):
            await response.write(b"x" * 1024)
        return response

    app = web.Application()
    app.router.add_get("/", answer)
    async with test_utils.TestServer(app) as server, aiohttp.ClientSession() as session:
        return await ask(session, str(server.make_url("/")))


async def test_an_answer_that_comes_in_many_pieces_is_read_to_its_end():
    assert len((await _answered(1000)).text) == 1000 * 1024


async def test_an_answer_without_end_is_read_so_far(monkeypatch):
    monkeypatch.setattr(probing, "_MOST", 100_000)
    assert len((await _answered(1000)).text) == 100_000
