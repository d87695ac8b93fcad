"""Graph's JSON batching: up to twenty requests in one, each with a status of its own.

Source: Graph docs, "Combine multiple HTTP requests using JSON batching". Each request goes through the
sandbox's own front door, so that permissions, faults and the log are the same as outside a batch.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp import web

from bot.sandbox.graph_http import GraphError, Json, body_of, caller
from bot.sandbox.world import World

BATCHED = "X-Sandbox-Batched"
"""Marks a request as part of a batch, for the log."""
_MOST = 20
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})


def routes(world: World) -> list[web.RouteDef]:
    async def batch(request: web.Request) -> web.StreamResponse:
        caller(world, request)
        asked = _checked((await body_of(request)).get("requests"))
        answers = await _all(world, request, asked)
        # Graph answers in any order.
        return web.json_response({"responses": list(reversed(answers))})

    return [web.post("/{version:v1.0|beta}/$batch", batch)]


def _checked(asked: Any) -> list[Json]:
    """Raises ``GraphError`` 400: then nothing of the batch is done."""
    if not isinstance(asked, list) or not asked or not all(isinstance(one, dict) for one in asked):
        raise _bad("Invalid batch payload format.")
    if len(asked) > _MOST:
        raise _bad(f"Number of batch request steps exceeds the maximum value of {_MOST}.")
    ids = [one.get("id") for one in asked]
    if not all(isinstance(name, str) and name for name in ids) or len(set(ids)) < len(ids):
        raise _bad("Request Ids must be unique strings, and must not be empty.")
    for one in asked:
        if str(one.get("method", "")).upper() not in _METHODS or not isinstance(one.get("url"), str):
            raise _bad("Every request of a batch needs a method and a URL.")
        if "://" in one["url"].partition("?")[0]:
            raise _bad("The URLs of a batch are relative.")
    return asked


def _bad(text: str) -> GraphError:
    return GraphError(400, "BadRequest", text)


async def _all(world: World, request: web.Request, asked: list[Json]) -> list[Json]:
    """At once, or one after the other as soon as one depends on another."""
    if not any(one.get("dependsOn") for one in asked):
        return list(await asyncio.gather(*(_one(world, request, one) for one in asked)))
    answers: dict[str, Json] = {}
    for one in asked:
        needed = [answers.get(str(name), {}) for name in one.get("dependsOn") or ()]
        failed = any(answer.get("status", 424) >= 400 for answer in needed)
        answers[one["id"]] = _dependent(one["id"]) if failed else await _one(world, request, one)
    return list(answers.values())


def _dependent(name: str) -> Json:
    error = {"code": "FailedDependency", "message": "A request that this one depends on failed."}
    return {"id": name, "status": 424, "headers": {}, "body": {"error": error}}


async def _one(world: World, request: web.Request, one: Json) -> Json:
    if world.http is None:
        raise GraphError(503, "serviceNotAvailable", "The sandbox is not running.")
    url = f"{world.http_url}/{request.match_info['version']}/{one['url'].lstrip('/')}"
    own = {str(name): str(value) for name, value in (one.get("headers") or {}).items()}
    headers = {"Authorization": request.headers["Authorization"], **own, BATCHED: "1"}
    content = None if "body" not in one else json.dumps(one["body"])
    try:
        async with world.http.request(one["method"], url, headers=headers, data=content) as got:
            text = await got.text()
            kept = {
                name: got.headers[name] for name in ("Retry-After", "Content-Type") if name in got.headers
            }
    except aiohttp.ClientError:  # a fault that drops the connection
        error = {"code": "UnknownError", "message": ""}
        return {"id": one["id"], "status": 504, "headers": {}, "body": {"error": error}}
    answer: Json = {"id": one["id"], "status": got.status, "headers": kept}
    return answer | ({"body": json.loads(text)} if text else {})
