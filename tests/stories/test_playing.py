"""A case that goes wrong is said to have gone wrong, and costs the others nothing."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from bot.demo import playing, scene
from bot.demo.cases import Case
from bot.demo.processes import Bot, DemoError, Stage
from bot.demo.remote import Remote
from bot.demo.scene import Asked, Line, Scene
from bot.demo.telling import AsJson
from bot.demo.town import Town
from bot.ports import AuditEntry
from bot.store.reading import AuditReader

AT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
USERS = {"alex": {"id": "a1", "name": "Alex"}, "blake": {"id": "b1", "name": "Blake"}}
FRESH = {
    "facts_read_at": AT.isoformat(),
    "facts_age_seconds": 0.1,
    "facts_read": {"approvers": 2},
    "rules": ["not the requester"],
}


class Log:
    def __init__(self, *entries: AuditEntry) -> None:
        self.entries = entries

    async def trail(self, _request: str) -> tuple[AuditEntry, ...]:
        return self.entries

    async def newest(self, _limit: int) -> tuple[AuditEntry, ...]:
        return self.entries


def a_scene(*entries: AuditEntry) -> Scene:
    ready = {"users": USERS, "env": {"SECONDKEY_TENANT_ID": "t"}}
    session = cast(aiohttp.ClientSession, None)
    town = Town(Stage(ready, Bot({}, Path(), ""), session, Path()), Remote(session, ""))
    return Scene(town, AsJson(), cast(AuditReader, Log(*entries)), AsyncExitStack())


def line(event: str, actor: str | None = "t/a1", **facts: Any) -> AuditEntry:
    return AuditEntry(AT, event, "r1", actor, facts)


CLAIMED = line("decision.claimed", token_oid="a1", **FRESH)
RECORDED = line("decision.recorded", choice="Approve")
WANTED = Line("decision.claimed", who="alex", as_whom="alex", rule="not the requester", judged=True)


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "_PATIENCE", 0.05)


async def test_a_trail_with_every_line_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    await a_scene(CLAIMED, RECORDED).audited(
        Asked("r1", "1"), WANTED, Line("decision.recorded", who="alex", facts={"choice": "Approve"})
    )
    told = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    assert [one["event"] for one in told[-1]["lines"]] == ["decision.claimed", "decision.recorded"]


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        pytest.param([], WANTED, id="nothing"),
        pytest.param([line("decision.refused", **FRESH)], WANTED, id="another event"),
        pytest.param([CLAIMED], Line("decision.claimed", who="blake"), id="another actor"),
        pytest.param([CLAIMED], Line("decision.claimed"), id="an actor for none"),
        pytest.param([CLAIMED], Line("decision.claimed", who="alex", as_whom="blake"), id="another token"),
        pytest.param([CLAIMED], Line("decision.claimed", who="alex", rule="same tenant"), id="another rule"),
        pytest.param([RECORDED], Line("decision.recorded", who="alex", judged=True), id="on no facts"),
        pytest.param(
            [RECORDED], Line("decision.recorded", who="alex", facts={"choice": "Deny"}), id="another fact"
        ),
    ],
)
async def test_a_trail_without_its_line_is_a_case_gone_wrong(entries: list[AuditEntry], wanted: Line) -> None:
    with pytest.raises(DemoError, match="audit trail has no"):
        await a_scene(*entries).audited(Asked("r1", "1"), wanted)


async def test_lines_have_to_come_in_their_order() -> None:
    both = (WANTED, Line("decision.recorded", who="alex"))
    with pytest.raises(DemoError, match="audit trail has no"):
        await a_scene(RECORDED, CLAIMED).audited(Asked("r1", "1"), *both)
    await a_scene(RECORDED, CLAIMED).audited(Asked("r1", "1"), also=both)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(line("decision.claimed", token_oid="b1", **FRESH), id="somebody else's token"),
        pytest.param(line("decision.claimed", **FRESH), id="no token"),
        pytest.param(line("decision.claimed", token_oid="a1", rules=["x"]), id="no facts"),
        pytest.param(
            line("decision.claimed", token_oid="a1", **{**FRESH, "facts_age_seconds": 99}), id="stale facts"
        ),
        pytest.param(line("decision.claimed", token_oid="a1", **{**FRESH, "rules": []}), id="no rule"),
        pytest.param(line("decision.claimed", None, token_oid="a1", **FRESH), id="nobody"),
        pytest.param(line("decision.not-sent"), id="not sent for no reason"),
    ],
)
async def test_a_decision_that_tells_too_little_is_a_case_gone_wrong(entry: AuditEntry) -> None:
    with pytest.raises(DemoError):
        await a_scene(entry).audited(Asked("r1", "1"))


# On a stage ----------------------------------------------------------------------------------


async def _fine(one: Scene) -> None:
    asked = await one.ask()
    await one.decided("alex", asked, "deny")


async def _left_untidy(one: Scene) -> None:
    await one.ask()
    await one.fault("graph", "PATCH ", status=503, times=None)
    await one.policy("Security Administrator", approver_users=["blake"])
    raise DemoError("as was to be shown")


async def _broken(_: Scene) -> None:
    raise KeyError("a mistake in the case")


async def _wrong_about_the_bot(one: Scene) -> None:
    asked = await one.ask()
    await one.decided("blake", asked)


async def test_whatever_becomes_of_a_case_the_next_one_finds_everything_in_order() -> None:
    cases = [
        Case("untidy", "leaves a fault, a policy and a request behind", _left_untidy),
        Case("fine", "is played after it", _fine),
        Case("broken", "has a mistake", _broken),
        Case("wrong", "expects what does not happen", _wrong_about_the_bot),
        Case("fine-again", "is played last", _fine),
    ]
    assert await playing.play_cases(cases, AsJson()) == ["untidy", "broken", "wrong"]


async def test_where_tidying_up_fails_the_rest_gets_a_clean_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    tidy, failures = playing._tidy, [DemoError("can't be tidied")]

    async def once(*arguments: Any) -> None:
        if failures:
            raise failures.pop()
        await tidy(*arguments)

    monkeypatch.setattr(playing, "_tidy", once)
    cases = [Case("first", "is fine", _fine), Case("second", "is fine, too", _fine)]
    assert await playing.play_cases(cases, AsJson()) == ["first"]


async def test_cases_with_settings_of_their_own_get_a_bot_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own, toml = (("SECONDKEY_SLA_SECONDS", "77"),), "poll_seconds = 2"
    cases = [
        Case("own", "has its own", _fine, own),
        Case("shared", "shares", _fine),
        Case("filed", "has its own in a file", _fine, toml=toml),
    ]
    assert await playing.play_cases(cases, AsJson()) == []
    lines = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    stages = [one for one in lines if one["step"] == "stage"]
    assert [one.get("SECONDKEY_SLA_SECONDS") for one in stages] == [None, None, "77"]
    assert [one.get("secondkey.toml") for one in stages] == [None, toml, None]


async def test_a_file_of_settings_that_is_wrong_stops_the_bot_and_is_told() -> None:
    cases = [Case("filed", "can't start", _fine, toml="no_such_setting = 1")]
    with pytest.raises(DemoError, match="no such setting"):
        await playing.play_cases(cases, AsJson())
