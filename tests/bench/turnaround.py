"""(b) and (c): how long a request takes to become a card, and a click to become an edited card.

Read off the sandbox's own log, one request after the other, everything in separate processes. What the
sandbox itself took for the calls in between is taken off: as the time during which it was working on at
least one of them, so that calls side by side don't count twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.demo.processes import DemoError
from bot.demo.remote import Json, Remote
from tests.bench.figures import Row, percentile, spread

_BELOW_MS: Final = 250
_APPROVERS: Final = ("alex", "dana", "emery")
"""Those whom nothing keeps from deciding about Security Administrator."""
_LAPSED_SECONDS: Final = 301
_QUIET_SECONDS: Final = 0.1
_WISH: Final = {
    "user": "riley",
    "role": "Security Administrator",
    "duration": "PT5M",
    "justification": "measuring",
    "ticket": "INC1",
}


@dataclass(slots=True)
class Times:
    """Milliseconds, a value per request."""

    whole: list[float] = field(default_factory=list)
    above: list[float] = field(default_factory=list)
    """Without the sandbox's share."""

    def add(self, lines: Sequence[Json], began: float, ended: float) -> None:
        whole = ended - began
        self.whole.append(whole)
        self.above.append(whole - busy(lines, began, ended))


async def measure(remote: Remote, *, requests: int) -> list[Row]:
    """The bot has to be running, installed, and deaf to its poll."""
    cards, clicks, answers = Times(), Times(), []
    for number in range(requests):
        card = await _asked(remote, cards)
        answers.append(await _approved(remote, card, _APPROVERS[number % len(_APPROVERS)], clicks))
        # The activation lapses, so that the next request is a new one and no cache is warm.
        await remote.post("clock/advance", {"seconds": _LAPSED_SECONDS})
        await quiet(remote)
    shown = f"{spread(answers)} ({requests} clicks)"
    return [
        *_rows("(b) notification to card accepted", cards),
        *_rows("(c) click to card edited", clicks),
        Row("(c) click to answer at the clicker, sandbox included", shown),
    ]


def _rows(what: str, times: Times) -> list[Row]:
    met = percentile(times.above, 0.99) < _BELOW_MS
    aim = f"p99 below {_BELOW_MS} ms"
    return [
        Row(f"{what}, above the sandbox", spread(times.above), aim, met=met, must=True),
        Row(f"{what}, sandbox included", f"{spread(times.whole)} ({len(times.whole)} requests)"),
    ]


async def _asked(remote: Remote, times: Times) -> str:
    """A request from the portal's side; returns its card's id."""
    since = await remote.position()
    await remote.post("portal/activate", _WISH)
    await remote.until("the card", is_event("card_posted"), since)
    lines = await quiet(remote, since)
    card = first(lines, is_event("card_posted"))
    times.add(lines, at(first(lines, is_event("mail_received"))), at(card))
    return str(card["activity_id"])


async def _approved(remote: Remote, card: str, user: str, times: Times) -> float:
    """Returns the milliseconds until the clicker had an answer."""
    since = await remote.position()
    deed = {"user": user, "activity_id": card, "verb": "approve", "inputs": {"reason": "checked"}}
    answer = await remote.post("teams/click", deed)
    if answer["shown"] != "card":
        raise DemoError(f"the bot answered {answer}")
    await remote.until("the edit", is_event("card_edited"), since)
    lines = await quiet(remote, since)
    patch = first(lines, lambda line: line.get("method") == "PATCH" and line["status"] < 300)
    edit, click = first(lines, is_event("card_edited")), first(lines, is_event("click"))
    if edit["seq"] < patch["seq"]:
        raise DemoError("the card was edited before Graph had accepted the decision")
    times.add(lines, at(click) - click["ms"], at(edit))
    return float(click["ms"])


async def quiet(remote: Remote, since: int | None = None) -> list[Json]:
    """What was logged (``since``), when nothing has come for a while."""
    position = await remote.position() if since is None else since
    lines: list[Json] = []
    while (seen := await remote.get("log", since=position, wait=_QUIET_SECONDS))["lines"]:
        lines += seen["lines"]
        position = seen["next"]
    return lines


def busy(lines: Iterable[Json], began: float, ended: float) -> float:
    """For how many milliseconds between the two the sandbox was working on some call."""
    total, covered = 0.0, began
    calls = ((at(line) - line["ms"], at(line)) for line in lines if line["event"] == "http")
    for first, last in sorted(calls):
        start, end = max(first, covered), min(last, ended)
        if end > start:
            total, covered = total + end - start, end
    return total


def is_event(event: str) -> Callable[[Json], bool]:
    return lambda line: line["event"] == event


def first(lines: Iterable[Json], matches: Callable[[Json], bool]) -> Json:
    found = next((line for line in lines if matches(line)), None)
    if found is None:
        raise DemoError("the sandbox's log lacks a line that was expected")
    return found


def at(line: Json) -> float:
    """Milliseconds since 1970."""
    return datetime.fromisoformat(line["at"]).timestamp() * 1000
