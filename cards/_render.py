"""From domain values to Adaptive Cards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

from bot.domain.content import ActivationCard, CardContent, ConductCard, Note, OpsCard
from bot.domain.model import State
from bot.domain.replies import FormReply, Reply
from cards import _activation, _conduct, _ops, _outcomes, _replies, _request
from cards import _builder as ac
from cards import _parts as parts
from cards import _words as w
from cards._faces import Face, header
from cards.language import negotiated, speaking
from cards.localised import text
from cards.localised import text_commands as t

_FULL_WIDTH: Final = {"width": "Full"}


def render(content: CardContent) -> dict[str, Any]:
    """The card for ``content``: Adaptive Cards 1.5 as JSON values, under 20 KB whatever the
    requester wrote. Never raises for a domain value.
    """
    with _theirs(content):
        return _render(content)


def _theirs(content: CardContent) -> AbstractContextManager[None]:
    """A living card speaks its reader's language, whoever has it drawn."""
    theirs = content.activation.language if isinstance(content, ActivationCard) else None
    return speaking(negotiated(theirs))


def _render(content: CardContent) -> dict[str, Any]:
    if isinstance(content, Note):
        return message_card(content.key)
    if isinstance(content, Reply):
        return _reply(content)
    line = summary(content)
    fallback = text.FALLBACK.format(summary=line)
    body: Iterator[ac.Element]
    actions: Iterator[ac.Element]
    more: dict[str, Any] = {}
    if isinstance(content, ActivationCard):
        body, actions = _activation.body(content), _activation.actions(content)
    elif isinstance(content, ConductCard):
        body, actions = _conduct.body(content), _conduct.actions(content)
    elif isinstance(content, OpsCard):
        body, actions = _ops.body(content), _ops.actions(content)
    else:
        body, actions, more = _request.body(content), _request.actions(content), _request.more(content)
    return ac.card(body, actions, fallback_text=fallback, speak=line, msteams=_FULL_WIDTH, **more)


def summary(content: CardContent) -> str:
    """The card in one line of plain text, for the notification and the list view."""
    with _theirs(content):
        return _summary(content)


def _summary(content: CardContent) -> str:
    if isinstance(content, Reply):
        return _spoken(_face(content).title)
    if isinstance(content, ConductCard):
        return _conduct.summary(content)
    if isinstance(content, ActivationCard):
        state = _spoken(_activation.title(content))
        return text.SUMMARY_OWN.format(state=state, role=_activation.role_name(content))
    if isinstance(content, Note):
        return _spoken(text.MESSAGES.get(content.key, text.MESSAGES["error"])[0])
    request = content.request
    name, role = w.name(request.requester), parts.role_name(request)
    if isinstance(content, OpsCard) and (w.is_open(request) or _ops.is_alarm(content)):
        return text.SUMMARY_PING.format(ping=_spoken(_ops.title(content)), name=name, role=role)
    if request.state is not State.PENDING:
        state = _spoken(parts.of_state(request).title)
        return text.SUMMARY_STATE.format(state=state, name=name, role=role)
    template = text.SUMMARY_OVERDUE if request.rung else text.SUMMARY_PENDING
    span = text.SUMMARY_NO_END if request.duration is None else w.duration(request.duration)
    return template.format(
        name=name, role=role, danger=text.SUMMARY_DANGERS[request.role.danger], duration=span
    )


def _face(reply: Reply) -> Face:
    if isinstance(reply, _outcomes.Done):
        return _outcomes.face(reply)
    return _replies.face(reply)


def _reply(reply: Reply) -> dict[str, Any]:
    shown = _face(reply)
    line = _spoken(shown.title)
    body = [header(shown), *shown.rows]
    fallback = text.FALLBACK.format(summary=line)
    return ac.card(body, shown.actions, fallback_text=fallback, speak=line, msteams=_FULL_WIDTH)


def public_reply(reply: Reply) -> dict[str, Any]:
    """The same without buttons, for a channel, where anybody could press them."""
    return {**_reply(reply), "actions": []}


def dialog_reply(reply: Reply) -> dict[str, Any]:
    """The same in a dialog, which one person sees: with links, and without the buttons that dialogs
    don't press.
    """
    card = _reply(reply)
    links = [one for one in card.get("actions", []) if one["type"] == "Action.OpenUrl"]
    return {**card, "actions": links}


def form(reply: FormReply) -> dict[str, Any]:
    """The card of the form, for a Teams dialog."""
    send = ac.submit(t.FORM_SEND, {"verb": "form"}, style="positive")
    return ac.card(_replies.form_fields(reply), [send], fallback_text=t.FORM, speak=t.FORM)


def message_card(text_key: str) -> dict[str, Any]:
    """A short answer that belongs to no request; ``text_key`` is a key of
    ``cards.text.MESSAGES``, anything else reads as ``error``.
    """
    title, note = text.MESSAGES.get(text_key, text.MESSAGES["error"])
    line = f"{_spoken(title)}. {note}"
    body = [parts.header(parts.Headline(title, note, "emphasis"))]
    return ac.card(body, [], fallback_text=line, speak=line)


def _spoken(title: str) -> str:
    """Without the glyph in front, which a screen reader would spell out."""
    glyph, _, rest = title.partition(" ")
    return rest if len(glyph) == 1 and not glyph.isascii() else title
