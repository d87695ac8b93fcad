from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from channel_samples import ADELE_ID, APP_ID, CHANNEL, NOW, TENANT, HandClock
from teams_fakes import Answer, Call, Naps, Service, Tokens, config

from bot.domain.content import ConductCard, OpsCard, PingCause, RequestCard
from bot.domain.errors import ChannelRefusedError, ChannelUnavailableError
from bot.domain.model import Identity, Person, Pool, PoolMember, PostedCard, State, Unreadable
from bot.teams import open_teams
from bot.teams.channel import TeamsChannel
from bot.teams.http import Patience

BIANCA_ID, DIEGO_ID = "00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000005"
MEMBERS = [
    {"id": "29:diego", "objectId": DIEGO_ID},
    {"id": "29:adele", "aadObjectId": ADELE_ID.upper(), "objectId": ADELE_ID},
    {"id": "29:stranger", "objectId": "00000000-0000-4000-8000-000000000099"},
    {"id": 5, "objectId": BIANCA_ID},
    "nobody",
]


def answers(call: Call) -> Answer:
    if call.method == "GET":
        return 200, {}, {"members": MEMBERS}
    if call.method == "PUT":
        return 200, {}, {"id": "17"}
    return 201, {}, {"id": f"{CHANNEL};messageid=17", "activityId": "1:17"}


@pytest.fixture
def usual(service: Service) -> Service:
    service.usual = answers
    return service


@pytest.fixture
def heard() -> dict[str, str]:
    return {}


@pytest.fixture
def channel(
    session: aiohttp.ClientSession,
    tokens: Tokens,
    clock: HandClock,
    naps: Naps,
    usual: Service,
    heard: dict[str, str],
) -> TeamsChannel:
    async def service_url(channel_id: str) -> str | None:
        return heard.get(channel_id)

    return open_teams(
        config(usual.base),
        session=session,
        tokens=tokens,
        clock=clock,
        service_url=service_url,
        patience=Patience(sleep=naps),
    ).channel


def posts(service: Service) -> list[Any]:
    return [call.sent for call in service.calls if call.method != "GET"]


def content(sent: Any) -> Any:
    [attachment] = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    return attachment["content"]


async def test_a_card_starts_a_thread_in_the_channel(
    channel: TeamsChannel, usual: Service, card: RequestCard
):
    posted = await channel.post(CHANNEL, card)
    assert posted == PostedCard(f"{CHANNEL};messageid=17", "1:17", usual.base)
    [sent] = posts(usual)
    activity = sent.pop("activity")
    assert sent == {
        "isGroup": True,
        "bot": {"id": f"28:{APP_ID}"},
        "tenantId": TENANT,
        "channelData": {"channel": {"id": CHANNEL}, "tenant": {"id": TENANT}},
    }
    assert (activity["type"], "Alex Wilber" in activity["summary"]) == ("message", True)
    assert content(activity)["type"] == "AdaptiveCard"
    assert "channelData" not in activity
    assert [call.path for call in usual.calls][-1] == "/amer/v3/conversations"


async def test_pool_members_in_the_channel_get_views_of_their_own_able_ones_first(
    channel: TeamsChannel, usual: Service, card: RequestCard
):
    await channel.post(CHANNEL, card)
    [sent] = posts(usual)
    assert content(sent["activity"])["refresh"]["userIds"] == ["29:adele", "29:diego"]


async def test_the_roster_is_read_page_by_page(channel: TeamsChannel, usual: Service, card: RequestCard):
    usual.next = [
        (200, {}, {"members": MEMBERS[:1], "continuationToken": "more of it"}),
        (200, {}, {"members": MEMBERS[1:]}),
    ]
    await channel.post(CHANNEL, card)
    assert [call.query for call in usual.calls[:2]] == [
        {"pageSize": "500"},
        {"pageSize": "500", "continuationToken": "more of it"},
    ]
    [sent] = posts(usual)
    assert content(sent["activity"])["refresh"]["userIds"] == ["29:adele", "29:diego"]


async def test_the_roster_is_kept_for_five_minutes(
    channel: TeamsChannel, usual: Service, card: RequestCard, clock: HandClock
):
    for _ in range(3):
        await channel.post(CHANNEL, card)
    assert sum(call.method == "GET" for call in usual.calls) == 1
    clock.advance(timedelta(minutes=5))
    await channel.post(CHANNEL, card)
    assert sum(call.method == "GET" for call in usual.calls) == 2


async def test_a_roster_that_can_not_be_read_does_not_stop_the_card(
    channel: TeamsChannel, usual: Service, card: RequestCard
):
    usual.next = [(403, {}, {"error": {"code": "BotNotInConversationRoster"}})]
    await channel.post(CHANNEL, card)
    [sent] = posts(usual)
    assert "refresh" not in content(sent["activity"])


async def test_no_more_than_sixty_get_views_of_their_own(
    channel: TeamsChannel, usual: Service, card: RequestCard
):
    ids = [f"00000000-0000-4000-8000-{number:012d}" for number in range(100, 200)]
    usual.next = [(200, {}, {"members": [{"id": f"29:{i}", "objectId": i} for i in ids]})]
    pool = Pool(tuple(PoolMember(Person(Identity(TENANT, i), "n")) for i in ids))
    await channel.post(CHANNEL, replace(card, request=replace(card.request, pool=pool)))
    [sent] = posts(usual)
    assert content(sent["activity"])["refresh"]["userIds"] == [f"29:{i}" for i in ids[:60]]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"pool": Unreadable("approver policy", "403")}, id="an unreadable pool"),
        pytest.param({"state": State.WITHDRAWN}, id="a request that has ended"),
    ],
)
async def test_nobody_is_looked_up_for(
    channel: TeamsChannel, usual: Service, card: RequestCard, changes: dict[str, Any]
):
    await channel.post(CHANNEL, replace(card, request=replace(card.request, **changes)))
    assert [call.method for call in usual.calls] == ["POST"]


async def test_a_report_about_somebody_alerts_too(channel: TeamsChannel, usual: Service, card: RequestCard):
    someone = card.request.requester
    report = ConductCard(someone, NOW, NOW, (), 5, 0, 5, (), card.portal_url)
    await channel.post(CHANNEL, report)
    (sent,) = [call.sent for call in usual.calls if call.method == "POST"]
    assert sent["activity"]["channelData"] == {"notification": {"alert": True}}


async def test_an_ops_ping_alerts(channel: TeamsChannel, usual: Service, card: RequestCard):
    await channel.post(
        CHANNEL, OpsCard(card.request, PingCause.UNANSWERED, 1, timedelta(minutes=5), card.portal_url)
    )
    [sent] = posts(usual)
    assert sent["activity"]["channelData"] == {"notification": {"alert": True}}


async def test_a_channel_is_reached_where_it_was_last_heard_from(
    channel: TeamsChannel, usual: Service, card: RequestCard, heard: dict[str, str]
):
    heard[CHANNEL] = f"{usual.base}emea"
    assert (await channel.post(CHANNEL, card)).service_url == f"{usual.base}emea"
    assert usual.calls[-1].path == "/amer/emea/v3/conversations"


async def test_a_service_url_in_clear_text_is_not_used(
    channel: TeamsChannel, usual: Service, card: RequestCard, heard: dict[str, str]
):
    heard[CHANNEL] = "http://127.0.0.1:1/"
    with pytest.raises(ChannelRefusedError):
        await channel.post(CHANNEL, card)
    assert usual.calls == []


@pytest.mark.parametrize(
    ("answer", "posted"),
    [
        pytest.param({"id": "19:c;messageid=5"}, ("19:c;messageid=5", "5"), id="no activityId"),
        pytest.param({"id": "a:1", "activityId": "7"}, ("a:1", "7"), id="no messageid"),
    ],
)
async def test_the_answer_says_where_the_card_is(
    channel: TeamsChannel, usual: Service, card: RequestCard, answer: Any, posted: tuple[str, str]
):
    usual.usual = lambda call: answers(call) if call.method == "GET" else (201, {}, answer)
    where = await channel.post(CHANNEL, card)
    assert (where.conversation_id, where.activity_id) == posted


@pytest.mark.parametrize("answer", [None, [], {}, {"id": 5}, {"id": "19:c"}, {"activityId": "7"}])
async def test_an_answer_that_does_not_say_where_the_card_is_is_refused(
    channel: TeamsChannel, usual: Service, card: RequestCard, answer: Any
):
    usual.usual = lambda call: answers(call) if call.method == "GET" else (201, {}, answer)
    with pytest.raises(ChannelRefusedError, match="where the card is"):
        await channel.post(CHANNEL, card)


async def test_an_edit_takes_the_posted_cards_place(channel: TeamsChannel, usual: Service, card: RequestCard):
    await channel.edit(PostedCard(f"{CHANNEL};messageid=17", "1:17", f"{usual.base}emea/"), card)
    roster, put = usual.calls
    assert roster.path == "/amer/emea/v3/conversations/19%3Aapprovers%40thread.tacv2/pagedmembers"
    assert (put.method, put.path) == (
        "PUT",
        "/amer/emea/v3/conversations/19%3Aapprovers%40thread.tacv2%3Bmessageid%3D17/activities/1%3A17",
    )
    assert (put.sent["id"], content(put.sent)["type"]) == ("1:17", "AdaptiveCard")


FAULTS: list[Any] = [
    pytest.param((404, {}, {"error": {"code": "ConversationNotFound"}}), ChannelRefusedError, id="gone"),
    pytest.param((413, {}, {"error": {"code": "MessageSizeTooBig"}}), ChannelRefusedError, id="too large"),
    pytest.param((500, {}, b""), ChannelUnavailableError, id="their fault"),
]


@pytest.mark.parametrize(("answer", "error"), FAULTS)
async def test_faults_come_out_as_channel_errors(
    channel: TeamsChannel, usual: Service, card: RequestCard, answer: Answer, error: type[Exception]
):
    fail: Callable[[Call], Answer] = lambda call: answers(call) if call.method == "GET" else answer  # noqa: E731
    usual.usual = fail
    with pytest.raises(error):
        await channel.post(CHANNEL, card)
    with pytest.raises(error):
        await channel.edit(PostedCard(CHANNEL, "1", usual.base), card)
