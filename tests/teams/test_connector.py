from __future__ import annotations

import aiohttp
import pytest
from botbuilder.schema import (
    Activity,
    ActivityTypes,
    ChannelAccount,
    ConversationAccount,
    ConversationParameters,
    ConversationReference,
)
from channel_samples import NOW, TENANT, HandClock, activity
from teams_fakes import SCOPE, Service, Tokens

from bot.domain.errors import ChannelRefusedError
from bot.teams.connector import Connectors, PooledConnectorFactory
from bot.teams.http import BotHttp
from bot.teams.wire import activity_from_wire, card_message, to_wire

CONVERSATION = "19:a@thread.tacv2;messageid=17"
ENCODED = "19%3Aa%40thread.tacv2%3Bmessageid%3D17"


@pytest.fixture
def http(session: aiohttp.ClientSession, tokens: Tokens, clock: HandClock) -> BotHttp:
    return BotHttp(session, tokens, SCOPE, clock)


@pytest.fixture
def connectors(http: BotHttp, service: Service) -> Connectors:
    return Connectors(http, service.base)


async def test_a_turn_replies_updates_and_deletes_over_the_pooled_session(
    connectors: Connectors, service: Service
):
    client = await PooledConnectorFactory(connectors).create(service.base.rstrip("/"), "audience")
    said = Activity(type=ActivityTypes.message, text="hi")
    assert (await client.conversations.reply_to_activity(CONVERSATION, "1:7", said)).id == "1:sent"
    await client.conversations.send_to_conversation(CONVERSATION, said)
    await client.conversations.update_activity(CONVERSATION, "1:7", said)
    await client.conversations.delete_activity(CONVERSATION, "1:7")
    base = f"/amer/v3/conversations/{ENCODED}/activities"
    assert [(c.method, c.path) for c in service.calls] == [
        ("POST", f"{base}/1%3A7"),
        ("POST", base),
        ("PUT", f"{base}/1%3A7"),
        ("DELETE", f"{base}/1%3A7"),
    ]
    assert service.calls[0].sent == {"type": "message", "text": "hi"}


@pytest.mark.parametrize("identifier", ["", ".", ".."])
async def test_an_id_can_not_climb_out_of_its_path(connectors: Connectors, service: Service, identifier: str):
    with pytest.raises(ChannelRefusedError):
        await connectors.at(service.base).send(identifier, {})
    assert service.calls == []


@pytest.mark.parametrize(
    ("service_url", "allowed"),
    [
        ("https://smba.trafficmanager.net/emea/", True),
        ("http://127.0.0.1:9100/connector", True),
        ("http://127.0.0.1:9100/connector/", True),
        ("http://127.0.0.1:9100/connector/emea/", True),
        ("http://127.0.0.1:9100/", False),
        ("http://127.0.0.1:9100/connectors/", False),
        ("http://smba.trafficmanager.net/emea/", False),
        ("https://", False),
        ("https://user:pw@smba.example/", False),
        ("https://smba.example/?x=", False),
        ("https://smba.example/#x", False),
        ("ftp://smba.example/", False),
        ("", False),
    ],
)
def test_the_bots_token_goes_over_https_or_to_the_configured_connector(
    http: BotHttp, service_url: str, allowed: bool
):
    connectors = Connectors(http, "http://127.0.0.1:9100/connector")
    assert connectors.allows(service_url) is allowed
    if not allowed:
        with pytest.raises(ChannelRefusedError):
            connectors.at(service_url)


def test_service_urls_are_not_remembered_without_bound(http: BotHttp):
    connectors = Connectors(http, "https://home.example/")
    first = connectors.at("https://a.example/")
    assert connectors.at("https://a.example/") is first
    for number in range(300):
        connectors.at(f"https://{number}.example/")
    assert connectors.at("https://a.example/") is not first


# Bug 4 of botbuilder 4.17.1: tenantId, spelt tenantID, is lost both ways -------------------


def test_the_tenant_of_a_conversation_survives_coming_in():
    assert activity_from_wire(activity()).conversation.tenant_id == TENANT


def test_the_tenant_goes_out_as_tenant_id():
    account = ConversationAccount(id="c", tenant_id=TENANT)
    assert to_wire(ConversationReference(conversation=account)) == {
        "conversation": {"id": "c", "tenantId": TENANT}
    }
    assert to_wire(ConversationParameters(tenant_id=TENANT, is_group=True)) == {
        "tenantId": TENANT,
        "isGroup": True,
    }


def test_what_botbuilder_builds_becomes_plain_json():
    message = card_message({"type": "AdaptiveCard", "body": [None]}, "a card")
    message.timestamp = NOW
    message.members_added = [ChannelAccount(id="29:a")]
    assert to_wire(message) == {
        "type": "message",
        "summary": "a card",
        "timestamp": "2026-11-23T09:00:00+00:00",
        "membersAdded": [{"id": "29:a"}],
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {"type": "AdaptiveCard", "body": [None]},
            }
        ],
    }


def test_a_delivery_mode_can_not_swap_an_invokes_answer_for_replies():
    assert activity_from_wire(activity("invoke", deliveryMode="expectReplies")).delivery_mode is None
