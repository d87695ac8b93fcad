"""The main job takes no call outside the permissions table; the sandbox's log is the witness.

That it takes no more permissions than the table asks for goes for every story (``conftest.grant``).
"""

from __future__ import annotations

from stories.conftest import Town, shown

from bot.demo.remote import Json
from bot.graph.graph_call import Kind
from bot.graph.guard import check


async def test_the_main_job_is_refused_nothing_and_takes_no_call_outside_the_table(town: Town) -> None:
    request, card = await town.ask()
    shown(await town.click("blake", card))
    shown(await town.click("alex", card))
    await town.card_says(card, "Approved", town.name_of("alex"))
    assert (await town.graph(request))["status"] == "Provisioned"

    calls = [one for one in (await town.remote.get("log", since=0))["lines"] if is_call(one)]
    assert {as_whom(one) for one in calls} == set(Kind)
    assert [one for one in calls if one["status"] in {401, 403}] == []
    for one in calls:
        check(one["method"], one["path"], as_whom(one))


def is_call(line: Json) -> bool:
    """A call of the bot to Graph; people in the portal do not carry the bot's ``appid``. What is in a
    batch has a line of its own.
    """
    made = line["service"] == "graph" and line["event"] == "http" and "appid" in line.get("token", {})
    return made and not line["path"].endswith("/$batch")


def as_whom(line: Json) -> Kind:
    return Kind.DELEGATED if "scp" in line["token"] else Kind.APPLICATION
