"""The living card of an activation, in its requester's own chat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.content import ActivationCard
from bot.domain.following import Activation, Stage
from bot.domain.grammar import Options, parse, render
from bot.domain.model import Choice, Pool
from bot.domain.said import Chosen
from bot.domain.tickets import TicketPatterns
from bot.domain.typed import Activate, Cancel, Deactivate, Extend, Span
from cards import _builder as ac
from cards import _parts as parts
from cards import _words as w
from cards._faces import beside, fits, form
from cards._safe import plain
from cards.localised import text

_STYLES: Final = {
    Stage.WAITING: "accent",
    Stage.DENIED: "attention",
    Stage.WITHDRAWN: "emphasis",
    Stage.EXPIRED: "warning",
    Stage.FAILED: "attention",
    Stage.GRANTED: "accent",
    Stage.USABLE: "good",
    Stage.ENDING: "warning",
    Stage.ENDED: "emphasis",
}
_NO_QUOTES: Final = dict.fromkeys(map(ord, '"“”„‟«»'))
_EVERY_TICKET: Final = Options(TicketPatterns.of({}))
"""What a reason is searched for is the bot's to know: a ticket is always said as one."""
_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""No command that is read here says a time."""
_HELD: Final = frozenset({Stage.USABLE, Stage.ENDING})
_OVER: Final = frozenset({Stage.DENIED, Stage.WITHDRAWN, Stage.EXPIRED, Stage.FAILED, Stage.ENDED})


def body(content: ActivationCard) -> Iterator[ac.Element]:
    """How it stands first, then what was asked for."""
    activation = content.activation
    yield parts.header(parts.Headline(title(content), _note(content), _STYLES[content.stage]))
    yield from _hitch(activation)
    yield ac.rich(ac.run(role_name(content), size="large", weight="bolder"), spacing="medium")
    yield from _decision(content)
    yield from _times(content)
    yield from _asked(activation)
    if content.stage is Stage.WAITING:
        yield from _waiting(content)


def actions(content: ActivationCard) -> Iterator[ac.Element]:
    """Each button says what could be typed as well, about this very request or role at its scope."""
    activation = content.activation
    role, chosen = _command_name(activation), Chosen(activation.key, activation.scope)
    match content.stage:
        case Stage.WAITING:
            yield beside(text.WITHDRAW, render(Cancel(role)), Chosen(activation.request_id))
        case Stage.USABLE | Stage.ENDING:
            yield beside(text.EXTEND, render(Extend(role, _span(activation))), chosen)
            yield beside(text.GIVE_BACK, render(Deactivate(role)), chosen, style="destructive")
        case Stage.EXPIRED | Stage.FAILED | Stage.ENDED:
            yield _ask_again(activation, chosen)
    yield from parts.portal(content.portal_url)


def title(content: ActivationCard) -> str:
    return text.GRANTED_LATER if _later(content) else text.STAGES[content.stage]


def role_name(content: ActivationCard) -> str:
    activation = content.activation
    return plain(activation.role_name, w.ROLE) or plain(activation.key, w.ROLE) or text.NO_NAME


def _note(content: ActivationCard) -> str:
    how = content.activation.how_ended
    if how is not None and content.stage is Stage.ENDED:
        return text.HOW_ENDED[how]
    return text.GRANTED_LATER_NOTE if _later(content) else text.STAGE_NOTES[content.stage]


def _later(content: ActivationCard) -> bool:
    """Granted with a start that had not come when it was granted."""
    start, granted = content.activation.starts_at, content.activation.granted_at
    return content.stage is Stage.GRANTED and start is not None and granted is not None and start > granted


def _hitch(activation: Activation) -> Iterator[ac.Element]:
    if activation.hitch is not None:
        line = text.HITCHES.get(activation.hitch, text.HITCH_FALLBACK)
        yield ac.box([ac.words(line, weight="bolder")], style="warning", spacing="small")


def _decision(content: ActivationCard) -> Iterator[ac.Element]:
    decision = content.decision
    if decision is None:
        return
    by = text.NOT_SAID_WHO if decision.by is None else w.name(decision.by)
    verb = text.APPROVED_BY if decision.choice is Choice.APPROVE else text.DENIED_BY
    yield parts.row(verb, parts.said(by, weight="bolder"))
    yield parts.row(text.DECIDED_REASON, parts.said(plain(decision.justification, w.PROSE) or text.NO_REASON))


def _times(content: ActivationCard) -> Iterator[ac.Element]:
    activation = content.activation
    if content.stage in _HELD and activation.until is not None:
        yield parts.row(text.UNTIL, ac.words(w.when(activation.until), weight="bolder"))
    if content.stage in _HELD and (took := activation.propagation) is not None:
        span = w.duration(max(took, timedelta(seconds=1)))
        yield parts.row(text.USABLE_AFTER, ac.words(text.USABLE_AFTER_VALUE.format(span=span)))
    if content.stage in _HELD and activation.give_back_at is not None:
        line = text.WILL_BE_GIVEN_BACK_AT.format(time=w.time(activation.give_back_at))
        yield parts.row(text.WILL_BE_GIVEN_BACK, ac.words(line))
    ended = activation.ended_at or content.closed_at
    if content.stage in _OVER and ended is not None:
        yield parts.row(text.ENDED_AT, ac.words(w.when(ended)))


def _asked(activation: Activation) -> Iterator[ac.Element]:
    span = text.NO_END if activation.duration is None else w.duration(activation.duration)
    yield parts.row(text.HOW_LONG, parts.said(span))
    yield parts.row(text.OWN_WHY, parts.said(plain(activation.reason, w.PROSE) or text.NO_REASON))
    yield parts.row(text.WHERE, parts.said(w.scope(activation.scope)))
    if activation.ticket is not None and (ticket := parts.ticket(activation.ticket)):
        yield parts.row(text.TICKET, parts.said(ticket))
    if activation.starts_at is not None and activation.starts_at > activation.asked_at:
        yield parts.row(text.STARTS, ac.words(w.when(activation.starts_at)))


def _waiting(content: ActivationCard) -> Iterator[ac.Element]:
    if content.pool is not None:
        yield parts.who_can(content.pool)
    if isinstance(content.pool, Pool) and content.pool.unreadable is None and not content.pool.able:
        yield ac.box([ac.words(text.EMPTY_POOL, weight="bolder")], style="attention", spacing="small")
    if content.expires_at is not None:
        yield parts.row(text.OPENS, ac.words(w.when(content.expires_at)))


def _ask_again(activation: Activation, chosen: Chosen) -> ac.Element:
    """The same from now on; the form where no command on a button can say it."""
    role, span = _command_name(activation), _span(activation)
    wanted = Activate(role, None, span, None, activation.reason, activation.ticket)
    said = render(wanted, _EVERY_TICKET)
    if fits(said) and _reads_as(said, wanted):
        return beside(text.ASK_AGAIN, said, chosen)
    spoken = render(Activate(role, None, span, None, activation.reason))
    return form(text.ASK_AGAIN, spoken if fits(spoken) else render(Activate(role, None, span)), chosen)


def _reads_as(said: str, wanted: Activate) -> bool:
    """Whether nothing is lost; a number that was typed into the form may be none in a command."""
    read = parse(said, _ANY_TIME, ZoneInfo("UTC"))
    if not isinstance(read, Activate) or (read.span, read.starts_at) != (wanted.span, None):
        return False
    return wanted.ticket is None or (read.ticket is not None and read.ticket.number == wanted.ticket.number)


def _command_name(activation: Activation) -> str:
    """The role's name as its user would type it. Quotes in it would end those around it; which role
    is meant, says what goes along as chosen.
    """
    return plain(activation.role_name, w.ROLE).translate(_NO_QUOTES).strip() or activation.key


def _span(activation: Activation) -> Span:
    """As much again as was asked for, to the minute; nothing when that is not known."""
    if activation.duration is None or activation.duration < timedelta(minutes=1):
        return Span()
    return Span(duration=timedelta(minutes=activation.duration // timedelta(minutes=1)))
