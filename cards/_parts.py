"""Pieces that request cards and pings to ops share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.domain import group_roles
from bot.domain.model import ApprovalRequest, Choice, Danger, Pool, State, Ticket, Unreadable
from cards import _builder as ac
from cards import _words as w
from cards._safe import address, plain
from cards.localised import text

_LABEL_WIDTH: Final = "96px"

_STATE_STYLES: Final = {
    State.PENDING: "accent",
    State.DECIDING: "emphasis",
    State.APPROVED: "good",
    State.DENIED: "attention",
    State.EXPIRED: "warning",
    State.FAILED: "attention",
    State.ACTIVE: "good",
}
_DANGER_COLOURS: Final = {Danger.CRITICAL: "attention", Danger.HIGH: "warning", Danger.ELEVATED: "default"}


@dataclass(frozen=True, slots=True)
class Headline:
    """What the card says first: in words, and in a style that only repeats the words."""

    title: str
    note: str
    style: str


def of_state(request: ApprovalRequest) -> Headline:
    """The headline of a request's state, overdue aside."""
    style = _STATE_STYLES.get(request.state, "emphasis")
    title, note = text.STATES[request.state], text.STATE_NOTES.get(request.state, "")
    if request.state is State.DECIDED_ELSEWHERE and request.decision is not None:
        approved = request.decision.choice is Choice.APPROVE
        title = text.APPROVED_ELSEWHERE if approved else text.DENIED_ELSEWHERE
        style = "good" if approved else "attention"
    return Headline(title, note, style)


def header(headline: Headline) -> ac.Element:
    items = [ac.words(headline.title, weight="bolder", size="medium")]
    if headline.note:
        items.append(ac.words(headline.note, spacing="none"))
    return ac.box(items, style=headline.style, bleed=True)


def role(request: ApprovalRequest) -> ac.Element:
    """Which role, and how dangerous it is: by shape, word and colour."""
    danger = request.role.danger
    badge = ac.run(f"{text.DANGERS[danger]}: ", weight="bolder", color=_DANGER_COLOURS[danger])
    return ac.box(
        [
            ac.rich(ac.run(role_name(request), size="large", weight="bolder")),
            ac.rich(badge, ac.run(text.DANGER_NOTES[danger]), spacing="none"),
        ],
        spacing="medium",
    )


def role_name(request: ApprovalRequest) -> str:
    return w.role(request.role)


def row(label: str, *items: ac.Element) -> ac.Element:
    """A labelled row. A ``FactSet`` would render Markdown in its values."""
    return ac.columns(
        ac.column([ac.words(label, isSubtle=True)], _LABEL_WIDTH),
        ac.column(items, "stretch"),
        spacing="small",
    )


def said(value: str, **style: str) -> ac.Element:
    """A line that may hold a stranger's (already ``plain``) text."""
    return ac.rich(ac.run(value, **style))


def wish(request: ApprovalRequest) -> Iterator[ac.Element]:
    """What is asked for: who, how long, why, where, ticket, when."""
    yield row(text.WHO, *_who(request))
    yield row(text.HOW_LONG, said(_how_long(request), weight="bolder"))
    yield row(text.WHY, said(plain(request.justification, w.PROSE) or text.NO_REASON))
    if group_roles.parse(request.role.definition_id) is None:  # a group says for itself where it is
        yield row(text.WHERE, said(w.scope(request.scope)))
    if request.ticket is not None and (shown := ticket(request.ticket)):
        yield row(text.TICKET, said(shown))
    if request.starts_at is not None and request.starts_at > request.requested_at:
        yield row(text.STARTS, ac.words(w.when(request.starts_at)))
    yield row(text.ASKED, ac.words(w.when(request.requested_at)))


def _who(request: ApprovalRequest) -> Iterator[ac.Element]:
    yield said(w.name(request.requester), weight="bolder")
    if request.requester.upn:
        yield ac.rich(ac.run(address(request.requester.upn, w.UPN), isSubtle=True), spacing="none")


def _how_long(request: ApprovalRequest) -> str:
    return text.NO_END if request.duration is None else w.duration(request.duration)


def ticket(of: Ticket) -> str:
    """Number and system, as far as they are told."""
    number, system = plain(of.number, w.TICKET), plain(of.system, w.TICKET)
    return text.TICKET_IN.format(number=number, system=system) if number and system else number or system


def votes(request: ApprovalRequest) -> Iterator[ac.Element]:
    """With a quorum: who has approved so far, and how many have to."""
    if request.quorum > 1:
        count = text.VOTES.format(n=len(request.votes), quorum=request.quorum)
        names = (ac.run(w.name(vote.by), weight="bolder") for vote in request.votes)
        yield row(text.APPROVALS, ac.words(count), *(ac.rich(name, spacing="none") for name in names))


def deciders(request: ApprovalRequest, *, you: bool = False) -> ac.Element:
    """Who can decide, as forecast at intake, and why the others can't."""
    return who_can(request.pool, you=you)


def who_can(pool: Pool | Unreadable, *, you: bool = False) -> ac.Element:
    """As ``deciders``, of a pool."""
    lines = [text.YOU_CAN] if you else []
    if isinstance(pool, Pool) and pool.unreadable is None:
        lines += [w.able(pool) or text.NOBODY, w.unable(pool), text.DEFAULTED if pool.defaulted else ""]
    else:
        lines += [text.NOBODY, w.unreadable(pool)]
    first, *more = [line for line in lines if line]
    quiet = [ac.rich(ac.run(line, isSubtle=True), spacing="none") for line in more]
    return row(text.WHO_CAN, said(first), *quiet)


def portal(url: str) -> Iterator[ac.Element]:
    yield from link(url, text.OPEN_PORTAL)


def link(url: str | None, title: str) -> Iterator[ac.Element]:
    """A link button; none for anything but a web address."""
    if url and url.lower().startswith(("https://", "http://")):
        yield ac.open_url(url, title)
