"""The main job with no more permissions than the table asks for; the sandbox's log is the witness."""

from __future__ import annotations

from stories.conftest import Town, shown

from bot.demo.remote import Json
from bot.graph.graph_call import Kind
from bot.graph.guard import check
from bot.graph.permissions import asked


async def test_the_main_job_takes_what_the_table_asks_for_and_no_call_outside_it(town: Town) -> None:
    since = await restarted_with(
        town, app_roles=asked(Kind.APPLICATION), delegated_scopes=asked(Kind.DELEGATED)
    )
    request, card = await town.ask()
    shown(await town.click("blake", card))
    shown(await town.click("alex", card))
    await town.card_says(card, "Approved", town.name_of("alex"))
    assert (await town.graph(request))["status"] == "Provisioned"

    calls = [one for one in (await town.remote.get("log", since=since))["lines"] if is_call(one)]
    assert {as_whom(one) for one in calls} == set(Kind)
    assert [one for one in calls if one["status"] in {401, 403}] == []
    for one in calls:
        check(one["method"], one["path"], as_whom(one))


async def restarted_with(town: Town, **granted: tuple[str, ...]) -> int:
    """The bot with new tokens, and where the log stands."""
    await town.bot.kill()
    address = f"{town.remote.base}/_sandbox/world"
    changed = {name: list(permissions) for name, permissions in granted.items()}
    async with town.stage.session.patch(address, json=changed) as answer:
        assert answer.status == 200
    since = await town.remote.position()
    await town.bot.start(town.stage.session)
    return since


def is_call(line: Json) -> bool:
    """A call of the bot to Graph; people in the portal do not carry the bot's ``appid``."""
    return line["service"] == "graph" and line["event"] == "http" and "appid" in line.get("token", {})


def as_whom(line: Json) -> Kind:
    return Kind.DELEGATED if "scp" in line["token"] else Kind.APPLICATION
