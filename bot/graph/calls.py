"""Sending a request and reading its answer as JSON, with errors translated and reads repeated."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_http.middleware.options import ResponseHandlerOption

from bot.domain.errors import DirectoryError, RejectedError, UnavailableError
from bot.graph.client import origin_of
from bot.graph.errors import Call, of_response, of_transport
from bot.graph.graph_call import Kind
from bot.graph.guard import CalledAs
from bot.graph.retries import Retries
from bot.ports import Clock
from bot.telemetry.upstream import calling

Json = Mapping[str, Any]
_MOST_PAGES = 200
_LISTING_SECONDS = 30.0
_UNAUTHORIZED = 401
_PATIENCE = 5.0


class GraphCalls:
    """Calls to Graph as one caller: the app, or one user."""

    def __init__(
        self,
        adapter: Any,
        call: Call,
        clock: Clock,
        retries: Retries,
        forget_token: Callable[[], None] | None = None,
    ) -> None:
        self._adapter = adapter
        self._call = call
        self._clock = clock
        self._retries = retries
        self._forget_token = forget_token

    async def read(self, info: RequestInformation) -> Json:
        """The answer's JSON object; repeated while Graph is busy. Raises ``DirectoryError``s."""
        return _object(await self._retries.run_bounded(lambda: self._attempt(info, self._call, _PATIENCE)))

    async def change(self, info: RequestInformation) -> Json:
        """As ``read``, for calls whose repetition is harmless; an empty answer is ``{}``."""
        response = await self._retries.run_bounded(lambda: self._attempt(info, self._call, _PATIENCE))
        return _object(response) if response.content else {}

    async def once(self, info: RequestInformation, call: Call, patience: float) -> Json:
        """Send, and wait ``patience`` seconds for the answer; repeat only when the answer says that
        nothing was done. Raises ``DirectoryError``s, among them ``OutcomeUnknownError``.
        """
        response = await self._retries.run(lambda: self._attempt(info, call, patience))
        return _object(response) if response.content else {}

    async def read_all(self, info: RequestInformation) -> list[Json]:
        """The rows of every page. Raises rather than return some of them only."""
        try:
            async with asyncio.timeout(_LISTING_SECONDS):
                return await self._pages(info)
        except TimeoutError as exc:
            raise UnavailableError(f"A listing took more than {_LISTING_SECONDS:g} seconds") from exc

    async def _pages(self, info: RequestInformation) -> list[Json]:
        first = origin_of(f"{self._adapter.base_url}/")
        rows: list[Json] = []
        for _ in range(_MOST_PAGES):
            page = await self.read(info)
            rows.extend(_rows(page))
            link = page.get("@odata.nextLink")
            if link is None:
                return rows
            if not isinstance(link, str) or origin_of(link) != first:
                raise RejectedError("Graph's next page is on another host")
            info = RequestInformation(Method.GET)
            info.url = link
        raise RejectedError(f"Graph's listing has more than {_MOST_PAGES} pages")

    async def _attempt(self, info: RequestInformation, call: Call, patience: float) -> httpx.Response:
        response = await self._send(info, call, patience)
        if response.status_code == _UNAUTHORIZED and self._forget_token:
            # The token may have been revoked, or its key rotated: one more try with a new one.
            self._forget_token()
            response = await self._send(info, call, patience)
        if not response.is_success:
            raise of_response(response, call, self._clock.now())
        return response

    async def _send(self, info: RequestInformation, call: Call, patience: float) -> httpx.Response:
        info.headers.try_add("Accept", "application/json")
        info.headers.remove("Authorization")  # of the attempt before
        kind = Kind.DELEGATED if call.delegated else Kind.APPLICATION
        info.add_request_options([ResponseHandlerOption(NativeResponseHandler()), CalledAs(kind)])
        try:
            async with asyncio.timeout(patience):
                with calling("graph", operation_of(info)) as outcome:
                    response: httpx.Response = await self._adapter.send_primitive_async(info, "bytes", None)
                    outcome.status = response.status_code
        except (httpx.HTTPError, TimeoutError) as exc:
            raise of_transport(exc, call) from exc
        except httpx.InvalidURL as exc:
            raise RejectedError("Graph's answer leads nowhere") from exc
        return response


def operation_of(info: RequestInformation) -> str:
    """Method and path, ids and query left out: a label, the same whoever is asked about."""
    method = info.http_method.value if info.http_method else "GET"
    template = info.url_template
    if not template:
        return f"{method} next page"
    path = re.sub(r"^\{\+[^}]*\}", "", re.sub(r"(\{\?.*|\?.*)$", "", template))
    return f"{method} {re.sub(r'{[^}]*}', '{id}', path)}"


def query(info: RequestInformation, **options: str) -> RequestInformation:
    """The request with OData query options: ``query(info, filter="id eq '1'")``."""
    info.query_parameters.update({f"%24{name}": value for name, value in options.items()})
    return info


def literal(text: str) -> str:
    """An OData string literal."""
    return "'" + text.replace("'", "''") + "'"


def body(info: RequestInformation, content: Json) -> RequestInformation:
    """The request with a JSON body."""
    info.set_stream_content(json.dumps(content).encode(), "application/json")
    return info


def _object(response: httpx.Response) -> Json:
    try:
        value = response.json()
    except ValueError as exc:
        raise _unreadable(response) from exc
    if not isinstance(value, dict):
        raise _unreadable(response)
    return value


def _rows(page: Json) -> list[Json]:
    rows = page.get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RejectedError("Graph's listing has no rows where they should be")
    return rows


def _unreadable(response: httpx.Response) -> DirectoryError:
    return UnavailableError("Graph's answer is no JSON object", status=response.status_code)
