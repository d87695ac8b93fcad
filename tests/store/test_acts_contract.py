"""Acts that wait for a sign-in, in every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from store_samples import AT

from bot.domain.model import Actor, Identity
from bot.domain.obstacles import Way
from bot.domain.sign_in import PendingAct, started
from bot.ports import Store

ADELE = Actor(Identity("t1", "adele"), "Adele", "29:adele")
BIANCA = Actor(Identity("t1", "bianca"), "Bianca", "29:bianca")
FLOW = {"state": "k1.s1", "code_verifier": "v", "scope": ["a"]}


def an_act(key: str = "k1", actor: Actor = ADELE, subject: str = "r1", **changes: object) -> PendingAct:
    made = PendingAct(
        key, actor, "decide", subject, Way.SIGN_IN, AT, AT + timedelta(minutes=10), {"choice": "Approve"}
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def save(store: Store, *acts: PendingAct) -> None:
    async with store.transaction() as tx:
        for act in acts:
            await tx.save_act(act)


async def stored(store: Store, key: str = "k1") -> PendingAct | None:
    async with store.transaction() as tx:
        return await tx.act(key)


async def test_an_act_comes_back_as_it_was_saved(store: Store) -> None:
    act = an_act(claims='{"access_token":{}}', way=Way.STEP_UP)
    await save(store, act)
    assert await stored(store) == act
    assert await stored(store, "other") is None


async def test_beginning_again_replaces_only_the_actors_own_act_on_that_subject(store: Store) -> None:
    await save(store, an_act("k1"), an_act("k2", subject="r2"), an_act("k3", actor=BIANCA), an_act("k4"))
    assert await stored(store, "k1") is None
    async with store.transaction() as tx:
        assert [act.key for act in await tx.acts_of(ADELE.identity)] == ["k2", "k4"]
        assert [act.key for act in await tx.acts_of(BIANCA.identity)] == ["k3"]


async def test_an_act_is_used_once(store: Store) -> None:
    await save(store, an_act())
    async with store.transaction() as tx:
        assert await tx.use_act("k1", AT)
    async with store.transaction() as tx:
        assert not await tx.use_act("k1", AT)
        assert not await tx.use_act("other", AT)
        assert await tx.acts_of(ADELE.identity) == ()
    used = await stored(store)
    assert used is not None
    assert used.used_at == AT


async def test_an_answer_to_a_sign_in_counts_once_and_only_for_the_latest(store: Store) -> None:
    await save(store, an_act())
    first = started(an_act(), FLOW, "browser")
    second = started(an_act(), {**FLOW, "state": "k1.s2"}, "browser")
    async with store.transaction() as tx:
        assert await tx.start_act(first)
        assert await tx.start_act(second)
    assert await stored(store) == second
    async with store.transaction() as tx:
        assert not await tx.end_flow(first)
        assert await tx.end_flow(second)
        assert not await tx.end_flow(second)
    assert await stored(store) == an_act()


async def test_a_used_or_replaced_act_can_not_be_started(store: Store) -> None:
    await save(store, an_act())
    async with store.transaction() as tx:
        await tx.use_act("k1", AT)
        assert not await tx.start_act(started(an_act(), FLOW, "browser"))
        assert not await tx.start_act(started(an_act("gone"), FLOW, "browser"))
    await save(store, an_act("k2"))
    async with store.transaction() as tx:
        assert not await tx.start_act(started(an_act(), FLOW, "browser"))


async def test_pruning_forgets_acts_that_expired_long_ago(store: Store) -> None:
    await save(store, an_act("old", subject="r0", expires_at=AT - timedelta(days=8)), an_act())
    await store.prune(AT - timedelta(days=7))  # type: ignore[attr-defined]
    assert await stored(store, "old") is None
    assert await stored(store) is not None
