"""``secondkey serve``: the house on a port, until told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from contextlib import AsyncExitStack
from typing import Final, Self

import structlog
from aiohttp import web

from bot.bootstrap import open_house
from bot.settings import Settings
from bot.tracing import exporting
from cards.language import speaking

_SHUTDOWN_SECONDS: Final = 1.0
"""For answers that are still being written once effects and turns are over."""
_LAST_SECONDS: Final = 9.5
"""From the signal to the end, whatever hangs: orchestrators commonly kill after ten."""

log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish or release what is held, within ten seconds.
    Raises ``SecondKeyError`` when something can't be opened, ``OSError`` when a port is taken.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with speaking(settings.language), exporting(settings.traces), _Watchdog() as watchdog:
        async with open_house(settings) as house, AsyncExitStack() as ports:
            site = await _listen(house.app, settings.host, settings.port, ports)
            log.info("serving", url=site.name, public_url=settings.public_url, cloud=settings.cloud)
            if house.metrics is not None and settings.metrics_port is not None:
                page = await _listen(house.metrics, settings.metrics_host, settings.metrics_port, ports)
                log.info("metrics_served", url=page.name)
            # Only now: Graph calls back while a subscription is being created.
            async with house.working():
                # What is loaded by now stays; collecting over it again and again costs the slowest
                # answers tens of milliseconds.
                gc.collect()
                gc.freeze()
                await stopping.wait()
                log.info("stopping")
                watchdog.wind()
                await site.stop()
    log.info("stopped")


async def _listen(app: web.Application, host: str, port: int, stack: AsyncExitStack) -> web.TCPSite:
    server = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await server.setup()
    stack.push_async_callback(server.cleanup)
    site = web.TCPSite(server, host, port, reuse_address=True)
    await site.start()
    return site


class _Watchdog:
    """Ends the process when stopping takes too long. A thread, since the event loop may be what hangs;
    being killed is something that what is written down bears, and the orchestrator would do no less.
    """

    def __init__(self) -> None:
        self._timer = threading.Timer(_LAST_SECONDS, _give_up)
        self._timer.daemon = True

    def wind(self) -> None:
        self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _give_up() -> None:
    log.error("stopped_hard", after_seconds=_LAST_SECONDS)
    os._exit(1)
