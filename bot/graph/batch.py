"""Several reads of Graph in one HTTP request: ``POST /v1.0/$batch``.

Source: Graph docs, "Combine multiple HTTP requests using JSON batching". Up to twenty reads share a
request, each with a status of its own. Graph may throttle some of them and answer the others, so only
those that it was too busy for are sent again. Answers come in any order, and lists in pages.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import quote

import httpx
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from bot.domain.errors import DirectoryError, RejectedError, UnavailableError
from bot.graph.calls import GraphCalls, body
from bot.graph.concurrently import concurrently
from bot.graph.errors import BusyError, Call, of_response
from bot.graph.parsing import Json, rows
from bot.graph.retries import Retries
from bot.ports import Clock

_VERSION = "v1.0"
_PLACE = re.compile(r"\{\w+\}")
_MOST = 20
_MOST_PAGES = 200
_SECONDS = 10.0
"""For all pages of all reads: a click waits for them."""


class Want(Enum):
    """How much of an answer is wanted."""

    OBJECT = "object"
    FIRST_PAGE = "first-page"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Read:
    """A GET: ``url`` is relative to the version, with its query."""

    url: str
    want: Want = Want.ALL


@dataclass(slots=True)
class Found:
    """What a read brought. ``more``: the URL of the page after the last one read."""

    rows: list[Json] = field(default_factory=list)
    more: str | None = None

    @property
    def complete(self) -> bool:
        return self.more is None


Answer = Found | DirectoryError


class Batch:
    """Reads as the app. ``calls`` must not repeat by itself: here each read is repeated for itself."""

    def __init__(self, calls: GraphCalls, base_url: str, clock: Clock, retries: Retries) -> None:
        self._calls = calls
        self._base = base_url.rstrip("/")
        self._clock = clock
        self._retries = retries

    async def read(self, reads: Sequence[Read]) -> list[Answer]:
        """An answer for each read: everything that was wanted, or the error instead of it."""
        answers: list[Answer] = [Found() for _ in reads]
        try:
            async with asyncio.timeout(_SECONDS):
                await self._fill(reads, answers)
        except TimeoutError:
            late = UnavailableError(f"Several reads took more than {_SECONDS:g} seconds")
            return [late if _unfinished(answer) else answer for answer in answers]
        return answers

    async def whole(self, reads: Sequence[Read]) -> list[list[Json]]:
        """The rows of each read. Raises the first ``DirectoryError`` rather than return some only."""
        return [found(answer).rows for answer in await self.read(reads)]

    async def _fill(self, reads: Sequence[Read], answers: list[Answer]) -> None:
        left = dict(enumerate(one.url for one in reads))
        for _ in range(_MOST_PAGES):
            for number, url in left.items():
                _mark(answers[number], url)
            for pages in await concurrently(map(self._pages, _chunks(left))):
                for number, page in pages.items():
                    answers[number] = self._joined(answers[number], page, reads[number].want)
            left = {n: more for n, one in enumerate(reads) if (more := _next(answers[n], one))}
            if not left:
                return
        for number in left:
            answers[number] = RejectedError(f"Graph's listing has more than {_MOST_PAGES} pages")

    async def _pages(self, asked: dict[int, str]) -> dict[int, Json | DirectoryError]:
        """One page of each; those that Graph was too busy for are asked for again."""
        got: dict[int, Json | DirectoryError] = {}

        async def attempt() -> None:
            left = {n: url for n, url in asked.items() if isinstance(got.get(n), BusyError | None)}
            got.update(await self._send(left))
            if busy := [error for error in got.values() if isinstance(error, BusyError)]:
                raise max(busy, key=lambda error: error.retry_after or 0.0)

        try:
            await self._retries.run_bounded(attempt)
        except DirectoryError as error:
            return {n: got.get(n, error) for n in asked}
        return got

    async def _send(self, asked: dict[int, str]) -> dict[int, Json | DirectoryError]:
        info = RequestInformation(Method.POST, "{+baseurl}/$batch", {"baseurl": self._base})
        requests = [{"id": str(n), "method": "GET", "url": url} for n, url in asked.items()]
        answered = await self._calls.change(body(info, {"requests": requests}))
        found = {str(one.get("id")): one for one in rows(answered, "responses")}
        return {n: self._answer(found.get(str(n))) for n in asked}

    def _answer(self, one: Json | None) -> Json | DirectoryError:
        status, content = (one or {}).get("status"), (one or {}).get("body")
        if one is None or not isinstance(status, int):
            return UnavailableError("Graph's answer leaves out a part of the batch")
        if not 200 <= status < 300:  # noqa: PLR2004
            response = httpx.Response(status, headers=_headers(one), json=content)
            return of_response(response, Call.APP, self._clock.now())
        if not isinstance(content, dict):
            return UnavailableError("Graph's answer is no JSON object", status=status)
        return content

    def _joined(self, so_far: Answer, page: Json | DirectoryError, want: Want) -> Answer:
        if isinstance(page, DirectoryError) or isinstance(so_far, DirectoryError):
            return page if isinstance(page, DirectoryError) else so_far
        if want is Want.OBJECT:
            return Found([page])
        try:
            return Found([*so_far.rows, *_listed(page)], self._more(page))
        except RejectedError as error:
            return error

    def _more(self, page: Json) -> str | None:
        link = page.get("@odata.nextLink")
        if link is None:
            return None
        if not isinstance(link, str) or not link.startswith(f"{self._base}/"):
            raise RejectedError("Graph's next page is on another host")
        return link.removeprefix(self._base)


def found(answer: Answer) -> Found:
    """What was found. Raises the error that stands in its place."""
    if isinstance(answer, DirectoryError):
        raise answer
    return answer


def url(template: str, *ids: str, **options: str) -> str:
    """``url("v1.0/users/{user}", "x", select="id")`` is ``/users/x?$select=id``, as a batch wants it. An id
    can't lead elsewhere.
    """
    quoted = iter([quote(one, safe="") for one in ids])
    path = _PLACE.sub(lambda _: next(quoted), template.removeprefix(_VERSION))
    query = "&".join(f"${name}={quote(value, safe='(),$')}" for name, value in options.items())
    return f"{path}?{query}" if query else path


def _chunks(left: dict[int, str]) -> Iterator[dict[int, str]]:
    numbers = list(left)
    for start in range(0, len(numbers), _MOST):
        yield {n: left[n] for n in numbers[start : start + _MOST]}


def _mark(answer: Answer, more: str) -> None:
    """Unfinished until its page has come."""
    if isinstance(answer, Found):
        answer.more = more


def _unfinished(answer: Answer) -> bool:
    return isinstance(answer, Found) and not answer.complete


def _next(answer: Answer, read: Read) -> str | None:
    if isinstance(answer, DirectoryError) or read.want is not Want.ALL:
        return None
    return answer.more


def _listed(page: Json) -> list[Json]:
    if not isinstance(page.get("value"), list):
        raise RejectedError("Graph's listing has no rows where they should be")
    return rows(page, "value")


def _headers(one: Json) -> dict[str, str]:
    given: Any = one.get("headers")
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
