"""The card of a request, for everyone and for one viewer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bot.domain import sla
from bot.domain.content import RequestCard, Viewer
from bot.domain.model import ApprovalRequest, Choice, Pool, Reason, State
from cards import _builder as ac
from cards import _parts as parts
from cards import _words as w
from cards._safe import plain
from cards.localised import text

REASON_LIMIT: Final = 500
"""Characters of an approver's reason."""

_NOTICE_STYLES: Final = {
    "recorded-approved": "good",
    "recorded-denied": "attention",
    "already-decided": "emphasis",
    "being-decided": "emphasis",
    "still-recording": "emphasis",
    "not-open": "emphasis",
    "not-decidable-here": "emphasis",
    "vote-counted": "good",
    "already-voted": "emphasis",
    "sign-in-blocked": "attention",
    "refused": "attention",
    "assertion-mismatch": "attention",
}
"""By key; everything else is a warning."""


def body(content: RequestCard) -> Iterator[ac.Element]:
    """Everything above the buttons, most urgent first."""
    request = content.request
    yield parts.header(headline(request))
    yield from _banners(content)
    yield parts.role(request)
    yield from _outcome(request)
    yield from parts.wish(request)
    if w.is_open(request):
        yield from parts.votes(request)
        yield from _deadlines(request)
        if request.decidable_here and request.state is State.PENDING:
            yield parts.deciders(request, you=content.viewer is Viewer.ABLE)
    if _decidable(content) and not (content.viewer is Viewer.VOTED and _asks_when_denied(request)):
        yield _reason(request)


def actions(content: RequestCard) -> Iterator[ac.Element]:
    yield from parts.link(content.sign_in_link, text.SIGN_IN)
    if _decidable(content):
        if content.viewer is not Viewer.VOTED:
            yield _button(content, "approve", text.APPROVE, "positive")
        yield _deny(content)
    if not _must_keep_out(content):
        yield from parts.portal(content.portal_url)


def more(content: RequestCard) -> dict[str, Any]:
    """``refresh``, while there is something to see that differs from viewer to viewer."""
    if not content.refresh_user_ids or not w.is_open(content.request):
        return {}
    return {"refresh": ac.refresh("refresh", {"request": content.request.id}, content.refresh_user_ids)}


def headline(request: ApprovalRequest) -> parts.Headline:
    if request.state is not State.PENDING or request.rung == 0:
        return parts.of_state(request)
    waited = sla.offset(request.sla, request.rung)
    note = text.PINGED_NOTE if waited is None else text.OVERDUE_NOTE.format(waited=w.duration(waited))
    return parts.Headline(text.OVERDUE, note, "warning")


def _decidable(content: RequestCard) -> bool:
    """Whether a click is worth offering. The forecast may be out of date, so an approver whom it
    counts out keeps the buttons on everyone's card; the click is judged on live facts. Whoever was
    refused only because a fact could not be read can try again.
    """
    request = content.request
    has_pool = isinstance(request.pool, Pool) and bool(request.pool.members)
    open_here = request.state is State.PENDING and request.decidable_here
    return open_here and has_pool and not _must_keep_out(content)


def _must_keep_out(content: RequestCard) -> bool:
    """The portal is no way round a conflict: PIM itself stops self-approval only. It stays the
    way out for those who are refused because a fact could not be read.
    """
    return _refused(content) and any(r.reason is not Reason.FACT_UNREADABLE for r in content.refusals)


def _refused(content: RequestCard) -> bool:
    return content.viewer is Viewer.REFUSED and w.is_open(content.request)


def _banners(content: RequestCard) -> Iterator[ac.Element]:
    request = content.request
    reasons = dict.fromkeys(w.refusal(why) for why in content.refusals) if _refused(content) else {}
    if content.notice is not None and not (content.notice == "refused" and reasons):
        yield _banner(_NOTICE_STYLES.get(content.notice, "warning"), notice(content.notice))
    if reasons:
        title = notice("refused") if content.notice == "refused" else text.REFUSED
        yield _banner("attention", title, *reasons)
    if not w.is_open(request):
        return
    if not request.decidable_here:
        yield _banner("emphasis", text.NOT_DECIDABLE)
    else:
        yield from _pool_banner(content)


def _pool_banner(content: RequestCard) -> Iterator[ac.Element]:
    request = content.request
    hint = (text.CHECKED_AGAIN,) if _decidable(content) else ()
    if w.unreadable(request.pool):
        yield _banner("warning", text.UNREADABLE_POOL, *hint)
    elif isinstance(request.pool, Pool) and not request.pool.able:
        yield _banner("attention", text.EMPTY_POOL, *hint)


def notice(key: str) -> str:
    return text.NOTICES.get(key, text.NOTICE_FALLBACK)


def _banner(style: str, title: str, *lines: str) -> ac.Element:
    items = [ac.words(title, weight="bolder"), *(ac.rich(ac.run(line), spacing="small") for line in lines)]
    return ac.box(items, style=style, spacing="small")


def _deadlines(request: ApprovalRequest) -> Iterator[ac.Element]:
    """Points in time, because a card does not tick."""
    lines = []
    after = sla.offset(request.sla, request.rung + 1)
    if after is not None and request.requested_at + after < request.expires_at:
        lines.append(text.OPS_PINGED_AT.format(time=w.time(request.requested_at + after)))
    lines.append(text.LAPSES_AT.format(time=w.when(request.expires_at)))
    first, *rest = [ac.words(line) for line in lines]
    for line in rest:
        line.spacing = "none"
    yield parts.row(text.TIME_LEFT, first, *rest)


def _outcome(request: ApprovalRequest) -> Iterator[ac.Element]:
    """Who decided what and when, as far as Graph has confirmed it."""
    if request.state is State.DECIDING and request.claim is not None:
        yield parts.row(text.DECIDING_BY, parts.said(w.name(request.claim.by)))
    elif (decision := request.decision) is not None:
        by = text.NOT_SAID_WHO if decision.by is None else w.name(decision.by)
        verb = text.APPROVED_BY if decision.choice is Choice.APPROVE else text.DENIED_BY
        yield parts.row(verb, parts.said(by, weight="bolder"))
        yield parts.row(
            text.DECIDED_REASON, parts.said(plain(decision.justification, w.PROSE) or text.NO_REASON)
        )
        yield parts.row(text.DECIDED_AT, ac.words(w.when(decision.at)))
    elif request.state is State.DECIDED_ELSEWHERE:
        yield parts.row(text.DECISION, parts.said(text.NOT_SAID_HOW))
    if request.usable_at is not None:
        yield parts.row(text.USABLE_SINCE, ac.words(w.when(request.usable_at)))
    if request.state is State.ACTIVE and request.usable_until is not None:
        yield parts.row(text.UNTIL, ac.words(w.when(request.usable_until)))
    over = request.state is State.ENDED or request.decision is None
    if request.ended_at is not None and over and not w.is_open(request):
        yield parts.row(text.ENDED_AT, ac.words(w.when(request.ended_at)))


def _policy_asks(request: ApprovalRequest) -> bool:
    return isinstance(request.pool, Pool) and request.pool.justification_required


def _asks_when_denied(request: ApprovalRequest) -> bool:
    return request.denial_needs_reason and not _policy_asks(request)


def _deny(content: RequestCard) -> ac.Element:
    """The button; where only a denial takes a reason, one that opens a field for it first, since a
    card can't demand a field for one of two buttons.
    """
    button = _button(content, "deny", text.DENY, "destructive")
    if not _asks_when_denied(content.request):
        return button
    field = ac.text_input(
        "deny_reason",
        label=text.DENIAL_REASON_LABEL,
        isMultiline=True,
        maxLength=REASON_LIMIT,
        isRequired=True,
        errorMessage=text.DENIAL_REASON_MISSING,
    )
    return ac.show_card(text.DENY_OPEN, [field], [button], style="destructive")


def _reason(request: ApprovalRequest) -> ac.Element:
    required = _policy_asks(request)
    label = text.REASON_LABEL if required else text.REASON_LABEL_OPTIONAL
    return ac.text_input(
        "reason",
        label=label,
        placeholder=text.REASON_PLACEHOLDER,
        isMultiline=True,
        maxLength=REASON_LIMIT,
        **({"isRequired": True, "errorMessage": text.REASON_MISSING} if required else {}),
    )


def _button(content: RequestCard, verb: str, title: str, style: str) -> ac.Element:
    data = {"request": content.request.id, "verb": verb}
    return ac.execute(verb, data, title=title, style=style)
