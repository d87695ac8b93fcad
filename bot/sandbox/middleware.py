"""Around every request to a service of the sandbox: the log, the faults, and Graph's error bodies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.sandbox import faults
from bot.sandbox.graph_batch import BATCHED
from bot.sandbox.graph_http import GraphError
from bot.sandbox.tokens import CLAIMS, NOTES
from bot.sandbox.world import Fault, World

_SERVICES = (
    ("/v1.0/", "graph"),
    ("/beta/", "graph"),
    ("/connector/", "connector"),
    ("/token/", "token"),
    ("/.well-known/", "connector"),
    ("/_identity/", "identity"),
)
_TOKEN_FIELDS = ("oid", "appid", "roles", "scp")


def service_of(path: str) -> str | None:
    """Which service a path on the HTTP port belongs to; None: the sandbox's own control."""
    return next((service for prefix, service in _SERVICES if path.startswith(prefix)), None)


def around(world: World, service: str | None = None) -> Middleware:
    """The middleware. ``service`` names the only one of an application, else the path tells."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = service or service_of(request.path)
        if name is None:
            return await _control(world, request, handler)
        started = time.perf_counter()
        fault = faults.take(world, name, f"{request.method} {request.path_qs}")
        response = await _meet(world, request, handler, fault)
        if not response.prepared:
            response.headers["Date"] = format_datetime(world.now(), usegmt=True)
        noted: dict[str, Any] = {"ms": round((time.perf_counter() - started) * 1000, 2)}
        if fault is not None:
            noted["fault"] = fault.id
        await _log(world, name, request, response, **noted)
        return response

    return middleware


async def _control(world: World, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refusals as Graph's error bodies; a missing or mistyped field is the script's mistake: 400."""
    try:
        return await handler(request)
    except GraphError as error:
        return error.response(world)
    except (KeyError, ValueError, TypeError) as error:
        return GraphError(400, "BadRequest", repr(error)).response(world)


async def _meet(
    world: World, request: web.Request, handler: Handler, fault: Fault | None
) -> web.StreamResponse:
    """The handler's answer, or what the fault makes of it."""
    if fault is None:
        return await _answer(world, request, handler)
    broken = fault.drop or fault.status is not None
    response: web.StreamResponse | None = None
    if fault.after or not broken:
        if not fault.after:
            await asyncio.sleep(fault.delay_seconds)
        response = await _answer(world, request, handler)
    if fault.after or broken:
        await asyncio.sleep(fault.delay_seconds)
    if response is not None and not broken:
        return response
    if fault.drop and request.transport is not None:
        request.transport.abort()
        return web.Response(status=499)
    return _broken(world, fault)


async def _answer(world: World, request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except GraphError as error:
        return error.response(world)
    except web.HTTPException as error:
        # Logged like any answer; raising it again would only leave the log without its line.
        return web.Response(
            status=error.status,
            text=error.text,
            content_type=error.content_type,
            headers=_kept(error.headers),
        )


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.lower().startswith("content-")}


def _broken(world: World, fault: Fault) -> web.Response:
    status = fault.status or 500
    codes = {429: "TooManyRequests", 503: "serviceNotAvailable", 504: "UnknownError"}
    code = fault.code if fault.code is not None else codes.get(status, "UnknownError")
    error = GraphError(status, code, fault.message or "The service failed on demand.")
    response = error.response(world)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


async def _log(
    world: World,
    service: str,
    request: web.Request,
    response: web.StreamResponse,
    **noted: Any,
) -> None:
    """One line per request, with who the verified token speaks for, and never the token."""
    claims: dict[str, Any] = request.get(CLAIMS) or {}
    fields: dict[str, Any] = dict(request.get(NOTES) or {})
    if BATCHED in request.headers:
        fields["batched"] = True
    if claims:
        fields["token"] = {name: claims[name] for name in _TOKEN_FIELDS if name in claims}
    await world.record(
        service,
        "http",
        method=request.method,
        path=request.path,
        status=response.status,
        **{**fields, **noted},
    )
