from __future__ import annotations

import json
from typing import Any

import pytest
from channel_samples import ADELE_ID, CHANNEL, OTHER_TENANT, TENANT, activity, body
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import ForbiddenError, InboundError
from bot.domain.model import Identity
from bot.inbound.activities import (
    actor_of,
    channel_of,
    mentions_stripped,
    parse_activity,
    same_tenant,
)
from bot.inbound.clicks import card_action_of, is_card_submit


def nested(depth: int) -> bytes:
    return body(activity())[:-1] + b', "value": ' + b"[" * depth + b"]" * depth + b"}"


# The activity ------------------------------------------------------------------------------


def test_a_teams_activity_is_read_as_it_is():
    assert parse_activity(body(activity())) == activity()


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        pytest.param(b"", "empty-body", id="empty"),
        pytest.param(b" \n", "empty-body", id="blank"),
        pytest.param(b"{", "bad-json", id="cut off"),
        pytest.param(b"hello", "bad-json", id="no JSON"),
        pytest.param(b"\xff\xfe{}", "bad-encoding", id="not UTF-8"),
        pytest.param(b"[]", "not-an-object", id="a list"),
        pytest.param(b"null", "not-an-object", id="null"),
        pytest.param(b'{"type": NaN}', "bad-json", id="NaN"),
        pytest.param(b'{"type": -Infinity}', "bad-json", id="Infinity"),
        pytest.param(b'{"n": ' + b"9" * 5000 + b"}", "bad-json", id="a number of 5000 digits"),
        pytest.param(nested(100), "too-deep", id="nested 100 deep"),
        pytest.param(nested(100_000), "too-deep", id="nested 100000 deep"),
        pytest.param(b"[" * 100_000, "too-deep", id="unclosed nesting bomb"),
        pytest.param(body(activity(text="\ud800")), "bad-encoding", id="lone surrogate"),
        pytest.param(b"{}", "bad-type", id="empty object"),
    ],
)
def test_what_is_no_activity_is_answered_400(sent: bytes, cause: str):
    with pytest.raises(InboundError) as refused:
        parse_activity(sent)
    assert (refused.value.status, refused.value.cause) == (400, cause)


@pytest.mark.parametrize("wrong", [None, 1, [], {}, True, "", "x" * 1000])
@pytest.mark.parametrize("name", ["type", "channelId", "from", "conversation", "recipient"])
def test_a_field_that_must_be_there_is_there_and_of_the_right_type(name: str, wrong: Any):
    with pytest.raises(InboundError) as refused:
        parse_activity(body(activity() | {name: wrong}))
    assert refused.value.cause == f"bad-{name.lower()}"


@pytest.mark.parametrize("wrong", [1, [], {}, True])
@pytest.mark.parametrize("name", ["serviceUrl", "id", "name", "text", "replyToId", "locale"])
def test_a_text_that_may_be_absent_is_nothing_but_text(name: str, wrong: Any):
    with pytest.raises(InboundError) as refused:
        parse_activity(body(activity() | {name: wrong}))
    assert refused.value.cause == f"bad-{name.lower()}"


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        pytest.param({"from": {"id": 5}}, "bad-from", id="id is a number"),
        pytest.param({"from": {"id": "29:a", "name": 5}}, "bad-from", id="name is a number"),
        pytest.param({"conversation": {}}, "bad-conversation", id="conversation without id"),
        pytest.param({"channelData": "x"}, "bad-channeldata", id="channelData is text"),
        pytest.param({"entities": {}}, "bad-entities", id="entities is an object"),
        pytest.param({"entities": ["x"]}, "bad-entities", id="an entity is text"),
    ],
)
def test_parts_of_the_wrong_type_are_answered_400(changes: dict[str, Any], cause: str):
    with pytest.raises(InboundError) as refused:
        parse_activity(body(activity() | changes))
    assert refused.value.cause == cause


def test_a_missing_service_url_is_left_to_the_token_check():
    assert "serviceUrl" not in parse_activity(body(activity(serviceUrl=None)))


def test_a_byte_order_mark_is_no_fault():
    assert parse_activity(b"\xef\xbb\xbf" + body(activity()))["type"] == "message"


def test_escaped_text_that_is_whole_is_accepted():
    assert parse_activity(body(activity(text="\U0001f511")))["text"] == "\U0001f511"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.sampled_from([*activity(), "value", "name", "entities", "replyToId", "locale"])


@settings(deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=6))
def test_whatever_fields_hold_nothing_but_inbound_errors_come_out(changes: dict[str, Any]):
    try:
        parsed = parse_activity(json.dumps(activity() | changes).encode())
    except InboundError:
        return
    for read in (actor_of, card_action_of, mentions_stripped, channel_of, is_card_submit):
        try:
            read(parsed)
        except InboundError as error:
            assert error.status in {400, 403}  # noqa: PT017 - most examples raise nothing


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_bytes_arrive_nothing_but_inbound_errors_come_out(sent: bytes):
    with pytest.raises(InboundError):
        parse_activity(sent)


# Who ---------------------------------------------------------------------------------------


def test_an_actor_is_tenant_and_object_id_in_lower_case():
    sender = {"id": "29:adele", "name": "Adele\u202e Vance\n", "aadObjectId": ADELE_ID.upper()}
    actor = actor_of(activity(**{"from": sender}))
    assert actor.identity == Identity(TENANT, ADELE_ID)
    assert (actor.display_name, actor.channel_user_id) == ("Adele Vance", "29:adele")


def test_somebody_of_another_tenant_keeps_their_own():
    sample = activity(channelData={"tenant": {"id": OTHER_TENANT}}, conversation={"id": "c"})
    assert actor_of(sample).identity.tenant_id == OTHER_TENANT


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"channelData": None}, id="conversation only"),
        pytest.param({"conversation": {"id": "c"}}, id="channelData only"),
        pytest.param({"conversation": {"id": "c", "tenantId": TENANT.upper()}}, id="both, in another case"),
    ],
)
def test_the_tenant_is_found_wherever_it_is_named(changes: dict[str, Any]):
    assert actor_of(activity(**changes)).identity.tenant_id == TENANT


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        pytest.param({"channelId": "webchat"}, "not-teams", id="another channel"),
        pytest.param({"from": {"id": "29:a"}}, "no-object-id", id="no object id"),
        pytest.param({"from": {"id": "29:a", "aadObjectId": 7}}, "no-object-id", id="object id is a number"),
        pytest.param({"from": {"id": "29:a", "aadObjectId": "adele"}}, "no-object-id", id="not a GUID"),
        pytest.param({"from": {"id": "29:a", "aadObjectId": f"{ADELE_ID}\n"}}, "no-object-id", id="and more"),
        pytest.param({"channelData": None, "conversation": {"id": "c"}}, "no-tenant", id="no tenant"),
        pytest.param({"channelData": {"tenant": {"id": OTHER_TENANT}}}, "tenants-differ", id="two tenants"),
        pytest.param({"channelData": {"tenant": {"id": "contoso"}}}, "bad-tenant", id="tenant is a name"),
        pytest.param({"channelData": {"tenant": {"id": 5}}}, "bad-tenant", id="tenant is a number"),
        pytest.param(
            {"from": {"id": "29:a", "aadObjectId": ADELE_ID, "tenantId": OTHER_TENANT}},
            "tenants-differ",
            id="a guest in a shared channel",
        ),
    ],
)
def test_nobody_becomes_an_actor_who_is_not_fully_named(changes: dict[str, Any], cause: str):
    with pytest.raises(ForbiddenError) as refused:
        actor_of(activity() | changes)
    assert (refused.value.status, refused.value.cause) == (403, cause)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"channelData": None, "conversation": {"id": "c", "tenantId": OTHER_TENANT}}, False),
        ({"channelData": None, "conversation": {"id": "c"}}, False),
    ],
)
def test_an_activity_is_of_our_tenant_only_when_it_says_so(changes: dict[str, Any], same: bool):
    assert same_tenant(activity(**changes), TENANT.upper()) is same


@pytest.mark.parametrize(
    ("data", "channel"),
    [
        pytest.param({"channel": {"id": CHANNEL}, "team": {"id": "19:t"}}, CHANNEL, id="a channel"),
        pytest.param({"team": {"id": "19:t"}}, "19:t", id="a team, which is its General channel"),
        pytest.param({"tenant": {"id": TENANT}}, None, id="a chat"),
        pytest.param({"channel": {"id": 5}, "team": "x"}, None, id="nonsense"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_the_channel_is_where_it_happened(data: Any, channel: str | None):
    assert channel_of(activity(channelData=data)) == channel


# What was said ----------------------------------------------------------------------------


def mention(text: Any, identifier: str = "28:bot", **more: Any) -> dict[str, Any]:
    return {"type": "mention", "mentioned": {"id": identifier}, "text": text} | more


@pytest.mark.parametrize(
    ("text", "entities", "left"),
    [
        pytest.param(
            "<at>Help</at> Help me Help", [mention("<at>Help</at>")], "Help me Help", id="name kept"
        ),
        pytest.param("<at>Bot</at>\xa0hi\xa0there ", [mention("<at>Bot</at>")], "hi there", id="hard spaces"),
        pytest.param('<at id="0">Bot</at> hi', [mention('<at id="0">Bot</at>')], "hi", id="attributes"),
        pytest.param("<at>B</at> <at>B</at> hi", [mention("<at>B</at>")], "<at>B</at> hi", id="once each"),
        pytest.param(
            "<at>B</at> ask <at>Jo</at>",
            [mention("<at>B</at>"), mention("<at>Jo</at>", "29:jo")],
            "ask <at>Jo</at>",
            id="others stay",
        ),
        pytest.param("hi", [{"type": "mention", "text": "hi"}], "hi", id="no mentioned"),
        pytest.param("hi", [mention(None)], "hi", id="no text"),
        pytest.param("hi", [{"type": "clientInfo"}, {}], "hi", id="other entities"),
        pytest.param(None, [mention("x")], "", id="no text at all"),
    ],
)
def test_the_bots_own_mention_goes_and_nothing_else(text: str | None, entities: list[Any], left: str):
    sample = activity(recipient={"id": "28:bot"}, entities=entities, text=text)
    assert mentions_stripped(sample) == left
