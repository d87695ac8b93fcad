"""What is said to the bot over HTTP: where the answer goes, and who sees it."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from botbuilder.core import TurnContext
from channel_samples import ADELE_ID, APP_ID, ISSUER, TENANT, CountingIds, HandClock, activity
from teams_fakes import Call, FakeCommands, FakeDesk, Service
from test_turns import OneKey, Teams

from bot.domain.model import Identity
from bot.domain.replies import FormReply, NothingBefore, Notice, NoticeReply
from bot.domain.said import Chosen, Filled
from bot.teams import TeamsTurns
from bot.web.messages import MessagesEndpoint, routes
from cards import text_commands as t

PERSONAL = {"id": "a:adele", "conversationType": "personal", "tenantId": TENANT}
OWN = NothingBefore()
"""A reply that is nobody else's business."""


@pytest.fixture
async def teams(turns: TeamsTurns, service: Service) -> AsyncIterator[Teams]:
    app = web.Application()
    endpoint = MessagesEndpoint(
        turns, OneKey(), app_id=APP_ID, issuer=ISSUER, clock=HandClock(), ids=CountingIds()
    )
    app.add_routes(routes(endpoint))
    async with TestClient(TestServer(app)) as client:
        yield Teams(client, service.base)


def press(**data: Any) -> dict[str, Any]:
    data = {"verb": "command", "text": "status"} | data
    action = {"type": "Action.Execute", "verb": "command", "data": data}
    value = {"action": action, "trigger": "manual"}
    return activity("invoke", name="adaptiveCard/action", value=value, replyToId="1:card", text=None)


def dialog(name: str, **data: Any) -> dict[str, Any]:
    value = {"data": {"verb": "form"} | data, "context": {"theme": "default"}}
    return activity("invoke", name=name, value=value, conversation=PERSONAL, text=None)


def shows(call: Call | Any, words: str) -> bool:
    return words in json.dumps(call.sent if isinstance(call, Call) else call, ensure_ascii=False)


# Messages ----------------------------------------------------------------------------------------


async def test_a_turn_that_is_over_is_gone_without_the_garbage_collector(
    turns: TeamsTurns, service: Service
) -> None:
    gc.collect()
    gc.disable()
    try:
        await turns.run({**activity(conversation=PERSONAL), "serviceUrl": service.base}, {})
        left = [held for held in gc.get_objects() if isinstance(held, TurnContext)]
    finally:
        gc.enable()
    assert len(service.calls) == 1
    assert not left


async def test_in_ones_own_chat_the_answer_follows_the_message(
    teams: Teams, commands: FakeCommands, service: Service
) -> None:
    commands.reply = OWN
    assert await teams.deliver(activity(text="again", conversation=PERSONAL)) == (201, None)
    [(actor, said)] = commands.said
    assert (actor.identity, said.text) == (Identity(TENANT, ADELE_ID), "again")
    [call] = service.calls
    assert "a%3Aadele" in call.path
    assert shows(call, t.NOTHING_BEFORE)


async def test_in_a_channel_only_what_anybody_may_see_is_answered_there(
    teams: Teams, commands: FakeCommands, service: Service
) -> None:
    commands.reply = OWN
    service.usual = lambda _call: (200, {}, {"id": "a:opened"})
    await teams.deliver(activity(text="again"))
    created, private, public = service.calls
    assert created.path.endswith("/v3/conversations")
    assert created.sent["members"] == [{"id": "29:adele"}]
    assert shows(private, t.NOTHING_BEFORE)
    assert shows(public, t.NOTICES[Notice.IN_OUR_CHAT][0])
    assert not shows(public, t.NOTHING_BEFORE)


async def test_in_a_channel_help_is_answered_in_the_thread_without_buttons(
    teams: Teams, service: Service
) -> None:
    await teams.deliver(activity(text="help"))
    [call] = service.calls
    assert shows(call, t.HELP)
    assert call.sent["attachments"][0]["content"]["actions"] == []


async def test_whoever_has_no_chat_with_the_bot_is_told_how_to_get_one(
    teams: Teams, commands: FakeCommands, service: Service
) -> None:
    commands.reply = OWN
    service.next = [(403, {}, {"error": {"code": "BotNotInConversationRoster"}})]
    await teams.deliver(activity(text="again"))
    assert shows(service.calls[-1], t.NOTICES[Notice.NO_CHAT][0])
    assert not any(shows(call, t.NOTHING_BEFORE) for call in service.calls)


async def test_what_takes_long_is_told_when_it_is_done_in_ones_own_chat(
    teams: Teams, commands: FakeCommands, service: Service, turns: TeamsTurns
) -> None:
    commands.reply, commands.hold = OWN, asyncio.Event()
    service.usual = lambda _call: (200, {}, {"id": "a:opened"})
    await teams.deliver(activity(text="again", conversation=PERSONAL))
    assert shows(service.calls[-1], t.NOTICES[Notice.STILL_AT_IT][0])
    commands.hold.set()
    await turns.close()
    assert shows(service.calls[-1], t.NOTHING_BEFORE)


async def test_what_fails_late_is_told_without_saying_that_nothing_was_done(
    teams: Teams, commands: FakeCommands, service: Service, turns: TeamsTurns
) -> None:
    commands.hold = asyncio.Event()
    service.usual = lambda _call: (200, {}, {"id": "a:opened"})
    await teams.deliver(activity(text="again", conversation=PERSONAL))
    commands.fault = RuntimeError("late")
    commands.hold.set()
    await turns.close()
    assert shows(service.calls[-1], t.NOTICES[Notice.FAILED][1])


async def test_a_caller_that_hangs_up_does_not_end_a_command(
    turns: TeamsTurns, commands: FakeCommands, service: Service
) -> None:
    commands.reply, commands.hold = OWN, asyncio.Event()
    service.usual = lambda _call: (200, {}, {"id": "a:opened"})
    turn = asyncio.ensure_future(turns.run({**activity(text="again"), "serviceUrl": service.base}, {}))
    while not commands.said:  # noqa: ASYNC110 - the desk is the fake, and has no event for it
        await asyncio.sleep(0)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    commands.hold.set()
    await turns.close()
    assert shows(service.calls[-1], t.NOTHING_BEFORE)


# Buttons -----------------------------------------------------------------------------------------


async def test_a_press_is_answered_with_the_card_and_the_pressed_card_becomes_it(
    teams: Teams, commands: FakeCommands, service: Service
) -> None:
    commands.reply = OWN
    sample = press(text="activate SA 2h", key="r1", scope="/") | {"conversation": PERSONAL}
    status, said = await teams.deliver(sample)
    assert (status, said["statusCode"]) == (200, 200)
    assert shows(said, t.NOTHING_BEFORE)
    assert commands.said[0][1].chosen == Chosen("r1", "/")
    [edit] = service.calls
    assert (edit.method, edit.path.rpartition("/")[2]) == ("PUT", "1%3Acard")
    assert shows(edit, t.NOTHING_BEFORE)


async def test_a_card_that_can_not_be_replaced_costs_nobody_an_answer(
    teams: Teams, commands: FakeCommands, service: Service
) -> None:
    commands.reply = OWN
    service.usual = lambda _call: (404, {}, {})
    status, said = await teams.deliver(press() | {"conversation": PERSONAL})
    assert status == 200
    assert shows(said, t.NOTHING_BEFORE)


async def test_a_press_in_a_channel_is_answered_in_ones_own_chat(
    teams: Teams, commands: FakeCommands, service: Service
) -> None:
    commands.reply = OWN
    service.usual = lambda _call: (200, {}, {"id": "a:opened"})
    _, said = await teams.deliver(press())
    assert shows(said, t.NOTICES[Notice.IN_OUR_CHAT][0])
    assert shows(service.calls[-1], t.NOTHING_BEFORE)


async def test_an_old_clients_press_is_a_message(teams: Teams, commands: FakeCommands) -> None:
    sample = activity(value={"verb": "command", "text": "status"}, text=None, conversation=PERSONAL)
    assert await teams.deliver(sample) == (201, None)
    assert commands.said[0][1].text == "status"


@pytest.mark.parametrize(
    "sample",
    [
        press(key="r1"),
        press(text=7),
        dialog("task/fetch", verb="approve"),
        dialog("task/submit", role=7),
        activity(value={"verb": "command", "text": 7}, text=None),
    ],
)
async def test_what_no_card_of_ours_sends_is_refused_and_noted(
    teams: Teams, commands: FakeCommands, desk: FakeDesk, sample: dict[str, Any]
) -> None:
    status, _ = await teams.deliver(sample)
    assert status == 400
    assert (commands.said, commands.asked_for_form, commands.filled) == ([], [], [])
    assert len(desk.forgeries) == 1


# The form ----------------------------------------------------------------------------------------


async def test_the_form_opens_as_a_dialog(teams: Teams, commands: FakeCommands) -> None:
    commands.reply = FormReply((), Filled(reason="because of it"))
    status, said = await teams.deliver(dialog("task/fetch", text="activate"))
    assert (status, said["task"]["type"]) == (200, "continue")
    assert said["task"]["value"]["card"]["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert shows(said, "because of it")
    assert commands.asked_for_form[0][1].text == "activate"


async def test_a_form_that_can_not_be_had_says_why_in_the_dialog(
    teams: Teams, commands: FakeCommands
) -> None:
    commands.reply = NoticeReply(Notice.OTHER_TENANT)
    _, said = await teams.deliver(dialog("task/fetch"))
    assert shows(said["task"], t.NOTICES[Notice.OTHER_TENANT][0])


async def test_a_form_that_was_sent_closes_and_what_came_of_it_is_in_the_chat(
    teams: Teams, commands: FakeCommands, service: Service
) -> None:
    commands.reply = OWN
    service.usual = lambda _call: (200, {}, {"id": "a:opened"})
    filled = {"role": "r1 /", "duration": "2h", "reason": "x"}
    assert await teams.deliver(dialog("task/submit", **filled)) == (200, None)
    assert commands.filled[0][1] == Filled("r1 /", "2h", "x", "")
    assert shows(service.calls[-1], t.NOTHING_BEFORE)


async def test_without_a_chat_the_dialog_says_what_came_of_it(
    teams: Teams, commands: FakeCommands, service: Service
) -> None:
    commands.reply = OWN
    service.usual = lambda _call: (403, {}, {})
    _, said = await teams.deliver(dialog("task/submit"))
    assert shows(said["task"], t.NOTHING_BEFORE)


async def test_a_form_with_a_fault_comes_back(teams: Teams, commands: FakeCommands) -> None:
    commands.reply = FormReply(())
    _, said = await teams.deliver(dialog("task/submit"))
    assert said["task"]["type"] == "continue"


async def test_a_form_that_takes_long_to_come_is_not_told_later(
    teams: Teams, commands: FakeCommands, service: Service, turns: TeamsTurns
) -> None:
    commands.hold = asyncio.Event()
    _, said = await teams.deliver(dialog("task/fetch"))
    assert shows(said["task"], t.NOTICES[Notice.STILL_AT_IT][0])
    commands.hold.set()
    await turns.close()
    assert service.calls == []
