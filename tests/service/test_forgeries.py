"""A click that no card of ours sends is written down with whoever sent it."""

from __future__ import annotations

from fakes.house import R1, FakeHouse
from fakes.values import ALEX, TENANT, an_actor

from bot.domain.model import State
from bot.service.common import CONDUCT


async def test_it_is_kept_with_its_request_and_what_it_claimed(house: FakeHouse) -> None:
    await house.taken_in()
    await house.forgeries.forged(an_actor(ALEX), "verbs-differ", {"request": R1, "verb": "approve"})
    line = house.audit(R1)[-1]
    assert (line.event, line.actor) == ("attack.forged-click", f"{TENANT}/{ALEX}")
    assert line.facts == {
        "cause": "verbs-differ",
        "claimed": {"request": R1, "verb": "approve"},
        "rules": ["a click says what the card that was clicked says"],
    }
    assert house.request().state is State.PENDING


async def test_a_request_that_is_not_known_is_only_what_it_claimed(house: FakeHouse) -> None:
    await house.forgeries.forged(an_actor(ALEX), "unknown-request", {"request": "r9"})
    (line,) = house.audit(None)
    assert line.facts["claimed"] == {"request": "r9"}


async def test_of_somebody_who_can_not_be_named_no_tries_are_counted(house: FakeHouse) -> None:
    await house.forgeries.forged(None, "tenants-differ", {"object_id": ALEX})
    (line,) = house.audit(None)
    assert line.actor is None
    assert not house.effects(CONDUCT)


async def test_which_requests_card_a_message_is(house: FakeHouse) -> None:
    await house.taken_in()
    await house.announcer.sync(await house.lease("card.sync"))
    posted = house.store.state.cards[R1].posted
    assert await house.forgeries.shown_on(posted.conversation_id, posted.activity_id) == R1
    assert await house.forgeries.shown_on(posted.conversation_id, "another") is None
    assert await house.forgeries.shown_on("19:elsewhere", posted.activity_id) is None
