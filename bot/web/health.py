"""``GET /healthz`` (alive) and ``GET /readyz`` (able to work, check by check)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiohttp import web

_CHECK_SECONDS: Final = 5.0

Check = Callable[[], Awaitable[str | None]]
"""None when all is well, otherwise what is wrong, fit to be shown to strangers."""

log = structlog.get_logger(__name__)


def routes(checks: Mapping[str, Check], *, patience: float = _CHECK_SECONDS) -> list[web.RouteDef]:
    """Both endpoints. ``/readyz`` answers 503 while any check finds something wrong, fails, or takes
    longer than ``patience``.
    """

    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(_request: web.Request) -> web.Response:
        found = await asyncio.gather(*(_outcome(name, check, patience) for name, check in checks.items()))
        wrong = {name: what for name, what in zip(checks, found, strict=True) if what is not None}
        body = {
            "status": "not ready" if wrong else "ready",
            "checks": {n: wrong.get(n, "ok") for n in checks},
        }
        return web.json_response(body, status=503 if wrong else 200)

    return [web.get("/healthz", alive), web.get("/readyz", ready)]


async def _outcome(name: str, check: Check, patience: float) -> str | None:
    try:
        async with asyncio.timeout(patience):
            return await check()
    except TimeoutError:
        return "no answer"
    except Exception as error:  # noqa: BLE001 - whatever it is, the others have to be told all the same
        # Strangers learn that it failed; how it did is for the log.
        log.warning("not_ready", check=name, error=type(error).__name__, why=str(error))
        return "failed"
