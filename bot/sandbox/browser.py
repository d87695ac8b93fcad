"""``/_sandbox/browser``: people's browsers, driven from outside.

``{"user", "url"}`` opens a link as that person would: redirects are followed, cookies kept, and on
Entra's pages they pick their own account. ``as`` picks another one there, ``consent`` answers a
consent page (``accept`` or ``cancel``), ``stop_before`` ends before a URL that contains it.
"""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urljoin

import aiohttp
from aiohttp import web

from bot.sandbox.graph_http import GraphError, Json, body_of
from bot.sandbox.world import User, World

_MOST_HOPS = 12
_TAG = re.compile(r"<(style|script)\b.*?</\1>|<[^>]+>", re.DOTALL)


def routes(world: World) -> list[web.RouteDef]:
    async def browse(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        return web.json_response(await _browse(world, world.user(body["user"]), body))

    async def forget(request: web.Request) -> web.StreamResponse:
        """A new browser: no cookies."""
        world.cookies.pop(world.user((await body_of(request))["user"]).object_id, None)
        return web.Response(status=204)

    return [web.post("/_sandbox/browser", browse), web.post("/_sandbox/browser/forget", forget)]


async def _browse(world: World, user: User, wish: Json) -> Json:
    if world.http is None:
        raise GraphError(409, "Conflict", "The sandbox is not running.")
    cookies = world.cookies.setdefault(user.object_id, {})
    url, hops = str(wish["url"]), list[str]()
    for _ in range(_MOST_HOPS):
        if (stop := wish.get("stop_before")) and stop in url:
            return {"url": url, "stopped": True, "hops": hops}
        hops.append(url.partition("?")[0])
        status, location, text = await _get(world, url, cookies)
        on_entra = url.startswith(world.login_url)
        chosen = _choice(text, wish, user) if on_entra and status == 200 else None
        if location is None and chosen is None:
            await world.record("browser", "opened", user=user.key, status=status, hops=hops)
            return {"url": url, "status": status, "text": _words(text), "html": text, "hops": hops}
        url = urljoin(url, location or chosen or "")
    raise GraphError(409, "Conflict", "Too many redirects.")


async def _get(world: World, url: str, cookies: dict[str, str]) -> tuple[int, str | None, str]:
    assert world.http is not None  # noqa: S101 - seen to above
    tls: Any = world.trust if url.startswith("https:") else True
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
    mine = headers if not url.startswith(world.login_url) else {}
    try:
        async with world.http.get(url, headers=mine, allow_redirects=False, ssl=tls) as answer:
            for name, morsel in answer.cookies.items():
                cookies[name] = morsel.value
                if morsel["max-age"] == "0" or not morsel.value:
                    del cookies[name]
            return answer.status, answer.headers.get("Location"), await answer.text()
    except aiohttp.ClientError as error:
        raise GraphError(409, "Conflict", f"The page can't be reached: {type(error).__name__}.") from error


def _choice(text: str, wish: Json, user: User) -> str | None:
    """The link that this person follows on a page of Entra's."""
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', text)]
    if any("consent=accept" in link for link in links):
        wanted = "consent=accept" if wish.get("consent", "accept") == "accept" else "cancel=1"
    else:
        wanted = f"account={wish.get('as', user.key)}"
    return next((link for link in links if link.endswith(wanted)), None)


def _words(text: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", text)).split())
