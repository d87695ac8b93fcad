"""Answers to commands that do something: what came of it, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from bot.domain import activation as a
from bot.domain.grammar import render as typed
from bot.domain.replies import (
    Activated,
    GaveBack,
    InTrouble,
    NothingBefore,
    Prolonged,
    Took,
    TooMany,
)
from bot.domain.said import Chosen
from bot.domain.typed import Activate, Deactivate, Span
from cards import _builder as ac
from cards import _parts as parts
from cards import _words as w
from cards._faces import Face, again, fits, form, line, role
from cards._safe import plain
from cards.localised import text
from cards.localised import text_commands as t

Done = Activated | GaveBack | Took | Prolonged | TooMany | NothingBefore | InTrouble


def face(reply: Done) -> Face:
    match reply:
        case Activated():
            return _activated(reply)
        case GaveBack():
            return _gave_back(reply)
        case Took():
            return _took(reply)
        case Prolonged():
            return _prolonged(reply)
        case TooMany():
            rows = (ac.words(f"{t.TOO_MANY_NOTE} {w.time(reply.again_at)}."),)
            return Face(t.TOO_MANY.format(limit=reply.limit), "", "warning", rows)
        case NothingBefore():
            return Face(t.NOTHING_BEFORE, t.NOTHING_BEFORE_NOTE)
        case InTrouble():
            return trouble(reply.trouble)
        case _:
            assert_never(reply)


def _name(wish: a.Wish) -> ac.Element:
    shown = role(wish.role.display_name, wish.role.scope, wish.role.scope_name)
    return line(shown, weight="bolder")


def _chosen(wish: a.Wish) -> Chosen:
    return Chosen(wish.role.key, wish.role.scope)


# Asking for a role ---------------------------------------------------------------------------


def _activated(reply: Activated) -> Face:
    return _of_activation(reply.wish, reply.outcome, reply.instead_text)


def _of_activation(wish: a.Wish, outcome: a.ActivationOutcome, instead_text: str | None) -> Face:
    name = _name(wish)
    match outcome:
        case a.Sent():
            return Face(t.SENT, t.SENT_NOTE, "good", (name, *_asked(wish)))
        case a.NeedsChange():
            rows = (name, *(_problem(problem) for problem in outcome.problems))
            return Face(t.NEEDS_CHANGE, "", "warning", rows, tuple(_remedies(wish, outcome, instead_text)))
        case a.AlreadyActive(role=held):
            rows = (
                (name,) if held.until is None else (name, ac.words(f"{t.ACTIVE_UNTIL} {w.when(held.until)}"))
            )
            return Face(t.ALREADY_ACTIVE, "", "emphasis", rows)
        case a.AlreadyPending():
            return Face(t.ALREADY_PENDING, t.ALREADY_PENDING_NOTE, "emphasis", (name,))
        case a.NotEligible():
            return Face(t.NOT_ELIGIBLE, t.NOT_ELIGIBLE_NOTE, "warning", (name,))
        case a.PolicyRefused():
            rules = [t.RULES.get(rule) or t.RULE.format(name=plain(rule, w.GROUP)) for rule in outcome.rules]
            return Face(t.POLICY_REFUSED, "", "warning", (name, *map(line, rules)))
        case _:
            return trouble(outcome)


def _asked(wish: a.Wish) -> Iterator[ac.Element]:
    yield parts.row(text.HOW_LONG, parts.said(w.duration(wish.duration)))
    if wish.starts_at is not None:
        yield parts.row(text.STARTS, ac.words(w.when(wish.starts_at)))
    if wish.ticket is not None:
        yield parts.row(text.TICKET, parts.said(parts.ticket(wish.ticket)))


def _problem(problem: a.Problem) -> ac.Element:
    match problem:
        case a.TooLong():
            return line(t.TOO_LONG.format(limit=w.duration(problem.limit)))
        case a.TooShort():
            return line(t.TOO_SHORT)
        case a.OutlastsEligibility():
            return ac.words(f"{t.OUTLASTS} {w.when(problem.ends_at)}.", spacing="small")
        case a.ReasonMissing():
            return line(t.REASON_MISSING)
        case a.ReasonTooLong():
            return line(t.REASON_TOO_LONG.format(limit=problem.limit))
        case a.TicketMissing():
            return line(t.TICKET_MISSING)
        case _:
            assert_never(problem)


def _remedies(wish: a.Wish, outcome: a.NeedsChange, instead_text: str | None) -> Iterator[ac.Element]:
    """One click where one is enough; otherwise the form, filled with what was said."""
    if outcome.instead is not None and instead_text is not None and fits(instead_text):
        title = t.USE.format(duration=w.duration(outcome.instead.duration))
        yield again(title, instead_text, _chosen(wish), style="positive")
    else:
        said = Activate(
            wish.role.display_name, None, Span(duration=wish.duration), None, wish.reason, wish.ticket
        )
        yield form(t.FILL_IN, typed(said), _chosen(wish))


# Giving back, withdrawing, extending ---------------------------------------------------------


def _gave_back(reply: GaveBack) -> Face:
    name, outcome = plain(reply.role_name, w.ROLE), reply.outcome
    match outcome:
        case a.GivenBack():
            return Face(t.GIVEN_BACK.format(role=name), "", "good")
        case a.NotActive():
            return Face(t.NOT_ACTIVE.format(role=name))
        case a.TooEarly():
            rows = (ac.words(f"{t.TOO_EARLY_NOTE} {w.time(outcome.possible_at)}."),)
            said = typed(Deactivate(reply.role_name))
            then = again(t.GIVE_BACK_THEN, said, reply.chosen, confirmed=True)
            return Face(t.TOO_EARLY.format(role=name), "", "warning", rows, (then,))
        case a.WillGiveBack():
            rows = (ac.words(w.when(outcome.at), weight="bolder"),)
            return Face(t.WILL_GIVE_BACK.format(role=name), "", "good", rows)
        case _:
            return trouble(outcome)


def _took(reply: Took) -> Face:
    rows = () if reply.role_name is None else (line(plain(reply.role_name, w.ROLE), weight="bolder"),)
    match reply.outcome:
        case a.Withdrawn():
            return Face(t.WITHDRAWN, t.WITHDRAWN_NOTE, "good", rows)
        case a.NothingPending() | a.WhichOne():
            return Face(t.NOTHING_TO_WITHDRAW)
        case a.NotWithdrawable():
            return Face(t.NOT_WITHDRAWABLE, t.NOT_WITHDRAWABLE_NOTE, "emphasis", rows)
        case _:
            return trouble(reply.outcome)


def _prolonged(reply: Prolonged) -> Face:
    name, outcome = plain(reply.wish.role.display_name, w.ROLE), reply.outcome
    match outcome:
        case a.Extended():
            return Face(t.EXTENDED.format(role=name), t.SENT_NOTE, "good", tuple(_asked(reply.wish)))
        case a.ExtensionCosts():
            yes = again(t.EXTENSION_YES, reply.text, _chosen(reply.wish), confirmed=True, style="destructive")
            title = t.EXTENSION_COSTS.format(role=name)
            return Face(title, "", "warning", tuple(_costs(outcome)), (yes,))
        case a.GivenBack() | a.NotActive() | a.TooEarly() | a.WillGiveBack():
            return _gave_back(GaveBack(reply.wish.role.display_name, outcome, _chosen(reply.wish)))
        case _:
            return _of_activation(reply.wish, outcome, None)


def _costs(costs: a.ExtensionCosts) -> Iterator[ac.Element]:
    yield line(t.EXTENSION_STEPS.format(duration=w.duration(costs.wish.duration)))
    if costs.approval_required:
        yield line(t.EXTENSION_APPROVAL)
    gone = costs.usually_gone_for
    yield line(t.EXTENSION_UNKNOWN if gone is None else t.EXTENSION_GONE.format(duration=w.duration(gone)))
    if costs.possible_at is not None:
        yield ac.words(f"{t.EXTENSION_FROM} {w.time(costs.possible_at)}.", spacing="small")


# Trouble -------------------------------------------------------------------------------------


def trouble(of: a.Trouble) -> Face:
    title, note = t.TROUBLES.get(type(of), t.TROUBLE_FALLBACK)
    link = of.link if isinstance(of, a.Curable) else None
    if link is not None:
        note = t.TROUBLE_LINKED
    rows: list[ac.Element] = []
    if isinstance(of, a.Rejected) and of.code:
        rows.append(line(t.CODE.format(code=plain(of.code, w.GROUP)), isSubtle=True))
    return Face(title, note, "warning", tuple(rows), tuple(parts.link(link, text.SIGN_IN)))
