"""Nothing is sent to Graph that the permissions table does not know.

The check sits in the pipeline that all requests to Graph pass, so that a call can't bypass it by
being made in another way, or in a batch.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx
import structlog
from kiota_abstractions.request_option import RequestOption
from kiota_http.middleware.middleware import REQUEST_OPTIONS_KEY, BaseMiddleware

from bot.graph.graph_call import GraphCall, Kind, UndeclaredCallError
from bot.graph.permissions import CALLS

_log = structlog.get_logger(__name__)
_VERSIONS: Final = frozenset({"v1.0", "beta"})


class CalledAs(RequestOption):
    """Says as whom a request is made."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    @staticmethod
    def get_key() -> str:
        return "SecondKeyCalledAs"


class DeclaredCallsOnly(BaseMiddleware):
    """Raises ``UndeclaredCallError`` instead of sending what is not in the table."""

    async def send(self, request: httpx.Request, transport: httpx.AsyncBaseTransport) -> httpx.Response:
        options: Any = request.extensions.get(REQUEST_OPTIONS_KEY) or {}
        called_as = options.get(CalledAs.get_key())
        kind = called_as.kind if called_as else None
        try:
            for method, url in calls_in(request):
                check(method, url, kind)
        except UndeclaredCallError as undeclared:
            _log.error("graph_call_not_in_table", why=str(undeclared))  # whoever catches it, it is told
            raise
        return await super().send(request, transport)


def check(method: str, url: str, kind: Kind | None) -> GraphCall:
    """The row of a call. Raises ``UndeclaredCallError``, whose message says which row to add."""
    version, segments = _split(url)
    for call in CALLS:
        if call.kind is kind and call.is_call(method, version, segments):
            return call
    raise UndeclaredCallError(_missing(method, version, segments, kind))


def _split(url: str) -> tuple[str, tuple[str, ...]]:
    """Version and the segments after it, decoded one by one: an id can't bring a slash with it."""
    segments = [unquote(segment) for segment in urlsplit(url).path.split("/")]
    at = next((n for n, segment in enumerate(segments) if segment in _VERSIONS), len(segments) - 1)
    return segments[at], tuple(segments[at + 1 :])


def _missing(method: str, version: str, segments: tuple[str, ...], kind: Kind | None) -> str:
    path = "/".join(segments)
    return (
        f"{method} /{version}/{path} ({kind.value if kind else 'nobody said as whom'}) is not in the table of"
        " bot/graph/permissions.py. Add this row to CALLS, with {} for what varies in the path:"
        f' GraphCall("{method}", "{version}", "{path}", Kind.{kind.name if kind else "…"},'
        ' (("The.Permission.To.Ask",), ("Another.That.Does",)), Feature.…, "why", "source")'
    )


def calls_in(request: httpx.Request) -> list[tuple[str, str]]:
    """The call that a request makes; of a batch, each call in it. Raises ``UndeclaredCallError`` for a
    batch that can't be read.
    """
    method, url = request.method, str(request.url)
    base, batch, rest = url.partition("/$batch")
    if not batch or rest or method != "POST":
        return [(method, url)]
    try:
        asked = json.loads(request.content)["requests"]
        return [(str(one["method"]), f"{base}/{str(one['url']).lstrip('/')}") for one in asked]
    except (ValueError, KeyError, TypeError) as error:
        raise UndeclaredCallError("A batch says in no readable way what it asks for") from error
