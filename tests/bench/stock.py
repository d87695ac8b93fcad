"""The rival: a bot as botbuilder's own samples write it, on the stock ``CloudAdapter``.

A process of its own. Reads one line of JSON (``config``: the SDK's settings, ``card``: what to reply),
answers with one (``port``), and serves until it is terminated.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from botbuilder.core import ActivityHandler, CardFactory, MessageFactory, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication


class Replies(ActivityHandler):
    def __init__(self, card: dict[str, Any]) -> None:
        self._card = card

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        await turn_context.send_activity(MessageFactory.attachment(CardFactory.adaptive_card(self._card)))


def app(config: dict[str, Any], card: dict[str, Any]) -> web.Application:
    adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(SimpleNamespace(**config)))
    bot = Replies(card)

    async def messages(request: web.Request) -> web.StreamResponse:
        answer: web.StreamResponse = await adapter.process(request, bot)
        return answer

    made = web.Application()
    made.add_routes([web.post("/api/messages", messages)])
    return made


async def serve() -> None:
    told = json.loads(sys.stdin.readline())
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    runner = web.AppRunner(app(told["config"], told["card"]), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(json.dumps({"port": runner.addresses[0][1]}) + "\n")
    sys.stdout.flush()
    await stopping.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
