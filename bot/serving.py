"""``secondkey serve``: the house on a port, until told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import Final

import structlog
from aiohttp import web

from bot.bootstrap import open_house
from bot.settings import Settings

_SHUTDOWN_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish or release what is held, within ten seconds.
    Raises ``SecondKeyError`` when something can't be opened, ``OSError`` when the port is taken.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with open_house(settings) as house:
        server = web.AppRunner(house.app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await server.setup()
        try:
            site = web.TCPSite(server, settings.host, settings.port, reuse_address=True)
            await site.start()
            log.info("serving", url=site.name, public_url=settings.public_url, cloud=settings.cloud)
            # Only now: Graph calls back while a subscription is being created.
            async with house.working():
                # What is loaded by now stays; collecting over it again and again costs the slowest
                # answers tens of milliseconds.
                gc.collect()
                gc.freeze()
                await stopping.wait()
                log.info("stopping")
        finally:
            await server.cleanup()
    log.info("stopped")
