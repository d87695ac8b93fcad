"""(g): from a typed ``activate`` to the request that Graph accepted, and on to its card in the approver
channel, read off the sandbox's own log as in ``turnaround``.
"""

from __future__ import annotations

from typing import Final

from bot.demo.processes import DemoError
from bot.demo.remote import Json, Remote
from tests.bench.figures import Row, percentile, spread
from tests.bench.turnaround import Times, at, first, is_event, quiet

_BELOW_MS: Final = 250
_USER: Final = "riley"
_TYPED: Final = "activate Security Administrator 1h because ticket 1234"
_COLD_SECONDS: Final = 301
"""Moved on after each, so that no cache of the bot's is warm."""


async def measure(remote: Remote, *, requests: int) -> list[Row]:
    """The bot has to be running, installed, and deaf to its poll."""
    accepted, cards = Times(), Times()
    for _ in range(requests):
        await _typed(remote, accepted, cards)
        await _say(remote, "cancel")
        await remote.post("clock/advance", {"seconds": _COLD_SECONDS})
        await quiet(remote)
    met = percentile(cards.above, 0.99) < _BELOW_MS
    return [
        Row("(g) activate typed to request accepted by Graph, above the sandbox", spread(accepted.above)),
        Row(
            "(g) activate typed to card accepted, above the sandbox",
            spread(cards.above),
            f"p99 below {_BELOW_MS} ms",
            met=met,
            must=True,
        ),
        Row(
            "(g) activate typed to card accepted, sandbox included",
            f"{spread(cards.whole)} ({len(cards.whole)} requests)",
        ),
    ]


async def _typed(remote: Remote, accepted: Times, cards: Times) -> None:
    since = await remote.position()
    await _say(remote, _TYPED)
    await remote.until("the card", _in_channel, since)
    lines = await quiet(remote, since)
    said = first(lines, lambda line: line["event"] == "message" and line.get("user") == _USER)
    began = at(said) - said["ms"]
    accepted.add(lines, began, at(first(lines, is_event("request_created"))))
    cards.add(lines, began, at(first(lines, _in_channel)))


def _in_channel(line: Json) -> bool:
    return line["event"] == "card_posted" and line.get("channel") == "approvers"


async def _say(remote: Remote, text: str) -> None:
    sent = await remote.post("teams/message", {"user": _USER, "personal": True, "text": text})
    if sent["status"] >= 300:
        raise DemoError(f"the bot answered {sent}")
