"""The pages that the Teams app's package and the consent link lead to, for whoever opens them.

They are the same for everybody and repeat nothing of the request, not even an error's text.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PAGE: Final = (
    '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width">\n<title>Second Key: {title}</title>\n'
    "<h1>{title}</h1>\n{paragraphs}\n</html>\n"
)

_ABOUT: Final = (
    "What Second Key is",
    (
        "Second Key brings approvals of Microsoft Entra Privileged Identity Management (PIM) into Microsoft"
        " Teams. It runs in your organization's own subscription and is operated by your organization."
    ),
    "If it is not available, PIM's own portal works as before.",
)
_PRIVACY: Final = (
    "What Second Key keeps",
    (
        "Of each request: the role, the reason and the ticket as they were written, and the names and"
        " directory ids of who asked, who may decide and who decided. Of each decision, an audit record."
    ),
    (
        "It keeps no passwords and no tokens, and reads no messages but those addressed to it. What it keeps"
        " stays in the database that your organization runs; it talks to Microsoft's services only."
    ),
)
_TERMS: Final = (
    "Terms of use",
    (
        "Second Key is operated by your organization, under your organization's rules. Every decision is"
        " recorded in PIM under the name of the person who made it."
    ),
)
_CONSENTED: Final = (
    "Consent given",
    (
        "The permissions that the app registration lists are granted. New ones can take up to an hour to"
        " apply. You can close this page."
    ),
)
_NOT_CONSENTED: Final = (
    "No consent yet",
    (
        "Nothing was granted. Open the consent link again, signed in as Privileged Role Administrator or"
        " Global Administrator."
    ),
)


def routes() -> list[web.RouteDef]:
    """``/about`` and what is below it."""
    given, refused = _page(_CONSENTED), _page(_NOT_CONSENTED)

    async def consented(request: web.Request) -> web.Response:
        granted = request.query.get("admin_consent", "").lower() == "true" and "error" not in request.query
        return _answer(given if granted else refused)

    pages = {"/about": _ABOUT, "/about/privacy": _PRIVACY, "/about/terms": _TERMS}
    return [
        *(web.get(path, _always(_page(texts))) for path, texts in pages.items()),
        web.get("/about/consented", consented),
    ]


def _always(page: str) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        return _answer(page)

    return handler


def _answer(page: str) -> web.Response:
    return web.Response(text=page, content_type="text/html", headers=_HEADERS)


def _page(texts: tuple[str, ...]) -> str:
    title, *paragraphs = texts
    return _PAGE.format(title=title, paragraphs="\n".join(f"<p>{one}</p>" for one in paragraphs))
