"""Nothing is sent to Graph that the permissions table does not know.

The check sits in the pipeline that all requests to Graph pass, so that a call can't bypass it by
being made in another way.
"""

from __future__ import annotations

from typing import Any

import httpx
from kiota_abstractions.request_option import RequestOption
from kiota_http.middleware.middleware import REQUEST_OPTIONS_KEY, BaseMiddleware

from bot.graph.permissions import Kind, check


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
        check(request.method, str(request.url), called_as.kind if called_as else None)
        return await super().send(request, transport)
