from __future__ import annotations

from typing import Any

import pytest
from channel_samples import ADELE_ID, CHANNEL, REQUEST_ID, TENANT, activity, click
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import InboundError
from bot.inbound.clicks import CardAction, card_action_of, card_clicked, claimed_by, is_card_submit


def test_a_click_is_verb_request_and_trimmed_reason():
    assert card_action_of(click("approve", reason=" on\tcall\x00\u009b \n")) == CardAction(
        "approve", REQUEST_ID, "on\tcall"
    )


def test_an_automatic_refresh_is_told_from_a_click():
    sample = click("refresh")
    sample["value"]["trigger"] = "automatic"
    assert card_action_of(sample) == CardAction("refresh", REQUEST_ID, "", automatic=True)


def test_a_submit_button_says_the_same_in_a_message():
    sample = activity(value={"verb": "deny", "request": REQUEST_ID, "reason": "no"}, text=None)
    assert is_card_submit(sample)
    assert card_action_of(sample) == CardAction("deny", REQUEST_ID, "no")


def test_something_typed_is_no_submit_button():
    assert not is_card_submit(activity())


def action(**changes: Any) -> dict[str, Any]:
    sample = click()
    sample["value"]["action"] |= changes
    return sample


@pytest.mark.parametrize(
    ("sample", "cause"),
    [
        pytest.param(click() | {"value": None}, "bad-value", id="no value"),
        pytest.param(click() | {"value": []}, "bad-value", id="value is a list"),
        pytest.param(click() | {"value": {}}, "bad-action", id="no action"),
        pytest.param(click() | {"value": {"action": "approve"}}, "bad-action", id="action is text"),
        pytest.param(click() | {"name": "task/fetch"}, "bad-action", id="another invoke"),
        pytest.param(action(type="Action.Submit"), "bad-action-type", id="Action.Submit in an invoke"),
        pytest.param(action(data=None), "bad-data", id="no data"),
        pytest.param(action(data=[REQUEST_ID]), "bad-data", id="data is a list"),
        pytest.param(action(verb=None), "bad-verb", id="no verb"),
        pytest.param(action(verb=1), "bad-verb", id="verb is a number"),
        pytest.param(action(verb="v" * 65), "bad-verb", id="verb is long"),
        pytest.param(click("approve", verb="deny"), "verbs-differ", id="data says another verb"),
        pytest.param(click(request=None), "bad-request-id", id="no request"),
        pytest.param(click(request=1), "bad-request-id", id="request is a number"),
        pytest.param(click(request=""), "bad-request-id", id="request is empty"),
        pytest.param(click(request="../x"), "bad-request-id", id="request climbs"),
        pytest.param(click(request="a\n"), "bad-request-id", id="request with a line break"),
        pytest.param(click(request="a" * 129), "bad-request-id", id="request is long"),
        pytest.param(click(reason=5), "bad-reason", id="reason is a number"),
        pytest.param(click(reason="x" * 4001), "reason-too-long", id="reason is long"),
        pytest.param(activity(value={"request": REQUEST_ID}), "bad-verb", id="submit without verb"),
    ],
)
def test_a_malformed_action_is_answered_400(sample: dict[str, Any], cause: str):
    with pytest.raises(InboundError) as refused:
        card_action_of(sample)
    assert (refused.value.status, refused.value.cause) == (400, cause)


# What a click says of itself ---------------------------------------------------------------


def _objects(inner: Any) -> Any:
    keys = st.sampled_from(["action", "data", "verb", "request", "trigger", "id", "aadObjectId"])
    return st.dictionaries(keys | st.text(), inner)


def test_a_claim_is_kept_short_printable_and_whole():
    forged = click("approve", verb="deny\x1b[2J", request="r" * 200, more="x")
    assert claimed_by(forged) == {
        "verb": "approve",
        "data_verb": "deny[2J",
        "request": "r" * 128,
        "trigger": "manual",
        "conversation": forged["conversation"]["id"],
        "object_id": ADELE_ID,
        "tenant": TENANT,
    }


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\xa0", "\u3000"])
def test_a_claim_is_one_line_whatever_separates_its_words(separator: str):
    assert claimed_by(click("approve", verb=f"deny{separator}all"))["data_verb"] == "deny all"


@pytest.mark.parametrize("value", [None, 1, "x", [], {"action": 7}, {"action": {"data": []}}, {"verb": 1}])
def test_whatever_a_click_is_its_claim_can_be_read(value: Any):
    assert claimed_by(click() | {"value": value})["object_id"] == ADELE_ID


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | _objects(inner)))
def test_no_click_is_too_strange_to_be_noted(value: Any):
    claimed = claimed_by(click() | {"value": value, "from": value, "conversation": value})
    assert all(len(one) <= 128 and one.isprintable() for one in claimed.values())


def test_a_submit_claims_what_its_data_says():
    assert claimed_by(activity(value={"verb": "deny", "request": "r1"}))["data_verb"] == "deny"


@pytest.mark.parametrize(
    ("changes", "clicked"),
    [
        pytest.param({"replyToId": "7"}, (f"{CHANNEL};messageid=1700000000000", "7"), id="a card"),
        pytest.param({}, None, id="no message"),
        pytest.param({"replyToId": 7}, None, id="not a text"),
    ],
)
def test_which_card_was_clicked(changes: dict[str, Any], clicked: tuple[str, str] | None):
    assert card_clicked(click() | changes) == clicked
