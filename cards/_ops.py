"""The card that pings ops."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.content import OpsCard, PingCause
from cards import _builder as ac
from cards import _parts as parts
from cards import _words as w
from cards.localised import text


def body(content: OpsCard) -> Iterator[ac.Element]:
    """As long as the request is open: why ops are asked, and what to do. Then how it ended."""
    request = content.request
    still_open = w.is_open(request)
    alarm = still_open or is_alarm(content)
    yield parts.header(_headline(content) if alarm else parts.of_state(request))
    yield parts.role(request)
    yield from parts.wish(request)
    yield from parts.votes(request)
    if still_open:
        yield parts.deciders(request)
    if alarm:
        yield parts.row(text.TO_DO, ac.words(text.PINGS_TO_DO[content.cause]))


def is_alarm(content: OpsCard) -> bool:
    """Whether it is about something that has already happened."""
    return content.cause is PingCause.QUORUM_BYPASSED


def actions(content: OpsCard) -> Iterator[ac.Element]:
    yield from parts.portal(content.portal_url)


def title(content: OpsCard) -> str:
    """Why ops are pinged, in one line."""
    votes, quorum = len(content.request.votes), content.request.quorum
    return text.PINGS[content.cause].format(
        rung=content.rung, waited=w.duration(content.waited), votes=votes, quorum=quorum
    )


def _headline(content: OpsCard) -> parts.Headline:
    if is_alarm(content):
        return parts.Headline(title(content), text.PING_BYPASSED, "attention")
    expires = content.request.expires_at
    note = text.PING_LAPSES.format(time=w.time(expires), date=w.date(expires))
    style = "warning" if content.cause is PingCause.UNANSWERED else "attention"
    return parts.Headline(title(content), note, style)
