"""The report to ops about somebody who keeps trying."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.content import ConductCard
from bot.domain.model import ApprovalRequest
from cards import _builder as ac
from cards import _parts as parts
from cards import _words as w
from cards.localised import text


def body(content: ConductCard) -> Iterator[ac.Element]:
    """Who, what they tried and why not, and what to do."""
    yield parts.header(parts.Headline(text.CONDUCT, text.CONDUCT_NOTE, "attention"))
    who = ac.rich(ac.run(w.name(content.person), size="large", weight="bolder"))
    account = ac.rich(ac.run(content.person.identity.object_id, isSubtle=True), spacing="none")
    yield ac.box([who, account], spacing="medium")
    yield parts.row(text.CONDUCT_TRIES, parts.said(_tries(content), weight="bolder"))
    yield parts.row(text.CONDUCT_WHY, *(parts.said(line) for line in _reasons(content)))
    if content.requests:
        yield parts.row(text.CONDUCT_ON, *(parts.said(_asked(request)) for request in content.requests))
    since, until = w.when(content.since), w.when(content.until)
    yield parts.row(text.CONDUCT_WHEN, ac.words(text.CONDUCT_SPAN.format(since=since, until=until)))
    yield parts.row(text.TO_DO, ac.words(text.CONDUCT_TO_DO))


def actions(content: ConductCard) -> Iterator[ac.Element]:
    yield from parts.portal(content.portal_url)


def summary(content: ConductCard) -> str:
    """In one line of plain text."""
    return text.SUMMARY_CONDUCT.format(name=w.name(content.person), n=content.tries)


def _tries(content: ConductCard) -> str:
    span = w.duration(content.until - content.since)
    return text.CONDUCT_COUNT.format(n=content.tries, span=span)


def _reasons(content: ConductCard) -> Iterator[str]:
    for reason, n in content.refusals:
        yield text.CONDUCT_TIMES.format(what=text.CONDUCT_REASONS[reason], n=n)
    if content.forged:
        yield text.CONDUCT_TIMES.format(what=text.CONDUCT_FORGED, n=content.forged)
    if content.impersonated:
        yield text.CONDUCT_TIMES.format(what=text.CONDUCT_IMPERSONATED, n=content.impersonated)


def _asked(request: ApprovalRequest) -> str:
    return text.CONDUCT_REQUEST.format(role=parts.role_name(request), name=w.name(request.requester))
