"""Activities over real HTTP with real tokens: what the endpoint answers, and what goes out.

The bugs named are those of botbuilder 4.17.1 that a stock adapter would bring along.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from channel_samples import (
    ADELE_ID,
    APP_ID,
    CHANNEL,
    ISSUER,
    OTHER_TENANT,
    REQUEST_ID,
    TENANT,
    CountingIds,
    HandClock,
    activity,
    bearer,
    body,
    click,
    jwk,
)
from structlog.testing import capture_logs
from teams_fakes import FakeDesk, Service, config

from bot.domain.content import Note, RequestCard
from bot.domain.errors import UnavailableError
from bot.domain.model import Choice, Identity, SignInResource
from bot.inbound.tokens import ChannelKey, parse_jwks
from bot.ports import LoginAsked
from bot.teams import TeamsTurns
from bot.web.messages import MessagesEndpoint, routes
from cards import text, text_commands

CARD = "application/vnd.microsoft.card.adaptive"
ERROR = "application/vnd.microsoft.error"
SUBMIT = {"verb": "approve", "request": REQUEST_ID, "reason": "ok"}


class OneKey:
    def __init__(self) -> None:
        self.known = parse_jwks({"keys": [jwk("k1", ["msteams"])]})

    async def current(self) -> Mapping[str, ChannelKey]:
        return self.known

    async def refreshed(self, seen: Mapping[str, ChannelKey]) -> Mapping[str, ChannelKey]:
        return seen


class Teams:
    """Delivers activities to the endpoint, as the connector would."""

    def __init__(self, client: TestClient[web.Request, web.Application], service_url: str) -> None:
        self._client = client
        self.service_url = service_url

    async def deliver(self, sample: dict[str, Any], **token: Any) -> tuple[int, Any]:
        sent = {**sample, "serviceUrl": self.service_url}
        headers = {
            "Authorization": bearer(serviceurl=self.service_url, **token),
            "Content-Type": "application/json",
        }
        async with self._client.post("/api/messages", data=body(sent), headers=headers) as response:
            answered = await response.text()
            return response.status, json.loads(answered) if answered else None


@pytest.fixture
async def teams(turns: TeamsTurns, service: Service) -> AsyncIterator[Teams]:
    app = web.Application()
    endpoint = MessagesEndpoint(
        turns, OneKey(), app_id=APP_ID, issuer=ISSUER, clock=HandClock(), ids=CountingIds()
    )
    app.add_routes(routes(endpoint))
    async with TestClient(TestServer(app)) as client:
        yield Teams(client, service.base)


# Clicks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "choice"), [("approve", Choice.APPROVE), ("deny", Choice.DENY)])
async def test_a_click_is_decided_and_answered_200_with_the_card(
    teams: Teams, desk: FakeDesk, verb: str, choice: Choice
):
    """Bug 1: stock answers every invoke that has a body with 500, after it had its effect."""
    status, said = await teams.deliver(click(verb, reason=" ok "))
    assert (status, said["statusCode"], said["type"]) == (200, 200, CARD)
    assert said["value"]["type"] == "AdaptiveCard"
    [(actor, request_id, chosen, reason)] = desk.decided
    assert (actor.identity, actor.channel_user_id) == (Identity(TENANT, ADELE_ID), "29:adele")
    assert (request_id, chosen, reason) == (REQUEST_ID, choice, "ok")


async def test_a_refresh_only_looks(teams: Teams, desk: FakeDesk):
    """Bug 9: botbuilder drops ``trigger``."""
    sample = click("refresh")
    sample["value"]["trigger"] = "automatic"
    status, said = await teams.deliver(sample)
    assert (status, said["statusCode"], said["type"]) == (200, 200, CARD)
    assert (len(desk.looked), desk.decided) == (1, [])


async def test_nothing_is_decided_that_nobody_clicked(teams: Teams, desk: FakeDesk):
    sample = click("approve")
    sample["value"]["trigger"] = "automatic"
    status, said = await teams.deliver(sample)
    assert (status, said["value"]["code"]) == (400, "decision-without-click")
    assert desk.decided == []


async def test_a_click_from_another_tenant_reaches_the_desk_as_such(teams: Teams, desk: FakeDesk):
    sample = click() | {"channelData": {"tenant": {"id": OTHER_TENANT}}, "conversation": {"id": "c"}}
    assert (await teams.deliver(sample))[0] == 200
    assert desk.decided[0][0].identity.tenant_id == OTHER_TENANT


@pytest.mark.parametrize("verb", ["approve", "refresh"])
async def test_an_unknown_request_is_said_to_be_unknown(teams: Teams, desk: FakeDesk, verb: str):
    desk.card = None
    status, said = await teams.deliver(click(verb))
    assert (status, said["statusCode"], said["type"]) == (200, 200, CARD)
    assert text.MESSAGES["unknown-request"][0] in json.dumps(said["value"], ensure_ascii=False)


@pytest.mark.parametrize(
    ("sample", "status", "code"),
    [
        pytest.param(click("explode"), 400, "unknown-verb", id="unknown verb"),
        pytest.param(click() | {"value": None}, 400, "bad-value", id="no value"),
        pytest.param(click() | {"value": {"action": None}}, 400, "bad-action", id="no action"),
        pytest.param(click() | {"value": "approve"}, 400, "bad-value", id="value is text"),
        pytest.param(click(request={"id": 1}), 400, "bad-request-id", id="request is an object"),
        pytest.param(
            click() | {"value": {"action": {"type": "Action.Submit", "verb": "approve", "data": {}}}},
            400,
            "bad-action-type",
            id="Action.Submit in an invoke",
        ),
        pytest.param(click() | {"from": {"id": "29:x"}}, 403, "no-object-id", id="nobody in particular"),
    ],
)
async def test_a_malformed_click_is_told_so(
    teams: Teams, desk: FakeDesk, sample: dict[str, Any], status: int, code: str
):
    """Bug 2: stock puts an exception object into the body, which ends as 500."""
    with capture_logs() as logs:
        answered, said = await teams.deliver(sample)
    assert (answered, said["statusCode"], said["type"], said["value"]["code"]) == (
        status,
        status,
        ERROR,
        code,
    )
    assert desk.decided == []
    assert [line["cause"] for line in logs if line["event"] == "inbound_refused"] == [code]


@pytest.mark.parametrize(
    ("forged", "cause"),
    [
        pytest.param(click("explode"), "unknown-verb", id="unknown verb"),
        pytest.param(click("approve", verb="deny"), "verbs-differ", id="swapped verb"),
        pytest.param(click(request="../../etc"), "bad-request-id", id="no request id"),
        pytest.param(click(reason="x" * 4001), "reason-too-long", id="longer than the card takes"),
        pytest.param(click() | {"value": {"action": None}}, "bad-action", id="no action"),
        pytest.param(activity(value={"verb": "approve", "request": 7}), "bad-request-id", id="submit"),
    ],
)
async def test_a_click_that_no_card_sends_decides_nothing_and_is_noted_with_its_sender(
    teams: Teams, desk: FakeDesk, forged: dict[str, Any], cause: str
):
    status, _ = await teams.deliver(forged)
    assert (status, desk.decided, desk.looked) == (400, [], [])
    ((actor, said, claimed),) = desk.forgeries
    assert actor is not None
    assert (actor.identity, said) == (Identity(TENANT, ADELE_ID), cause)
    assert claimed["object_id"] == ADELE_ID


async def test_a_forger_who_can_not_be_named_is_noted_by_what_they_claim(teams: Teams, desk: FakeDesk):
    two_tenants = click() | {"channelData": {"tenant": {"id": OTHER_TENANT}}}
    status, _ = await teams.deliver(two_tenants)
    assert (status, desk.decided) == (403, [])
    assert desk.forgeries[0][:2] == (None, "tenants-differ")
    assert desk.forgeries[0][2]["tenant"] == OTHER_TENANT


CLICKED = {"replyToId": "1700000000000"}
THREAD = (f"{CHANNEL};messageid=1700000000000", "1700000000000")


@pytest.mark.parametrize("verb", ["approve", "deny"])
async def test_a_click_on_one_requests_card_can_not_decide_another(teams: Teams, desk: FakeDesk, verb: str):
    desk.cards[THREAD] = "another-request"
    status, said = await teams.deliver(click(verb) | CLICKED)
    assert (status, said["value"]["code"]) == (400, "card-of-another-request")
    assert desk.decided == []
    assert desk.forgeries[0][1] == "card-of-another-request"
    assert desk.forgeries[0][2]["message"] == "1700000000000"


async def test_a_click_on_the_requests_own_card_decides(teams: Teams, desk: FakeDesk):
    desk.cards[THREAD] = REQUEST_ID
    assert (await teams.deliver(click() | CLICKED))[0] == 200
    assert len(desk.decided) == 1
    assert desk.forgeries == []


async def test_an_unknown_request_is_noted_when_somebody_clicked(teams: Teams, desk: FakeDesk):
    desk.card = None
    await teams.deliver(click())
    assert [cause for _, cause, _ in desk.forgeries] == ["unknown-request"]
    looking = click("refresh")
    looking["value"]["trigger"] = "automatic"
    await teams.deliver(looking)
    assert len(desk.forgeries) == 1


@pytest.mark.parametrize("name", ["message/submitAction", "signin/other", "composeExtension/query", None])
async def test_an_invoke_that_is_not_known_is_501_with_a_body(teams: Teams, name: str | None):
    """Bug 10."""
    sample = activity("invoke", name=name, value={})
    status, said = await teams.deliver(sample)
    assert (status, said["code"]) == (501, "NotImplemented")


@pytest.mark.parametrize(
    "fault", [RuntimeError("secret"), PermissionError("secret"), UnavailableError("secret")]
)
@pytest.mark.parametrize("verb", ["approve", "refresh"])
async def test_our_own_fault_claims_nothing_about_the_outcome(
    teams: Teams, desk: FakeDesk, verb: str, fault: Exception
):
    """Bug 12: stock turns a ``PermissionError`` from anywhere into 401 for the channel."""
    desk.fault = fault
    status, said = await teams.deliver(click(verb))
    assert (status, said["statusCode"], said["type"]) == (200, 500, ERROR)
    assert said["value"]["message"] == text.MESSAGES["error"][1]
    assert "secret" not in json.dumps(said)


# Clicks that take long ---------------------------------------------------------------------


async def test_a_slow_decision_is_answered_in_time_and_finishes_behind_the_answer(
    teams: Teams, desk: FakeDesk, turns: TeamsTurns
):
    desk.hold = asyncio.Event()
    status, said = await teams.deliver(click())
    assert (status, said["statusCode"], said["type"]) == (200, 200, CARD)
    assert text.NOTICES["still-working"] in json.dumps(said["value"], ensure_ascii=False)
    assert desk.finished == 0
    desk.hold.set()
    await turns.close()
    assert desk.finished == 1
    # The card that would have answered the click is not shown any more: its clicker is told.
    assert [content for _, content in desk.told] == [desk.card]


async def test_a_slow_click_that_needs_a_sign_in_asks_for_it_in_the_chat(
    teams: Teams, desk: FakeDesk, turns: TeamsTurns
):
    desk.hold = asyncio.Event()
    await teams.deliver(click())
    desk.card = LoginAsked(SignInResource("graph", None))
    desk.hold.set()
    await turns.close()
    assert len(desk.asked_to_sign_in) == 1


async def test_a_slow_decision_about_an_unknown_request_says_so(teams: Teams, desk: FakeDesk):
    desk.hold, desk.card = asyncio.Event(), None
    status, said = await teams.deliver(click())
    assert (status, text.MESSAGES["unknown-request"][0] in json.dumps(said, ensure_ascii=False)) == (
        200,
        True,
    )
    desk.hold.set()


async def test_a_decision_that_fails_late_is_logged(teams: Teams, desk: FakeDesk, turns: TeamsTurns):
    desk.hold = asyncio.Event()
    await teams.deliver(click())
    desk.fault = RuntimeError("late")
    desk.hold.set()
    with capture_logs() as logs:
        await turns.close()
    assert [line["event"] for line in logs] == ["decision_failed_late"]
    assert [content for _, content in desk.told] == [Note("act-failed")]


async def test_closing_waits_no_longer_than_it_is_told(teams: Teams, desk: FakeDesk, turns: TeamsTurns):
    desk.hold = asyncio.Event()
    await teams.deliver(click())
    with capture_logs() as logs:
        await turns.close(0.01)
    assert [line["event"] for line in logs] == ["decision_cancelled"]
    assert desk.finished == 0


async def test_a_sender_that_hangs_up_does_not_end_a_decision(
    turns: TeamsTurns, desk: FakeDesk, service: Service
):
    desk.hold = asyncio.Event()
    sample = {**click(), "serviceUrl": service.base}
    turn = asyncio.ensure_future(turns.run(sample, {}))
    while not desk.decided:  # noqa: ASYNC110 - the desk is the fake, and has no event for it
        await asyncio.sleep(0)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    desk.hold.set()
    await turns.close()
    assert desk.finished == 1


# Action.Submit, for clients that know no Action.Execute ------------------------------------


async def test_a_submit_button_decides_and_is_answered_with_a_card(
    teams: Teams, desk: FakeDesk, service: Service
):
    status, said = await teams.deliver(activity(value=SUBMIT, text=None))
    assert (status, said) == (201, None)
    assert desk.decided[0][1:] == (REQUEST_ID, Choice.APPROVE, "ok")
    [call] = service.calls
    [attachment] = call.sent["attachments"]
    assert (attachment["contentType"], attachment["content"]["type"]) == (CARD, "AdaptiveCard")


@pytest.mark.parametrize(("kind", "shown"), [("channel", False), ("personal", True), (None, False)])
async def test_a_sign_in_link_is_not_shown_where_others_could_follow_it(
    teams: Teams, desk: FakeDesk, service: Service, card: RequestCard, kind: str | None, shown: bool
):
    link = "https://token.example/signin?state=adele"
    desk.card = replace(card, sign_in_link=link, notice="sign-in-needed")
    conversation = {"id": "c", "tenantId": TENANT, "conversationType": kind}
    await teams.deliver(activity(value=SUBMIT, conversation=conversation))
    [call] = service.calls
    assert (link in json.dumps(call.sent)) is shown


async def test_the_clicker_alone_is_shown_the_sign_in_link(teams: Teams, desk: FakeDesk, card: RequestCard):
    link = "https://token.example/signin?state=adele"
    desk.card = replace(card, sign_in_link=link, notice="sign-in-needed")
    _, said = await teams.deliver(click())
    assert link in json.dumps(said)


async def test_a_malformed_submit_is_answered_400(teams: Teams, desk: FakeDesk, service: Service):
    status, _ = await teams.deliver(activity(value=SUBMIT | {"verb": "explode"}))
    assert (status, desk.decided, service.calls) == (400, [], [])


# Messages ----------------------------------------------------------------------------------


async def test_a_message_gets_help_in_its_own_thread(teams: Teams, service: Service):
    assert await teams.deliver(activity()) == (201, None)
    [call] = service.calls
    assert (call.method, call.authorization) == ("POST", "Bearer app-token-1")
    assert call.path.endswith("messageid%3D1700000000000/activities/1700000000001")
    [attachment] = call.sent["attachments"]
    assert text_commands.HELP in json.dumps(attachment["content"])
    assert call.sent["replyToId"] == "1700000000001"
    assert call.sent["recipient"]["id"] == "29:adele"
    assert call.sent["from"]["id"] == f"28:{APP_ID}"
    assert call.sent["conversation"]["tenantId"] == TENANT, "bug 4"


async def test_a_reply_that_is_refused_costs_an_apology_and_no_500(teams: Teams, service: Service):
    """Bug 12: an ``on_turn_error`` that sends throws again when sending was the fault."""
    service.usual = lambda _call: (403, {}, {"error": {"code": "BotNotInConversationRoster"}})
    with capture_logs() as logs:
        status, _ = await teams.deliver(activity())
    assert (status, len(service.calls)) == (201, 2)
    assert {"turn_failed", "apology_not_sent"} <= {line["event"] for line in logs}


async def test_whoever_can_be_reached_gets_an_apology(teams: Teams, service: Service):
    service.next = [(500, {}, b"")]
    assert (await teams.deliver(activity()))[0] == 201
    assert text.MESSAGES["error"][0] in json.dumps(service.calls[1].sent, ensure_ascii=False)


@pytest.mark.parametrize("stamp", ["yesterday", 5, None, "2026-13-45T99:99:99Z"])
async def test_a_timestamp_that_makes_no_sense_does_no_harm(teams: Teams, stamp: Any):
    """Bug 11: stock answers 500."""
    assert (await teams.deliver(activity(timestamp=stamp)))[0] == 201


@pytest.mark.parametrize(
    "kind", ["typing", "event", "messageReaction", "messageUpdate", "endOfConversation", "somethingNew"]
)
async def test_other_activities_are_taken_note_of_and_no_more(
    teams: Teams, desk: FakeDesk, service: Service, kind: str
):
    assert await teams.deliver(activity(kind, text=None)) == (201, None)
    assert (service.calls, desk.decided) == ([], [])


# Channels ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["conversationUpdate", "installationUpdate", "message"])
async def test_a_channel_is_noted_with_where_it_is_reached_once(teams: Teams, desk: FakeDesk, kind: str):
    for _ in range(3):
        assert (await teams.deliver(activity(kind, action="add")))[0] == 201
    assert desk.heard == [(CHANNEL, teams.service_url)]


async def test_a_channel_that_moved_is_noted_again(teams: Teams, desk: FakeDesk):
    first = teams.service_url
    await teams.deliver(activity())
    teams.service_url = f"{first}emea/"
    await teams.deliver(activity())
    assert desk.heard == [(CHANNEL, first), (CHANNEL, f"{first}emea/")]


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(activity(channelData={"tenant": {"id": TENANT}}), id="a chat"),
        pytest.param(
            activity(
                channelData={"tenant": {"id": OTHER_TENANT}, "channel": {"id": CHANNEL}},
                conversation={"id": CHANNEL},
            ),
            id="another tenant's",
        ),
        pytest.param(activity("installationUpdate", action="remove"), id="one the bot is taken out of"),
    ],
)
async def test_a_place_is_not_noted_that_is_no_channel_of_ours(
    teams: Teams, desk: FakeDesk, sample: dict[str, Any]
):
    assert (await teams.deliver(sample))[0] == 201
    assert desk.heard == []


async def test_a_desk_that_can_not_take_note_is_told_again_the_next_time(teams: Teams, desk: FakeDesk):
    desk.deaf = True
    assert (await teams.deliver(activity()))[0] == 201
    desk.deaf = False
    await teams.deliver(activity())
    assert len(desk.heard) == 1


# Starting, and where the bot's token goes --------------------------------------------------


async def test_a_service_url_in_clear_text_is_refused_before_anything_happens(
    teams: Teams, desk: FakeDesk, service: Service
):
    teams.service_url = "http://192.0.2.1/"
    status, said = await teams.deliver(click())
    assert (status, said["error"]["code"]) == (403, "service-url-refused")
    assert (desk.decided, desk.heard, service.calls) == ([], [], [])


@pytest.mark.parametrize("field", ["client_id", "tenant_id", "connector_url", "bot_scope"])
@pytest.mark.parametrize("value", ["", "  "])
def test_it_does_not_start_without_an_app_id(field: str, value: str):
    """Bug 13: stock switches authentication off, silently."""
    with pytest.raises(ValueError, match=field):
        config(**{field: value})
