"""``secondkey serve``: the house on a port, until told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from contextlib import AsyncExitStack
from typing import Final

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


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish or release what is held, and be gone within ten seconds.
    Raises ``SecondKeyError`` when something can't be opened, ``OSError`` when a port is taken.
    """
    # Kept beyond the loop's end, which waits for threads: a host name that is being looked up has one.
    asyncio.run(_serve(settings, _Watchdog()))


async def _serve(settings: Settings, watchdog: _Watchdog) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        watchdog.wind()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    with speaking(settings.language), exporting(settings.traces):
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
                await site.stop()
    log.info("stopped")
    watchdog.all_is_over()


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
        self._timer = threading.Timer(_LAST_SECONDS, self._bite)
        self._timer.daemon = True
        self._over = False

    def wind(self) -> None:
        """From now on the time runs. Again: nothing."""
        if not self._timer.is_alive():
            self._timer.start()

    def all_is_over(self) -> None:
        """Whoever still hangs then holds nothing."""
        self._over = True

    def _bite(self) -> None:
        if not self._over:
            log.error("stopped_hard", after_seconds=_LAST_SECONDS)
        os._exit(0 if self._over else 1)
