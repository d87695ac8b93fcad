"""Answers to commands: every one can be drawn, says what it has to, and holds strangers' text only
where it is shown letter for letter.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from card_variants import EMPTY, POOL, REQUEST
from jsonschema import Draft6Validator
from test_card_golden import parts, validator

import cards
from bot.domain import activation as a
from bot.domain.commands import COMMANDS, CommandName
from bot.domain.model import PimRequest, PimStatus, Reason, Refusal, SignInNeeded, Ticket, Unreadable
from bot.domain.replies import (
    Activated,
    ApproversReply,
    FormFault,
    FormOffer,
    FormReply,
    GaveBack,
    HelpReply,
    HowLong,
    InTrouble,
    NoneFitting,
    NothingBefore,
    Notice,
    NoticeReply,
    Option,
    OwnRequest,
    PendingReply,
    Prolonged,
    Reply,
    RolesReply,
    StatusReply,
    Took,
    TooMany,
    UnreadReply,
    Waiting,
    WhichOne,
)
from bot.domain.said import Chosen, Filled, role_value
from bot.domain.typed import Unread
from cards import text_commands as t

_ = validator  # the fixture
AT = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
EVIL = "evil **b** [x](https://evil.example) {{DATE(2026-01-01T00:00:00Z)}} <at>evil</at> `c` \u202eevil"
AU = "/administrativeUnits/11111111-0000-4000-8000-000000000001"
ROLE = a.EligibleRole("194ae4cb-b126-40b2-bd5b-6091b380977d", EVIL, AU, EVIL, AT)
PLAIN = a.EligibleRole("r1", "Security Administrator", "/")
HELD = a.ActiveRole("r1", EVIL, "/", AT, AT)
WISH = a.Wish(ROLE, timedelta(hours=8), AT, EVIL, Ticket(EVIL, EVIL))
INSTEAD = a.Wish(ROLE, timedelta(hours=4), None, EVIL)
CHOSEN = Chosen("r1", "/")
LONG = f"activate x 1h because {'y' * 8000}"
PIM = PimRequest(
    id="q1",
    approval_id="q1",
    action="selfActivate",
    raw_status="PendingApproval",
    status=PimStatus.AWAITING_APPROVAL,
    principal_id="p",
    role_definition_id="r1",
    scope="/",
    justification=EVIL,
    ticket=None,
    duration=timedelta(hours=1),
    starts_at=None,
    created_at=AT,
)
TROUBLES: tuple[a.Trouble, ...] = (
    SignInNeeded(),
    a.StepUpNeeded("claims", "https://login.example/step-up"),
    a.ConsentNeeded(),
    a.ConsentDeclined("https://login.example/consent"),
    a.AdminConsentNeeded(),
    a.SignInExpired("https://login.example/expired"),
    a.SignInRevoked(),
    a.SignInBlocked(),
    a.AnotherAccount(),
    a.NotPermitted(("X.Read",)),
    a.LicenceMissing(),
    a.RoleGone(),
    a.ResourceLocked(),
    a.Unavailable(),
    a.OutcomeUnknown(),
    a.Rejected(EVIL),
)
PROBLEMS: tuple[a.Problem, ...] = (
    a.TooLong(timedelta(hours=4)),
    a.TooShort(),
    a.OutlastsEligibility(AT, None),
    a.ReasonMissing(),
    a.ReasonTooLong(500),
    a.TicketMissing(),
)
COSTS = a.ExtensionCosts(
    HELD, WISH, approval_required=True, possible_at=AT, usually_gone_for=timedelta(minutes=4)
)
ACTIVATIONS: tuple[a.ActivationOutcome, ...] = (
    a.Sent(PIM),
    a.NeedsChange(PROBLEMS, None),
    a.AlreadyActive(HELD),
    a.AlreadyActive(a.ActiveRole("r1", EVIL, "/", AT, None)),
    a.AlreadyPending(PIM),
    a.NotEligible(),
    a.PolicyRefused(("ExpirationRule", EVIL)),
    *TROUBLES,
)
REPLIES: dict[str, Reply] = {
    "help": HelpReply(),
    **{f"unread-{why}": UnreadReply(why, f"activate {EVIL} 2h") for why in Unread},
    "unread-help": UnreadReply(Unread.NO_COMMAND, "help"),
    "roles": RolesReply((ROLE, PLAIN), (HELD,)),
    "no-roles": RolesReply((), ()),
    "status": StatusReply((OwnRequest(PIM, EVIL), OwnRequest(PIM, EVIL, REQUEST)), (HELD,)),
    "no-status": StatusReply((), ()),
    "pending": PendingReply(
        (Waiting(REQUEST), Waiting(REQUEST, (Refusal(Reason.ELIGIBLE_THROUGH_GROUP, EVIL),)))
    ),
    "nothing-pending": PendingReply(()),
    "approvers": ApproversReply(EVIL, POOL),
    "no-approvers": ApproversReply(EVIL, EMPTY),
    "approvers-unreadable": ApproversReply(EVIL, Unreadable(EVIL, "down")),
    "no-approval": ApproversReply(EVIL, POOL, approval_required=False),
    "which": WhichOne(
        EVIL, "activate x 2h", tuple(Option(Chosen(str(n)), EVIL, AU, EVIL) for n in range(20))
    ),
    "which-unsaid": WhichOne("", "deactivate", (Option(CHOSEN, EVIL, "/"),)),
    "none": NoneFitting(CommandName.ACTIVATE, EVIL, (EVIL,) * 30, f"activate {EVIL} 2h"),
    "none-active-fits": NoneFitting(CommandName.EXTEND, EVIL, (EVIL,) * 30),
    "none-waiting-fits": NoneFitting(CommandName.CANCEL, EVIL, (EVIL,) * 30),
    "none-at-all": NoneFitting(CommandName.DEACTIVATE, "", ()),
    "how-long": HowLong(
        EVIL, CHOSEN, ((timedelta(hours=1), "activate x 1h"), (timedelta(hours=2), "activate x 2h"))
    ),
    "form-offer": FormOffer(f"activate {EVIL}"),
    **{f"activated-{n}": Activated(WISH, outcome) for n, outcome in enumerate(ACTIVATIONS)},
    "too-long": Activated(WISH, a.NeedsChange((a.TooLong(timedelta(hours=4)),), INSTEAD), "activate x 4h"),
    "given-back": GaveBack(EVIL, a.GivenBack(HELD), CHOSEN),
    "not-active": GaveBack(EVIL, a.NotActive(), CHOSEN),
    "too-early": GaveBack(EVIL, a.TooEarly(HELD, AT), CHOSEN),
    "will-give-back": GaveBack(EVIL, a.WillGiveBack(HELD, AT), CHOSEN),
    "not-given-back": GaveBack(EVIL, a.Unavailable(), CHOSEN),
    "withdrawn": Took(a.Withdrawn(PIM), EVIL),
    "nothing-to-withdraw": Took(a.NothingPending()),
    "not-withdrawable": Took(a.NotWithdrawable(PIM), EVIL),
    "withdrawal-unknown": Took(a.OutcomeUnknown(), EVIL),
    "extended": Prolonged(WISH, a.Extended(PIM), "extend x 1h"),
    "extension-costs": Prolonged(WISH, COSTS, "extend x 1h"),
    "extension-costs-unknown": Prolonged(
        WISH, a.ExtensionCosts(HELD, WISH, False, None, None), "extend x 1h"
    ),
    "extension-too-early": Prolonged(WISH, a.TooEarly(HELD, AT), "extend x 1h"),
    "extension-sent": Prolonged(WISH, a.Sent(PIM), "extend x 1h"),
    "too-many": TooMany(20, AT),
    "nothing-before": NothingBefore(),
    **{f"trouble-{type(one).__name__}": InTrouble(one) for one in TROUBLES},
    "many-roles": RolesReply((ROLE,) * 300, (HELD,) * 300),
    "much-status": StatusReply((OwnRequest(PIM, EVIL, REQUEST),) * 300, (HELD,) * 300),
    "much-pending": PendingReply((Waiting(REQUEST),) * 300),
    "long-suggestion": UnreadReply(Unread.LEFT_OVER, f"activate x 2h because {'y' * 8000}"),
    "long-which": WhichOne("x", LONG, tuple(Option(Chosen(str(n)), EVIL, AU, EVIL) for n in range(20))),
    "long-how-long": HowLong(EVIL, CHOSEN, ((timedelta(hours=1), LONG), (timedelta(hours=2), LONG))),
    "long-offer": FormOffer(LONG),
    "long-none": NoneFitting(CommandName.ACTIVATE, LONG, (EVIL,), LONG),
    "long-wish": Activated(WISH, a.NeedsChange((a.TooLong(timedelta(hours=4)),), INSTEAD), LONG),
    **{f"notice-{notice}": NoticeReply(notice) for notice in Notice},
}
every_reply = pytest.mark.parametrize("name", REPLIES)


def said(card: dict[str, Any]) -> str:
    return " ".join(str(part["text"]) for part in parts(card["body"]) if "text" in part)


def actions(card: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (part for part in parts(card) if part["type"].startswith("Action."))


def button(name: str) -> dict[str, Any]:
    (found,) = [one for one in actions(cards.render(REPLIES[name])) if one["type"] == "Action.Execute"]
    return found


@pytest.mark.parametrize("command", [CommandName.EXTEND, CommandName.DEACTIVATE])
def test_where_no_such_role_is_active_nothing_is_said_of_eligibility(command: CommandName) -> None:
    none = said(cards.render(NoneFitting(command, "Reader", ())))
    assert "No active role of yours fits “Reader”" in none
    assert "None of your roles is active" in none
    others = said(cards.render(NoneFitting(command, "Reader", ("Owner",))))
    assert "Active are: Owner." in others
    assert "You have no active role" in said(cards.render(NoneFitting(command, "", ())))
    assert "ligib" not in none + others


def test_what_waits_is_told_where_nothing_such_waits() -> None:
    drawn = said(cards.render(NoneFitting(CommandName.CANCEL, "Reader", ("Owner",))))
    assert "None of your waiting requests fits “Reader”" in drawn
    assert "wait for an approval: Owner." in drawn


def test_every_kind_of_reply_is_drawn_here() -> None:
    assert {type(reply) for reply in REPLIES.values()} == set(get_args(Reply))
    assert {type(one) for one in TROUBLES} == set(get_args(a.Trouble))
    assert {type(one) for one in PROBLEMS} == set(get_args(a.Problem))


def test_a_card_that_is_drawn_leaves_nothing_to_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        for reply in REPLIES.values():
            cards.render(reply)
        left = [held for held in gc.get_objects() if type(held).__module__ == "adaptivecardbuilder"]
    finally:
        gc.enable()
    assert not left


@every_reply
def test_what_is_read_aloud_of_an_answer_is_what_its_notification_shows(name: str) -> None:
    assert cards.render(REPLIES[name])["speak"] == cards.summary(REPLIES[name])


@every_reply
def test_a_reply_is_a_valid_small_card_with_a_summary(name: str, validator: Draft6Validator) -> None:
    card = cards.render(REPLIES[name])
    adaptive = {key: value for key, value in card.items() if key != "msteams"}
    assert not [error.message[:300] for error in validator.iter_errors(adaptive)]
    assert len(json.dumps(card, ensure_ascii=False).encode("utf-16-le")) < 60_000
    assert cards.summary(REPLIES[name])
    assert "\n" not in cards.summary(REPLIES[name])


@every_reply
def test_strangers_text_stands_only_where_it_is_shown_letter_for_letter(name: str) -> None:
    card = cards.render(REPLIES[name])
    for part in parts(card["body"]):
        if part["type"] == "TextBlock":
            assert "evil" not in part["text"]
        if part["type"] == "TextRun":
            assert not any(active in part["text"] for active in ("**", "](", "{{", "<at>", "\u202e"))
    assert "**" not in card["fallbackText"]
    assert "{{" not in card["speak"]


@every_reply
def test_in_a_channel_a_reply_has_no_buttons(name: str) -> None:
    assert cards.public_reply(REPLIES[name])["actions"] == []


def test_help_names_every_command() -> None:
    card = said(cards.render(HelpReply()))
    assert all(info.syntax in card and info.help in card for info in COMMANDS)


def test_a_button_says_the_command_and_the_choice_also_for_old_clients() -> None:
    use = button("too-long")
    assert use["title"] == "Use 4 hours"
    expected = {"verb": "command", "text": "activate x 4h", "key": ROLE.key, "scope": AU}
    assert use["verb"] == "command"
    assert use["data"] == use["fallback"]["data"] == expected


def test_what_has_consequences_goes_through_a_button_that_says_so() -> None:
    for name in ("too-early", "extension-costs", "extension-too-early"):
        assert button(name)["data"]["confirmed"] == "yes"
    confirmed = [
        n
        for n, r in REPLIES.items()
        for one in actions(cards.render(r))
        if "confirmed" in one.get("data", {})
    ]
    assert set(confirmed) == {
        "too-early",
        "extension-costs",
        "extension-costs-unknown",
        "extension-too-early",
    }


def test_the_costs_of_an_extension_are_all_told() -> None:
    card = said(cards.render(REPLIES["extension-costs"]))
    for told in (
        "giving it back first",
        "needs an approval again",
        "Lately it took 4 minutes",
        "at the earliest",
    ):
        assert told in card
    assert t.EXTENSION_UNKNOWN in said(cards.render(REPLIES["extension-costs-unknown"]))


def test_not_eligible_is_not_told_as_not_granted() -> None:
    index = next(n for n, outcome in enumerate(ACTIVATIONS) if isinstance(outcome, a.NotEligible))
    assert "Eligibility is what lets you ask" in said(cards.render(REPLIES[f"activated-{index}"]))


def test_every_problem_of_a_wish_is_told_and_the_form_offered_where_one_click_is_not_enough() -> None:
    card = cards.render(REPLIES["activated-1"])
    for told in (
        "4 hours at most",
        "at least a second",
        "Your eligibility ends",
        "a reason",
        "500",
        "a ticket",
    ):
        assert told in said(card)
    (form,) = card["actions"]
    assert form["data"]["msteams"] == {"type": "task/fetch"}


def test_a_pending_request_can_be_looked_at_by_those_who_can_decide_it() -> None:
    (show,) = [one for one in actions(cards.render(REPLIES["pending"])) if one["type"] == "Action.Execute"]
    assert (show["verb"], show["data"]) == ("refresh", {"verb": "refresh", "request": REQUEST.id})


def test_no_more_options_are_drawn_than_fit_and_the_rest_is_counted() -> None:
    card = cards.render(REPLIES["which"])
    assert len([one for one in actions(card) if one["type"] == "Action.Execute"]) == 12
    assert "8 more fit" in said(card)


def test_what_does_not_fit_is_counted() -> None:
    for name in ("many-roles", "much-status", "much-pending"):
        assert "and 280 more" in said(cards.render(REPLIES[name]))


# The form ----------------------------------------------------------------------------------------


def test_the_form_holds_ones_roles_and_what_was_said(validator: Draft6Validator) -> None:
    filled = Filled(role_value(ROLE.key, AU), "2h", EVIL, "77")
    card = cards.form(FormReply((ROLE, PLAIN), filled))
    assert not [error.message[:300] for error in validator.iter_errors(card)]
    fields = {part["id"]: part for part in parts(card["body"]) if part["type"].startswith("Input.")}
    assert list(fields) == ["role", "duration", "reason", "ticket"]
    assert [choice["value"] for choice in fields["role"]["choices"]] == [f"{ROLE.key} {AU}", "r1 /"]
    assert [fields[name].get("value") for name in fields] == [f"{ROLE.key} {AU}", "2h", EVIL, "77"]
    assert [fields[name].get("isRequired") for name in fields] == [True, True, None, None]
    (send,) = card["actions"]
    assert (send["type"], send["data"]) == ("Action.Submit", {"verb": "form"})


def test_a_role_that_is_not_ones_own_is_not_filled_in() -> None:
    card = cards.form(FormReply((PLAIN,), Filled("forged /")))
    (role,) = [part for part in parts(card["body"]) if part.get("id") == "role"]
    assert "value" not in role


@pytest.mark.parametrize("fault", FormFault)
def test_what_can_not_be_read_is_said_above_the_form(fault: FormFault) -> None:
    assert t.FORM_FAULTS[fault] in said(cards.form(FormReply((PLAIN,), Filled(), fault)))


def test_a_dialog_keeps_the_link_to_sign_in_and_no_button() -> None:
    linked = InTrouble(SignInNeeded("https://bot.example/signin?act=s"))
    (link,) = cards.dialog_reply(linked)["actions"]
    assert (link["type"], link["url"]) == ("Action.OpenUrl", "https://bot.example/signin?act=s")
    assert cards.public_reply(linked)["actions"] == []
    assert cards.dialog_reply(InTrouble(a.SignInBlocked()))["actions"] == []
