"""Answers to commands that ask, and to what can't be done as it was said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeVar, assert_never

from bot.domain.activation import ActiveRole, EligibleRole
from bot.domain.commands import COMMANDS, CommandName
from bot.domain.model import Pool, Unreadable
from bot.domain.replies import (
    ApproversReply,
    FormOffer,
    FormReply,
    HelpReply,
    HowLong,
    NoneFitting,
    NoticeReply,
    OwnRequest,
    PendingReply,
    RolesReply,
    StatusReply,
    UnreadReply,
    Waiting,
    WhichOne,
)
from bot.domain.said import role_value
from cards import _builder as ac
from cards import _parts as parts
from cards import _words as w
from cards._faces import COMMAND, TYPED, Face, again, fits, form, line, role
from cards._safe import plain
from cards.language import translated
from cards.localised import text
from cards.localised import text_commands as t

Asked = (
    HelpReply | UnreadReply | RolesReply | StatusReply | PendingReply | ApproversReply | WhichOne
    | NoneFitting | HowLong | FormOffer | NoticeReply
)  # fmt: skip
T = TypeVar("T")
_OPTIONS: Final = 12
_ROWS: Final = 20
"""Roles or requests listed; Teams takes no message of more than about 80 KB."""
_NAMES: Final = 10
_A_ROW: Final = 3
"""Buttons beside each other; Teams shows at most six of a set."""


def face(reply: Asked) -> Face:
    match reply:
        case HelpReply():
            return _help()
        case UnreadReply():
            return _unread(reply)
        case RolesReply():
            return Face(t.MY_ROLES, rows=tuple(_roles(reply)), actions=(form(t.FORM_OPEN, ""),))
        case StatusReply():
            return Face(t.STATUS, rows=tuple(_status(reply)))
        case PendingReply():
            note = "" if reply.requests else t.NOTHING_PENDING
            return Face(t.PENDING, note, rows=tuple(_listed(reply.requests, _waiting)))
        case ApproversReply():
            return _approvers(reply)
        case WhichOne() | NoneFitting() | HowLong():
            return _unclear(reply)
        case FormOffer():
            example = line(COMMANDS[0].example, fontType="monospace")
            return Face(t.FORM, t.FORM_OFFER, rows=(example,), actions=(form(t.FORM_OPEN, reply.text),))
        case NoticeReply():
            title, note = t.NOTICES[reply.notice]
            return Face(title, note)
        case _:
            assert_never(reply)


def _help() -> Face:
    rows = [
        ac.rich(ac.run(info.syntax, weight="bolder"), ac.run(f"  {translated(info.help)}"), spacing="small")
        for info in COMMANDS
    ]
    example = ac.rich(ac.run(f"{t.HELP_EXAMPLE} "), ac.run(COMMANDS[0].example, fontType="monospace"))
    return Face(t.HELP, t.HELP_NOTE, rows=(*rows, example))


def _unread(reply: UnreadReply) -> Face:
    if reply.suggestion == "help":
        return Face(t.UNREAD[reply.why], t.NEAREST_HELP, actions=(again("help", "help"),))
    suggestion = line(plain(reply.suggestion, COMMAND), fontType="monospace")
    actions = (again(t.DO_IT, reply.suggestion),) if fits(reply.suggestion) else ()
    return Face(t.UNREAD[reply.why], t.NEAREST, rows=(suggestion,), actions=actions)


# Roles and requests --------------------------------------------------------------------------


def _roles(reply: RolesReply) -> Iterator[ac.Element]:
    yield _heading(t.ACTIVE)
    yield from _listed(reply.active, _held, t.NONE_ACTIVE)
    yield _heading(t.ELIGIBLE)
    yield from _listed(reply.eligible, _eligible, t.NONE_YOURS)


def _listed(
    items: Sequence[T], rows: Callable[[T], Iterable[ac.Element]], otherwise: str = ""
) -> Iterator[ac.Element]:
    """As many as a card may hold, and how many more there are."""
    for item in items[:_ROWS]:
        yield from rows(item)
    if len(items) > _ROWS:
        yield line(t.AND_MORE.format(n=len(items) - _ROWS), isSubtle=True)
    if not items and otherwise:
        yield line(otherwise, isSubtle=True)


def _held(held: ActiveRole) -> Iterator[ac.Element]:
    yield _timed(role(held.display_name, held.scope), t.UNTIL, held.until)


def _eligible(one: EligibleRole) -> Iterator[ac.Element]:
    name = role(one.display_name, one.scope, one.scope_name)
    yield line(name) if one.ends_at is None else _timed(name, t.ELIGIBLE_UNTIL, one.ends_at)


def _heading(title: str) -> ac.Element:
    return ac.words(title, weight="bolder", spacing="medium")


def _timed(name: str, label: str, until: datetime | None) -> ac.Element:
    """A name that is a stranger's text, beside a time that only our own text may hold."""
    when = t.NO_END if until is None else f"{label} {w.when(until)}"
    return ac.columns(
        ac.column([ac.rich(ac.run(name))], "stretch"), ac.column([ac.words(when)], "auto"), spacing="small"
    )


def _status(reply: StatusReply) -> Iterator[ac.Element]:
    yield _heading(t.WAITING)
    yield from _listed(reply.waiting, _own, t.NOTHING_WAITING)
    yield _heading(t.ACTIVE)
    yield from _listed(reply.active, _held, t.NONE_ACTIVE)


def _own(request: OwnRequest) -> Iterator[ac.Element]:
    yield _timed(role(request.role_name, request.pim.scope), t.ASKED_AT, request.pim.created_at)
    pool = request.known.pool if request.known else None
    if isinstance(pool, Pool):
        names = w.able(pool)
        yield line(t.CAN_DECIDE.format(names=names) if names else t.NOBODY_CAN, isSubtle=True)


def _waiting(waiting: Waiting) -> Iterator[ac.Element]:
    request = waiting.request
    span = text.NO_END if request.duration is None else w.duration(request.duration)
    said = t.PENDING_LINE.format(name=w.name(request.requester), role=parts.role_name(request), duration=span)
    yield _timed(said, t.ASKED_AT, request.requested_at)
    if waiting.refusals:
        yield line(t.CANT_DECIDE.format(reason=w.refusal(waiting.refusals[0])), isSubtle=True)
    else:
        data = {"verb": "refresh", "request": request.id}
        yield ac.buttons([ac.execute("refresh", data, title=t.SHOW)], spacing="small")


def _approvers(reply: ApproversReply) -> Face:
    title = t.APPROVERS.format(role=plain(reply.role_name, w.ROLE))
    if isinstance(reply.pool, Unreadable):
        return Face(title, "", "warning", (line(w.unreadable(reply.pool)),))
    if not reply.approval_required:
        return Face(title, t.NO_APPROVAL)
    return Face(title, t.SEPARATED, rows=(parts.who_can(reply.pool),))


# What is not clear ---------------------------------------------------------------------------


def _unclear(reply: WhichOne | NoneFitting | HowLong) -> Face:
    match reply:
        case WhichOne():
            return _which(reply)
        case HowLong():
            picks = [again(w.duration(span), said, reply.chosen) for span, said in reply.texts if fits(said)]
            rows = (line(plain(reply.role_name, w.ROLE), weight="bolder"),)
            return Face(t.HOW_LONG, t.HOW_LONG_NOTE, "accent", rows, tuple(picks))
        case NoneFitting():
            return _none(reply)
        case _:
            assert_never(reply)


def _which(reply: WhichOne) -> Face:
    shown = reply.options[:_OPTIONS] if fits(reply.text) else ()
    picks = [again(role(one.name, one.scope, one.scope_name), reply.text, one.chosen) for one in shown]
    rows = [ac.buttons(picks[i : i + _A_ROW], spacing="small") for i in range(0, len(picks), _A_ROW)]
    more = len(reply.options) - len(shown)
    if more:
        rows.append(line(t.MORE.format(n=more), isSubtle=True))
    note = t.WHICH_TYPED.format(typed=plain(reply.typed, TYPED)) if reply.typed else t.WHICH_UNSAID
    return Face(t.WHICH, "", "accent", (line(note), *rows))


def _none(reply: NoneFitting) -> Face:
    names = [plain(name, w.ROLE) for name in reply.names[:_NAMES]]
    fits_none, named_none, yours, nothing = _none_words(reply.command)
    rows = [line(yours.format(names=w.listed(names)) if names else nothing)]
    title = fits_none.format(typed=plain(reply.typed, TYPED)) if reply.typed else named_none
    if reply.suggestion is None:
        return Face(title, "", "warning", tuple(rows))
    rows += [ac.words(t.NEAREST), line(plain(reply.suggestion, COMMAND), fontType="monospace")]
    actions = (again(t.DO_IT, reply.suggestion),) if fits(reply.suggestion) else ()
    return Face(title, "", "warning", tuple(rows), actions)


def _none_words(command: CommandName) -> tuple[str, str, str, str]:
    """That none fits what was named, or none is there; which there are, or that there are none."""
    match command:
        case CommandName.EXTEND | CommandName.DEACTIVATE:
            return t.NO_ACTIVE_FITS, t.NO_ACTIVE, t.YOUR_ACTIVE, t.NOTHING_ACTIVE
        case CommandName.CANCEL:
            return t.NO_WAITING_FITS, t.NOTHING_TO_WITHDRAW, t.YOUR_WAITING, t.NOTHING_WAITING
        case _:
            return t.NONE_FITS, t.NONE_NAMED, t.YOURS, t.NONE_YOURS


# The form ------------------------------------------------------------------------------------


def form_fields(reply: FormReply) -> Iterator[ac.Element]:
    """The fields, filled with what is known."""
    if reply.fault is not None:
        yield ac.words(t.FORM_FAULTS[reply.fault], weight="bolder", color="attention")
    filled = reply.filled
    values = [
        (role_value(one.key, one.scope), role(one.display_name, one.scope, one.scope_name))
        for one in reply.roles
    ]
    known = {"value": filled.role} if filled.role in dict(values) else {}
    yield ac.choice_input(
        "role", values, label=t.FORM_ROLE, isRequired=True, errorMessage=t.FORM_ROLE_MISSING, **known
    )
    yield _field("duration", t.FORM_DURATION, t.FORM_DURATION_HINT, filled.duration, required=True)
    yield _field("reason", t.FORM_REASON, t.FORM_REASON_HINT, filled.reason, isMultiline=True)
    yield _field("ticket", t.FORM_TICKET, t.FORM_TICKET_HINT, filled.ticket)


def _field(
    name: str, label: str, hint: str, value: str, *, required: bool = False, **more: object
) -> ac.Element:
    if required:
        more |= {"isRequired": True, "errorMessage": t.FORM_DURATION_MISSING}
    if value:
        more["value"] = value
    return ac.text_input(name, label=label, placeholder=hint, maxLength=_LIMITS[name], **more)


_LIMITS: Final = {"duration": 40, "reason": 500, "ticket": 64}
