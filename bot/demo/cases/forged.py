"""Clicks that no card sends: they change nothing, and are audited with who sent them."""

from __future__ import annotations

from typing import Any

from bot.demo.cases._case import Case
from bot.demo.cases._lines import decided
from bot.demo.remote import words
from bot.demo.scene import Asked, Line, Scene
from bot.demo.town import in_channel, must

_ELSEWHERE = "07e20000-0000-4000-8000-000000000001"
_NOBODYS = "00000000-dead-4000-8000-000000000000"
_CALM = 1201
"""Seconds: the window of a report, and of the one before it."""
_ELIGIBLE = "You are eligible for this role yourself"
_RULE = "a click says what the card that was clicked says"
_REFUSED = {400, 403}


async def _forged(scene: Scene, asked: Asked, title: str, **how: Any) -> None:
    async with scene.step("forged", title) as facts:
        answer = await scene.forge("alex", asked, **how)
        must(answer["status"] in _REFUSED, f"the bot answered {answer}")
        facts["bot_answered"] = f"{answer['status']} {answer['body']['value']['code']}"


async def other_request(scene: Scene) -> None:
    """The card of one request, the id of another: the other is not decided."""
    asked, other = await scene.ask(), await scene.ask("Application Administrator", ticket="INC2")
    await _forged(scene, asked, "Alex' click on one card names the other request", request=other.id)
    await scene.pending(asked)
    await scene.pending(other)
    await scene.audited(other, _line("card-of-another-request"))


async def unknown_request(scene: Scene) -> None:
    asked = await scene.ask()
    async with scene.step("forged", "Alex' click names a request that nobody made") as facts:
        answer = await scene.forge("alex", asked, on_card=False, request=_NOBODYS)
        said = words(answer["body"]["value"])
        must("not known here" in said, f"Alex was told: {said}")
        facts["told"] = said
    await scene.pending(asked)
    await scene.noted(_line("unknown-request"))


async def swapped_verb(scene: Scene) -> None:
    asked = await scene.ask()
    await _forged(scene, asked, "The action says deny, its data approve", action_verb="deny")
    await _closed_by_emery(scene, asked, _line("verbs-differ"))


async def edited_data(scene: Scene) -> None:
    asked = await scene.ask()
    await _forged(scene, asked, "The reason is an object", reason={"$ne": None})
    await _forged(scene, asked, "The reason is longer than the card takes", reason="x" * 5000)
    await _forged(scene, asked, "The request is a path", request="../requests")
    await scene.noted(_line("bad-request-id"))
    await _closed_by_emery(scene, asked, _line("bad-reason"), _line("reason-too-long"))


async def other_tenant(scene: Scene) -> None:
    """Two tenants named: who that is can't be told, so the trail says what was claimed."""
    asked = await scene.ask()
    await _forged(scene, asked, "The click names two tenants", channel_tenant=_ELSEWHERE)
    line = Line("attack.forged-click", rule=_RULE, facts={"cause": "tenants-differ"})
    await _closed_by_emery(scene, asked, line)


async def _closed_by_emery(scene: Scene, asked: Asked, *lines: Line) -> None:
    await scene.pending(asked)
    await scene.decided("emery", asked, "deny", "something is odd here")
    await scene.audited(asked, *lines, *decided("emery", "Deny"))


def _line(cause: str) -> Line:
    return Line("attack.forged-click", who="alex", rule=_RULE, facts={"cause": cause})


async def five_tries(scene: Scene) -> None:
    """One report to ops, however often they go on."""
    await scene.later(_CALM, "whatever was tried before no longer counts")
    asked = await scene.ask()
    since = await scene.town.remote.position()
    await scene.refused("blake", asked, _ELIGIBLE)
    for verb in ("approve", "deny", "approve"):
        await scene.stale("blake", asked, _ELIGIBLE, verb=verb)
    await scene.later(60, "Blake tries once more")
    await scene.stale("blake", asked, _ELIGIBLE)
    await _reported(scene, since)
    await scene.stale("blake", asked, _ELIGIBLE)
    await _closed_by_emery(scene, asked, *[_CONFLICT] * 5, _REPORT, _CONFLICT)
    await _told_once(scene, since)


async def across_a_crash(scene: Scene) -> None:
    """The tries are counted from the audit log, which outlives the bot."""
    await scene.later(_CALM, "whatever was tried before no longer counts")
    asked = await scene.ask()
    since = await scene.town.remote.position()
    for verb in ("approve", "deny", "approve"):
        await scene.stale("blake", asked, _ELIGIBLE, verb=verb)
    async with scene.step("killed", "The bot is killed, and starts again"):
        await scene.town.bot.kill()
        await scene.town.bot.start(scene.town.stage.session)
    for verb in ("deny", "approve"):
        await scene.stale("blake", asked, _ELIGIBLE, verb=verb)
    await _reported(scene, since)
    await _closed_by_emery(scene, asked, *[_CONFLICT] * 5, _REPORT)


_CONFLICT = Line("decision.refused", who="blake", rule="eligible-directly", judged=True)
_REPORT = Line("conduct.reported", who="blake", rule="5 tries in 600 seconds are reported")


async def _reported(scene: Scene, since: int) -> None:
    await scene.ops_read(since, scene.name("blake"), "5 within", "Eligible for the role themselves: 5")


async def _told_once(scene: Scene, since: int) -> None:
    async with scene.step("told-once", "Ops were told once"):
        lines = (await scene.town.remote.get("log", since=since))["lines"]
        posts = sum(map(in_channel("ops"), lines))
        must(posts == 1, f"{posts} cards were posted to ops")


CASES = (
    Case("forged-request", "A click on one request's card that names another decides neither", other_request),
    Case("forged-unknown", "A click about a request that does not exist", unknown_request),
    Case("forged-verb", "A click whose verb was swapped", swapped_verb),
    Case("forged-data", "Clicks whose data was edited", edited_data),
    Case("forged-tenant", "A click that claims two tenants at once", other_tenant),
    Case("five-tries", "A conflicted approver who tries five times in ten minutes is reported to ops",
         five_tries),
    Case("five-tries-across-a-crash", "So is one whose tries were before and after a crash", across_a_crash),
)  # fmt: skip
