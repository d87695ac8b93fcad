"""What all of the sandbox's Graph endpoints share: errors, permissions, filters and paging."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.sandbox import tokens
from bot.sandbox.world import World

Json = dict[str, Any]
BY_ME = r"filterByCurrentUser\(on='principal'\)"
"""In a route: the caller's own entries only, for ``myself``."""
# Properties of users that only ``$select`` brings out.
ON_REQUEST = frozenset({"accountEnabled", "department", "userType"})
_CLAUSE = re.compile(r"\s*([\w/]+)\s+eq\s+(?:'((?:[^']|'')*)'|(true|false|[\w-]+))\s*", re.IGNORECASE)
_AND = re.compile(r"\band\b", re.IGNORECASE)


class GraphError(Exception):
    """What Graph answers instead of a resource."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self, world: World) -> web.Response:
        now = world.now().strftime("%Y-%m-%dT%H:%M:%S")
        request_id = world.new_id()
        inner = {"date": now, "request-id": request_id, "client-request-id": request_id}
        error = {"code": self.code, "message": self.message, "innerError": inner}
        return web.json_response({"error": error}, status=self.status, headers={"request-id": request_id})


def not_found(resource_id: str) -> GraphError:
    text = (
        f"Resource '{resource_id}' does not exist or one of its queried reference-property objects"
        " are not present."
    )
    return GraphError(404, "Request_ResourceNotFound", text)


def scope_not_granted(scopes: Iterable[str]) -> GraphError:
    """The 403 of PIM: its real code is inside a JSON string inside the message."""
    inner = {
        "errorCode": "PermissionScopeNotGranted",
        "message": f"Authorization failed due to missing permission scope {','.join(sorted(scopes))}.",
        "instanceAnnotations": [],
    }
    return GraphError(403, "UnknownError", json.dumps(inner, separators=(",", ":")))


def forbidden() -> GraphError:
    """The 403 of the directory itself."""
    text = "Insufficient privileges to complete the operation."
    return GraphError(403, "Authorization_RequestDenied", text)


def caller(world: World, request: web.Request) -> Json:
    """The verified claims of who calls."""
    return tokens.bearer(world, request, audience=(world.http_url, tokens.GRAPH))


def is_app(claims: Mapping[str, Any]) -> bool:
    return "scp" not in claims


def holds(claims: Mapping[str, Any], app: Collection[str], delegated: Collection[str]) -> bool:
    """Whether a token carries one of the permissions that its kind needs."""
    if is_app(claims):
        return not set(app).isdisjoint(claims.get("roles", ()))
    return not set(delegated).isdisjoint(str(claims["scp"]).split())


def require(
    world: World,
    request: web.Request,
    app: Collection[str],
    delegated: Collection[str] | None = None,
    *,
    pim: bool = True,
) -> Json:
    """The caller's claims, if they may. ``delegated`` None: as ``app``.

    Raises ``GraphError`` 403 in the shape of PIM or of the directory, ``web.HTTPUnauthorized``.
    """
    claims = caller(world, request)
    wanted_delegated = app if delegated is None else delegated
    if not holds(claims, app, wanted_delegated):
        raise scope_not_granted(app if is_app(claims) else wanted_delegated) if pim else forbidden()
    return claims


def myself(world: World, request: web.Request, permissions: Collection[str]) -> str:
    """The user whose own entries ``BY_ME`` gives; an app has none."""
    return str(require(world, request, (), permissions)["oid"])


def filter_of(request: web.Request, allowed: Collection[str]) -> dict[str, str]:
    """``a eq 'x' and b eq 'y'`` as a mapping. Raises ``GraphError`` 400 ``InvalidFilter``."""
    text = request.query.get("$filter", "").strip()
    if not text:
        return {}
    wanted: dict[str, str] = {}
    by_lower = {name.lower(): name for name in allowed}
    for clause in _AND.split(text):
        match = _CLAUSE.fullmatch(clause)
        name = by_lower.get(match[1].lower()) if match else None
        if match is None or name is None:
            raise GraphError(400, "InvalidFilter", f"The {clause.strip()} filter is invalid.")
        wanted[name] = (match[2] if match[2] is not None else match[3]).replace("''", "'")
    return wanted


def matches(item: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(str(item.get(name)).lower() == value.lower() for name, value in wanted.items())


def expands(request: web.Request) -> set[str]:
    return {name.strip().split("(")[0] for name in request.query.get("$expand", "").split(",")} - {""}


def collection(
    world: World,
    request: web.Request,
    items: list[Any],
    render: Callable[[Any], Json],
    context: str | None = None,
) -> web.Response:
    """One page of ``items``, of which only the page is rendered, with the link to the next."""
    start = _skipped(request.query.get("$skiptoken", ""))
    size = min(_top(request), world.page_size)
    body: Json = {
        "@odata.context": metadata(request, context or request.path.split("/", 2)[2]),
        "value": [_selected(request, render(item)) for item in items[start : start + size]],
    }
    if "$count" in request.query:
        body["@odata.count"] = len(items)
    if start + size < len(items):
        following = base64.urlsafe_b64encode(f"after:{start + size}".encode()).decode()
        query = {**request.query, "$skiptoken": following}
        body["@odata.nextLink"] = f"{world.http_url}{request.path}?{urlencode(query)}"
    return web.json_response(body)


def entity(request: web.Request, body: Json, context: str, *, status: int = 200) -> web.Response:
    shown = {"@odata.context": metadata(request, f"{context}/$entity"), **_selected(request, body)}
    return web.json_response(shown, status=status)


def _selected(request: web.Request, shown: Json) -> Json:
    """``$select``, and without it everything but what Graph shows only when asked."""
    if "$select" not in request.query:
        return {name: value for name, value in shown.items() if name not in ON_REQUEST}
    kept = {name.strip() for name in request.query["$select"].split(",")} | expands(request)
    return {name: value for name, value in shown.items() if name in kept or name.startswith("@odata.")}


def metadata(request: web.Request, of: str) -> str:
    return f"{tokens.GRAPH}/{request.path.split('/', 2)[1]}/$metadata#{of}"


def _skipped(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("after:"))
    except ValueError as error:
        raise GraphError(400, "BadRequest", "The skip token is invalid.") from error


def _top(request: web.Request) -> int:
    text = request.query.get("$top", "999")
    if not text.isdecimal() or int(text) < 1:
        raise GraphError(400, "BadRequest", f"Invalid value '{text}' for $top query option found.")
    return int(text)


async def body_of(request: web.Request) -> Json:
    """The JSON object that was sent. Raises ``GraphError`` 400."""
    try:
        body = await request.json()
    except ValueError as error:
        text = "Unable to read JSON request payload. Please ensure Content-Type header is set and payload"
        raise GraphError(400, "BadRequest", f"{text} is of valid JSON format.") from error
    if not isinstance(body, dict):
        raise GraphError(400, "BadRequest", "The request payload must be a JSON object.")
    return body
