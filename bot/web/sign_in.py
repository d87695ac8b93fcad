"""``GET /signin`` and ``/signin/callback``: the pages of a sign-in in a browser.

A browser that holds a link is sent on to Entra; when it comes back, what its owner had begun is
carried out, and the page says what came of it. Neither page takes anything else.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import web

import cards
from bot.domain.activation import Curable
from bot.domain.content import CardContent, RequestCard
from bot.domain.errors import UnavailableError
from bot.domain.replies import outcome_in
from bot.domain.sign_in import ACT_LIFE, PageKey, SignInRefusedError
from bot.service.signing_in import SigningIn, short
from cards.language import negotiated, speaking, spoken
from cards.localised import text

PATH: Final = "/signin"
CALLBACK: Final = "/signin/callback"
_COOKIE: Final = "secondkey-signin"
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{8,128}")
_ANSWER: Final = ("code", "state", "error", "error_description", "session_state")
_MOST: Final = 8192
_STATUS: Final = {
    PageKey.UNKNOWN: HTTPStatus.NOT_FOUND,
    PageKey.USED: HTTPStatus.GONE,
    PageKey.EXPIRED: HTTPStatus.GONE,
    PageKey.OTHER_ACCOUNT: HTTPStatus.FORBIDDEN,
    PageKey.OTHER_BROWSER: HTTPStatus.FORBIDDEN,
    PageKey.NOT_STRONG_ENOUGH: HTTPStatus.FORBIDDEN,
    PageKey.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1a19;--paper:#fff;--ground:#f3f2f1;--line:#d2d0ce;--link:#0f6cbd}
@media(prefers-color-scheme:dark){:root{--ink:#f3f2f1;--paper:#292827;--ground:#1b1a19;--line:#484644;
--link:#62abf5}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--ink);
font:16px/1.5 "Segoe UI",system-ui,sans-serif}
main{box-sizing:border-box;width:min(34rem,calc(100% - 2rem));margin:1rem;padding:1.75rem 2rem;
background:var(--paper);border:1px solid var(--line);border-radius:.5rem}
h1{margin:0 0 .75rem;font-size:1.25rem;line-height:1.35}p{margin:.5rem 0;overflow-wrap:anywhere}
a{color:var(--link)}footer{margin-top:1.25rem;font-size:.875rem;opacity:.75}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger(__name__)


def routes(signing_in: SigningIn) -> list[web.RouteDef]:
    """Both pages. HEAD is not answered: it must not use up what only GET may."""
    secure = urlsplit(signing_in.start_url).scheme == "https"

    async def start(request: web.Request) -> web.StreamResponse:
        secret = request.query.get("act", "")
        if not _SECRET.fullmatch(secret):
            raise SignInRefusedError(PageKey.UNKNOWN)
        found = await signing_in.start(secret)
        response = web.Response(status=HTTPStatus.FOUND, headers={**_HEADERS, "Location": found.url})
        response.set_cookie(
            f"{_COOKIE}-{found.act}",
            found.cookie,
            path=PATH,
            max_age=int(ACT_LIFE.total_seconds()),
            secure=secure,
            httponly=True,
            samesite="Lax",
        )
        return response

    async def callback(request: web.Request) -> web.StreamResponse:
        answer = _answer(request)
        cookie = f"{_COOKIE}-{short(answer.get('state', ''))}"
        content = await signing_in.complete(answer, request.cookies.get(cookie))
        response = page(*_told(content))
        if cookie in request.cookies:
            response.del_cookie(cookie, path=PATH)
        return response

    return [
        web.get(PATH, _guarded(start), allow_head=False),
        web.get(CALLBACK, _guarded(callback), allow_head=False),
    ]


def _guarded(handler: _Handler) -> _Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        with speaking(negotiated(request.headers.get("Accept-Language"))):
            return await answered(request)

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except SignInRefusedError as error:
            log.warning("sign_in_page_refused", page=error.page.value, path=request.path)
            return refusal(error.page)
        except (UnavailableError, ConnectionError) as error:
            log.warning("sign_in_page_deferred", path=request.path, error=type(error).__name__)
            return refusal(PageKey.UNAVAILABLE)
        except Exception:  # the outermost edge: a stranger learns that it failed, the log how
            log.exception("sign_in_page_failed", path=request.path)
            title, *lines = text.MESSAGES["error"]
            return page(title, lines, status=HTTPStatus.INTERNAL_SERVER_ERROR)

    return guarded


def _answer(request: web.Request) -> Mapping[str, str]:
    """What Entra sent along: each parameter once, or nothing of it is taken."""
    if len(request.query_string) > _MOST or any(len(request.query.getall(n, ())) > 1 for n in _ANSWER):
        raise SignInRefusedError(PageKey.FAILED)
    return {name: request.query[name] for name in _ANSWER if name in request.query}


def refusal(key: PageKey) -> web.Response:
    """A page that says why nothing was carried out."""
    title, *lines = text.PAGES[key]
    return page(title, lines, status=_STATUS.get(key, HTTPStatus.BAD_REQUEST))


def _told(content: CardContent) -> tuple[str, list[str], str | None]:
    line = cards.summary(content)
    if not isinstance(content, RequestCard):
        outcome = outcome_in(content)
        return line, [], outcome.link if isinstance(outcome, Curable) else None
    notice = text.NOTICES.get(content.notice or "", text.NOTICE_FALLBACK)
    return notice, [line], content.sign_in_link


def page(
    title: str, lines: list[str], link: str | None = None, *, status: HTTPStatus = HTTPStatus.OK
) -> web.Response:
    """A whole page: a headline, lines of text, and perhaps a link of our own."""
    body = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    if link is not None:
        body += f'<p><a href="{html.escape(link)}">{html.escape(text.SIGN_IN)}</a></p>'
    document = (
        f'<!doctype html><html lang="{spoken()}"><head><meta charset="utf-8">'
        f"<title>{html.escape(text.PAGE_TITLE)}</title>"
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<main><h1>{html.escape(title)}</h1>{body}<footer>{html.escape(text.PAGE_CLOSE)}</footer></main>"
        "</body></html>"
    )
    return web.Response(text=document, content_type="text/html", status=status, headers=dict(_HEADERS))
