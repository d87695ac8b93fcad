"""What every store does with activations that are followed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_samples import AT, person

from bot.domain.following import Activation, HowEnded
from bot.domain.model import PostedCard, Ticket
from bot.ports import OwnCardRow, Store
from bot.store import StoreRefusedError

HOUR = timedelta(hours=1)


def an_activation(request_id: str = "r1", **changes: Any) -> Activation:
    fields: dict[str, Any] = {
        "request_id": request_id,
        "requester": person("rita"),
        "key": "role-1",
        "role_name": "Security Administrator",
        "scope": "/",
        "reason": "ticket 1234 \x00 \ud83d \N{GRINNING FACE}",
        "ticket": Ticket("1234", "ServiceNow"),
        "duration": timedelta(hours=2),
        "starts_at": None,
        "asked_at": AT,
        "channel_user_id": "29:rita",
    }
    return Activation(**(fields | changes))


FULL = an_activation(
    granted_at=AT,
    usable_at=AT + timedelta(seconds=3),
    until=AT + 2 * HOUR,
    ending=True,
    missing_since=AT + HOUR,
    ended_at=AT + HOUR,
    how_ended=HowEnded.GIVEN_BACK,
)


@pytest.mark.parametrize("activation", [an_activation(), FULL])
async def test_an_activation_comes_back_as_it_was_stored(store: Store, activation: Activation) -> None:
    async with store.transaction() as tx:
        assert await tx.add_activation(activation)
    async with store.transaction() as tx:
        assert await tx.activation("r1") == activation
        assert await tx.activation("r2") is None


async def test_an_activation_is_added_once_and_saved_only_onto_the_version_before(store: Store) -> None:
    newer = an_activation(version=2, granted_at=AT)
    async with store.transaction() as tx:
        assert await tx.add_activation(an_activation())
        assert not await tx.add_activation(an_activation(reason="another"))
        assert await tx.save_activation(newer)
        assert not await tx.save_activation(replace(newer, granted_at=AT + HOUR))
        assert not await tx.save_activation(replace(newer, version=4))
        assert not await tx.save_activation(an_activation("unknown", version=2))
    async with store.transaction() as tx:
        assert await tx.activation("r1") == newer


async def test_the_newest_come_first_by_requester_and_by_role(store: Store) -> None:
    mine = [an_activation(f"r{n}", asked_at=AT + n * HOUR) for n in range(3)]
    other = an_activation("r9", requester=person("olaf"), key="role-2", asked_at=AT + 9 * HOUR)
    async with store.transaction() as tx:
        for one in (*mine, other):
            await tx.add_activation(one)
        assert await tx.activations_of(person("rita").identity, 2) == (mine[2], mine[1])
        assert await tx.activations_of(person("nobody").identity, 2) == ()
        assert await tx.activations_for("role-2", 5) == (other,)


async def test_the_living_card_is_kept_with_what_it_shows(store: Store) -> None:
    first = OwnCardRow(PostedCard("a:1", "m1", "https://smba.example"), "1:1")
    second = OwnCardRow(PostedCard("a:1", "m2", "https://smba.example"), "2:1")
    async with store.transaction() as tx:
        await tx.add_activation(an_activation())
        assert await tx.own_card("r1") is None
        await tx.save_own_card("r1", first)
        await tx.save_own_card("r1", second)
    async with store.transaction() as tx:
        assert await tx.own_card("r1") == second


async def test_a_living_card_of_nothing_is_refused(store: Store) -> None:
    with pytest.raises(StoreRefusedError):
        async with store.transaction() as tx:
            await tx.save_own_card("r1", OwnCardRow(PostedCard("a", "m", "u"), "1"))
