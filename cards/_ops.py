"""The card that pings ops."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.content import OpsCard, PingCause
from cards import _builder as ac
from cards import _parts as parts
from cards import _words as w
from cards import text


def body(content: OpsCard) -> Iterator[ac.Element]:
    """As long as the request is open: why ops are asked, and what to do. Then how it ended."""
    request = content.request
    still_open = w.is_open(request)
    yield parts.header(_headline(content) if still_open else parts.of_state(request))
    yield parts.role(request)
    yield from parts.wish(request)
    if still_open:
        yield parts.deciders(request)
        yield parts.row(text.TO_DO, ac.words(text.PINGS_TO_DO[content.cause]))


def actions(content: OpsCard) -> Iterator[ac.Element]:
    yield from parts.portal(content.portal_url)


def title(content: OpsCard) -> str:
    """Why ops are pinged, in one line."""
    return text.PINGS[content.cause].format(rung=content.rung, waited=w.duration(content.waited))


def _headline(content: OpsCard) -> parts.Headline:
    expires = content.request.expires_at
    note = text.PING_LAPSES.format(time=w.time(expires), date=w.date(expires))
    style = "warning" if content.cause is PingCause.UNANSWERED else "attention"
    return parts.Headline(title(content), note, style)
