"""What every store does, the hand-written fake included."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from fakes.manual_clock import ManualClock
from store_samples import AT, a_request

from bot.domain.model import PostedCard, State
from bot.ports import AuditEntry, CardRow, Effect, LeasedEffect, Store, SubscriptionRow
from bot.store import StoreRefusedError

MINUTE = timedelta(minutes=1)


def an_effect(key: str = "e1", after: timedelta = timedelta(0), kind: str = "post") -> Effect:
    return Effect(key, kind, AT + after, {"request": "r1"})


async def enqueue(store: Store, *effects: Effect) -> None:
    async with store.transaction() as tx:
        for effect in effects:
            await tx.enqueue(effect)


async def wake(store: Store, effect: Effect) -> None:
    async with store.transaction() as tx:
        await tx.wake(effect)


async def claim(store: Store, owner: str = "me", limit: int = 10) -> tuple[LeasedEffect, ...]:
    return await store.claim_effects(owner, ["post"], limit, 10)


async def claim_one(store: Store, owner: str = "me") -> LeasedEffect:
    (effect,) = await claim(store, owner)
    return effect


async def finish(store: Store, effect: LeasedEffect) -> bool:
    async with store.transaction() as tx:
        return await tx.finish(effect)


async def keys(store: Store, owner: str = "me") -> list[str]:
    return [effect.key for effect in await claim(store, owner)]


# Requests, cards, audit, channels ----------------------------------------------------------


async def test_a_request_comes_back_as_it_was_stored(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.add_request(a_request())
    async with store.transaction() as tx:
        assert await tx.request("r1") == a_request()
        assert await tx.request("r2") is None


async def test_a_request_is_added_once(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.add_request(a_request())
        assert not await tx.add_request(a_request(justification="another"))
    async with store.transaction() as tx:
        assert await tx.request("r1") == a_request()


async def test_a_request_is_saved_only_onto_the_version_before(store: Store) -> None:
    newer = a_request(version=2, state=State.DECIDING)
    async with store.transaction() as tx:
        await tx.add_request(a_request())
        assert await tx.save_request(newer)
        assert not await tx.save_request(replace(newer, state=State.APPROVED))
        assert not await tx.save_request(replace(newer, version=4))
        assert not await tx.save_request(a_request("unknown", version=2))
    async with store.transaction() as tx:
        assert await tx.request("r1") == newer


async def test_open_requests_are_the_pending_and_the_deciding_ones_oldest_first(store: Store) -> None:
    async with store.transaction() as tx:
        for number, state in enumerate(State):
            await tx.add_request(a_request(f"r{number}", state=state, requested_at=AT - number * MINUTE))
    async with store.transaction() as tx:
        assert [r.state for r in await tx.open_requests()] == [State.DECIDING, State.PENDING]


async def test_a_transaction_that_raises_writes_nothing(store: Store) -> None:
    async def work() -> None:
        async with store.transaction() as tx:
            await tx.add_request(a_request())
            await tx.enqueue(an_effect())
            raise LookupError

    with pytest.raises(LookupError):
        await work()
    async with store.transaction() as tx:
        assert await tx.request("r1") is None
    assert await keys(store) == []


async def test_a_transaction_that_is_cancelled_writes_nothing_and_blocks_nobody(store: Store) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with store.transaction() as tx:
            await tx.enqueue(an_effect())
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await keys(store) == []


async def test_a_transaction_cut_off_at_any_point_is_whole_or_absent(store: Store) -> None:
    async def work(number: int) -> None:
        async with store.transaction() as tx:
            await tx.add_request(a_request(f"r{number}"))
            await tx.enqueue(an_effect(f"r{number}"))

    for number in range(30):
        task = asyncio.create_task(work(number))
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with store.transaction() as tx:
        requests = {request.id for request in await tx.open_requests()}
    assert {effect.key for effect in await claim(store, limit=100)} == requests


async def test_a_transaction_inside_a_transaction_is_refused_rather_than_waited_for(store: Store) -> None:
    async with store.transaction():
        with pytest.raises(RuntimeError, match="inside"):
            async with store.transaction():
                pass


async def test_concurrent_claims_of_one_version_have_one_winner(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.add_request(a_request())

    async def save(justification: str) -> bool:
        async with store.transaction() as tx:
            return await tx.save_request(a_request(version=2, justification=justification))

    assert sorted(await asyncio.gather(*(save(str(n)) for n in range(8)))) == [False] * 7 + [True]


async def test_a_card_is_replaced_by_the_newest(store: Store) -> None:
    row = CardRow(PostedCard("19:a", "1", "https://smba.example/"), 1)
    newer = CardRow(PostedCard("19:a", "2", "https://smba.example/"), 2)
    async with store.transaction() as tx:
        await tx.add_request(a_request())
        assert await tx.card("r1") is None
        await tx.save_card("r1", row)
        await tx.save_card("r1", newer)
    async with store.transaction() as tx:
        assert await tx.card("r1") == newer


async def test_a_card_of_an_unknown_request_is_refused(store: Store) -> None:
    with pytest.raises(StoreRefusedError):
        async with store.transaction() as tx:
            await tx.save_card("r1", CardRow(PostedCard("19:a", "1", "https://smba.example/"), 1))


async def test_the_audit_trail_of_a_request_is_in_the_order_of_writing(store: Store) -> None:
    first = AuditEntry(AT, "request.seen", "r1", None, {"pool": ["a", {"b": 1}]})
    second = AuditEntry(AT - MINUTE, "request.refused", "r1", "t/o", {"why": "\x00\ud83d"})
    async with store.transaction() as tx:
        for entry in (first, AuditEntry(AT, "other", "r2", None), second, AuditEntry(AT, "none", None, None)):
            await tx.audit(entry)
    async with store.transaction() as tx:
        assert await tx.audit_trail("r1") == (first, second)
        assert await tx.audit_trail("r3") == ()


async def test_what_an_actor_did_lately_is_the_newest_lines_of_some_events(store: Store) -> None:
    lines = [
        AuditEntry(AT - MINUTE, "refused", "r1", "t/a", {"n": 0}),
        AuditEntry(AT, "refused", "r1", "t/a", {"n": 1}),
        AuditEntry(AT, "refused", "r1", "t/b", {"n": 2}),
        AuditEntry(AT + MINUTE, "forged", None, "t/a", {"n": 3}),
        AuditEntry(AT + MINUTE, "other", "r2", "t/a", {"n": 4}),
        AuditEntry(AT + MINUTE, "refused", "r2", "t/a", {"n": 5}),
    ]
    async with store.transaction() as tx:
        for line in lines:
            await tx.audit(line)
        assert await tx.audit_of("t/a", ["refused", "forged"], AT, 9) == (lines[1], lines[3], lines[5])
        assert await tx.audit_of("t/a", ["refused", "forged"], AT, 2) == (lines[3], lines[5])
        assert await tx.audit_of("t/a", [], AT, 9) == ()
        assert await tx.audit_of("t/c", ["refused"], AT, 9) == ()


async def test_which_requests_card_a_message_is(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.add_request(a_request("r1"))
        await tx.save_card("r1", CardRow(PostedCard("19:a;messageid=1", "1", "https://smba.example/"), 1))
    async with store.transaction() as tx:
        assert await tx.request_shown_on("19:a;messageid=1", "1") == "r1"
        assert await tx.request_shown_on("19:b;messageid=1", "1") is None
        assert await tx.request_shown_on("19:a;messageid=1", "2") is None


async def test_service_urls_follow_the_newest(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.service_url("19:a") is None
        await tx.save_service_url("19:a", "https://old.example/")
        await tx.save_service_url("19:a", "https://new.example/")
    async with store.transaction() as tx:
        assert await tx.service_url("19:a") == "https://new.example/"


async def test_subscriptions_are_saved_replaced_and_dropped(store: Store) -> None:
    users = SubscriptionRow("/users", "s1", "id", AT)
    groups = SubscriptionRow("/groups", "s2", refused="no permission", retry_at=AT + MINUTE)
    async with store.transaction() as tx:
        await tx.save_subscription(SubscriptionRow("/users", "s0"))
        await tx.save_subscription(users)
        await tx.save_subscription(groups)
    async with store.transaction() as tx:
        assert await tx.subscriptions() == (groups, users)
        await tx.drop_subscription("/groups")
        await tx.drop_subscription("/unknown")
    async with store.transaction() as tx:
        assert await tx.subscriptions() == (users,)


async def test_times_come_back_aware_in_utc(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.save_subscription(SubscriptionRow("/users", "s", "id", AT))
    async with store.transaction() as tx:
        (row,) = await tx.subscriptions()
    assert row.expires_at is not None
    assert row.expires_at.utcoffset() == timedelta(0)


async def test_ping_answers(store: Store) -> None:
    await store.ping()


# Effects -----------------------------------------------------------------------------------


async def test_a_due_effect_is_claimed_once_with_everything_in_it(store: Store) -> None:
    await enqueue(store, an_effect())
    effect = await claim_one(store)
    assert (effect.key, effect.kind, effect.due_at) == ("e1", "post", AT)
    assert (effect.payload, effect.attempts) == ({"request": "r1"}, 1)
    assert await claim(store, "you") == ()


async def test_effects_are_claimed_when_due_oldest_first_and_no_more_than_asked_for(
    store: Store, clock: ManualClock
) -> None:
    later, soon, now = an_effect("c", 2 * MINUTE), an_effect("b", MINUTE), an_effect("a")
    await enqueue(store, later, soon, now)
    assert await keys(store) == ["a"]
    clock.move(120)
    assert [e.key for e in await claim(store, limit=1)] == ["b"]
    assert await keys(store) == ["c"]


async def test_effects_of_unknown_kinds_are_left_alone(store: Store) -> None:
    await enqueue(store, an_effect("new", kind="kind-of-a-newer-release"))
    assert await claim(store) == ()
    assert await store.next_due(["post"]) is None
    assert await store.next_due(["kind-of-a-newer-release"]) == AT


async def test_no_kinds_means_no_effects(store: Store) -> None:
    await enqueue(store, an_effect())
    assert await store.claim_effects("me", [], 10, 10) == ()
    assert await store.next_due([]) is None


async def test_an_effect_enqueued_twice_is_one_also_after_it_is_done(store: Store) -> None:
    await enqueue(store, an_effect(), an_effect())
    assert await finish(store, await claim_one(store))
    await enqueue(store, an_effect())
    assert await claim(store) == ()
    assert await store.next_due(["post"]) is None


async def test_a_lease_can_be_finished_once(store: Store) -> None:
    await enqueue(store, an_effect())
    effect = await claim_one(store)
    assert await finish(store, effect)
    assert not await finish(store, effect)


async def test_an_expired_lease_goes_to_another_owner_and_the_first_can_no_longer_finish(
    store: Store, clock: ManualClock
) -> None:
    await enqueue(store, an_effect())
    mine = await claim_one(store, "me")
    clock.move(9.9)
    assert await claim(store, "you") == ()
    clock.move(0.1)
    yours = await claim_one(store, "you")
    assert yours.attempts == 2
    assert not await finish(store, mine)
    assert not await store.retry_effect(mine, AT, "late")
    async with store.transaction() as tx:
        assert not await tx.reschedule(mine, AT)
    assert await finish(store, yours)


async def test_an_owner_is_never_given_what_it_still_holds_however_far_the_clock_jumps(
    store: Store, clock: ManualClock
) -> None:
    await enqueue(store, an_effect())
    effect = await claim_one(store)
    clock.move(300)
    assert await claim(store) == ()
    assert await finish(store, effect)


async def test_a_finish_that_is_rolled_back_leaves_the_lease(store: Store) -> None:
    await enqueue(store, an_effect())
    effect = await claim_one(store)

    async def work() -> None:
        async with store.transaction() as tx:
            assert await tx.finish(effect)
            raise LookupError

    with pytest.raises(LookupError):
        await work()
    assert await finish(store, effect)


async def test_a_retried_effect_comes_again_at_its_time_with_the_next_attempt(
    store: Store, clock: ManualClock
) -> None:
    await enqueue(store, an_effect())
    effect = await claim_one(store)
    assert await store.retry_effect(effect, AT + MINUTE, "503")
    assert await claim(store) == ()
    assert await store.next_due(["post"]) == AT + MINUTE
    clock.move(60)
    again = await claim_one(store)
    assert (again.attempts, again.due_at) == (2, AT)
    assert not await finish(store, effect)


async def test_a_rescheduled_effect_starts_over_at_its_new_time(store: Store, clock: ManualClock) -> None:
    await enqueue(store, an_effect())
    async with store.transaction() as tx:
        pass
    effect = await claim_one(store)
    async with store.transaction() as tx:
        assert await tx.reschedule(effect, AT + MINUTE)
        assert not await tx.reschedule(effect, AT + MINUTE)
    clock.move(60)
    again = await claim_one(store)
    assert (again.attempts, again.due_at) == (1, AT + MINUTE)
    assert not await finish(store, effect)


async def due_at(store: Store, key: str = "e1") -> datetime | None:
    async with store.transaction() as tx:
        return await tx.due_at(key)


async def test_the_due_time_of_an_effect_that_is_not_there_is_none(store: Store) -> None:
    assert await due_at(store) is None


async def test_a_due_time_is_moved_on_by_a_finished_round_only(store: Store, clock: ManualClock) -> None:
    await enqueue(store, an_effect())
    clock.move(1)
    effect = await claim_one(store)
    assert await due_at(store) == AT
    await store.retry_effect(effect, AT + MINUTE, "failed")
    assert await due_at(store) == AT
    clock.move(60)
    effect = await claim_one(store)
    async with store.transaction() as tx:
        await tx.reschedule(effect, AT + 2 * MINUTE)
    assert await due_at(store) == AT + 2 * MINUTE


async def test_waking_brings_a_due_time_forward_but_not_while_the_effect_runs(store: Store) -> None:
    await enqueue(store, an_effect(after=MINUTE))
    await wake(store, an_effect())
    assert await due_at(store) == AT
    effect = await claim_one(store)
    await wake(store, an_effect(after=-MINUTE))
    assert await due_at(store) == AT
    assert await finish(store, effect)
    assert await due_at(store) == AT - MINUTE


async def test_leases_are_freed_by_owner_or_all_at_once(store: Store) -> None:
    await enqueue(store, an_effect("a"), an_effect("b"))
    (mine,) = await claim(store, "me", 1)
    await claim(store, "you", 1)
    assert await store.free_leases("nobody") == 0
    assert await store.free_leases("me") == 1
    assert await keys(store, "third") == ["a"]
    assert not await finish(store, mine)
    assert await store.free_leases(None) == 2
    assert await keys(store, "fourth") == ["a", "b"]


async def test_next_due_is_the_earliest_of_these_kinds(store: Store) -> None:
    assert await store.next_due(["post"]) is None
    other = an_effect("x", -MINUTE, "other")
    await enqueue(store, an_effect("b", 2 * MINUTE), an_effect("a", MINUTE), other)
    assert await store.next_due(["post"]) == AT + MINUTE
    assert await store.next_due(["post", "other"]) == AT - MINUTE


async def test_concurrent_claims_share_the_effects_and_none_gets_two_of_one(store: Store) -> None:
    await enqueue(store, *(an_effect(f"e{n}") for n in range(40)))
    shares = await asyncio.gather(*(claim(store, f"owner-{n}", 5) for n in range(8)))
    claimed = [effect.key for share in shares for effect in share]
    assert len(claimed) == len(set(claimed))
    assert all(len(share) <= 5 for share in shares)


# Waking and cancelling ---------------------------------------------------------------------


async def test_waking_writes_an_effect_that_is_not_there(store: Store) -> None:
    await wake(store, an_effect())
    assert (await claim_one(store)).attempts == 1


async def test_waking_a_done_effect_runs_it_again_from_the_first_attempt(store: Store) -> None:
    await enqueue(store, an_effect())
    first = await claim_one(store)
    await finish(store, first)
    await wake(store, replace(an_effect(), payload={"request": "r2"}))
    again = await claim_one(store)
    assert (again.attempts, again.payload) == (1, {"request": "r2"})
    assert not await finish(store, first)
    assert await finish(store, again)


async def test_waking_brings_a_waiting_effect_forward_but_never_puts_it_off(store: Store) -> None:
    await enqueue(store, an_effect(after=MINUTE))
    await wake(store, an_effect(after=2 * MINUTE))
    assert await store.next_due(["post"]) == AT + MINUTE
    await wake(store, an_effect())
    assert await keys(store) == ["e1"]


async def test_waking_shortens_the_wait_after_a_failure(store: Store) -> None:
    await enqueue(store, an_effect())
    await store.retry_effect(await claim_one(store), AT + MINUTE, "503")
    await wake(store, an_effect())
    assert (await claim_one(store)).attempts == 2


async def test_an_effect_woken_while_it_runs_runs_once_more_and_never_beside_itself(store: Store) -> None:
    await enqueue(store, an_effect())
    first = await claim_one(store)
    await wake(store, an_effect())
    await wake(store, an_effect())
    assert await claim(store, "you") == ()
    assert await finish(store, first)
    second = await claim_one(store)
    assert second.attempts == 1
    assert await finish(store, second)
    assert await claim(store) == ()


async def test_an_effect_woken_for_later_while_it_runs_waits_until_then(
    store: Store, clock: ManualClock
) -> None:
    await enqueue(store, an_effect())
    first = await claim_one(store)
    await wake(store, an_effect(after=2 * MINUTE))
    await wake(store, an_effect(after=MINUTE))
    await finish(store, first)
    assert await claim(store) == ()
    clock.move(60)
    assert (await claim_one(store)).due_at == AT + MINUTE


async def test_a_handler_may_wake_its_own_effect_and_finish(store: Store) -> None:
    await enqueue(store, an_effect())
    effect = await claim_one(store)
    async with store.transaction() as tx:
        await tx.wake(an_effect())
        assert await tx.finish(effect)
    assert await keys(store) == ["e1"]


@pytest.mark.parametrize(
    ("woken_after", "comes_after"),
    [pytest.param(MINUTE, MINUTE, id="sooner"), pytest.param(5 * MINUTE, 2 * MINUTE, id="later")],
)
@pytest.mark.parametrize("how", ["reschedule", "retry"])
async def test_an_effect_given_back_comes_at_the_earlier_of_its_time_and_its_wake(
    store: Store, how: str, woken_after: timedelta, comes_after: timedelta
) -> None:
    await enqueue(store, an_effect())
    effect = await claim_one(store)
    await wake(store, an_effect(after=woken_after))
    if how == "retry":
        await store.retry_effect(effect, AT + 2 * MINUTE, "503")
    else:
        async with store.transaction() as tx:
            await tx.reschedule(effect, AT + 2 * MINUTE)
    assert await store.next_due(["post"]) == AT + comes_after


async def test_a_takeover_answers_the_wake_that_came_before_it(store: Store, clock: ManualClock) -> None:
    await enqueue(store, an_effect())
    await claim_one(store, "dead")
    await wake(store, an_effect())
    clock.move(10)
    taken = await claim_one(store, "me")
    assert taken.attempts == 2
    await finish(store, taken)
    assert await claim(store) == ()


async def test_a_lease_lost_and_done_by_another_can_not_finish_the_next_run(
    store: Store, clock: ManualClock
) -> None:
    await enqueue(store, an_effect())
    frozen = await claim_one(store, "me")
    clock.move(10)
    await finish(store, await claim_one(store, "you"))
    await wake(store, an_effect())
    again = await claim_one(store, "me")
    assert (again.attempts, again.due_at) == (frozen.attempts, frozen.due_at)
    assert not await finish(store, frozen)
    assert await finish(store, again)


async def test_a_cancelled_effect_is_done_and_stays_so(store: Store, clock: ManualClock) -> None:
    await enqueue(store, an_effect(after=MINUTE))
    async with store.transaction() as tx:
        await tx.cancel("e1")
        await tx.cancel("unknown")
    await enqueue(store, an_effect())
    clock.move(600)
    assert await claim(store) == ()


@pytest.mark.parametrize("how", ["finish", "reschedule", "retry"])
async def test_an_effect_cancelled_while_it_runs_can_still_be_recorded_but_not_revived(
    store: Store, clock: ManualClock, how: str
) -> None:
    await enqueue(store, an_effect())
    effect = await claim_one(store)
    async with store.transaction() as tx:
        await tx.cancel("e1")
    if how == "retry":
        assert await store.retry_effect(effect, AT, "503")
    else:
        async with store.transaction() as tx:
            assert await (tx.finish(effect) if how == "finish" else tx.reschedule(effect, AT))
    clock.move(600)
    assert await claim(store) == ()
    assert await claim(store, "you") == ()


async def test_a_cancelled_effect_can_be_woken_and_waits_for_the_run_under_way(store: Store) -> None:
    await enqueue(store, an_effect())
    first = await claim_one(store)
    async with store.transaction() as tx:
        await tx.cancel("e1")
        await tx.wake(an_effect())
    assert await claim(store, "you") == ()
    assert await finish(store, first)
    assert await keys(store) == ["e1"]


async def test_cancelling_takes_back_a_wake(store: Store, clock: ManualClock) -> None:
    await enqueue(store, an_effect())
    first = await claim_one(store)
    async with store.transaction() as tx:
        await tx.wake(an_effect())
        await tx.cancel("e1")
    assert await finish(store, first)
    clock.move(600)
    assert await claim(store) == ()


async def test_a_lease_made_up_elsewhere_settles_nothing(store: Store) -> None:
    await enqueue(store, an_effect())
    effect = await claim_one(store)
    for owner in ("me", "", "me#", "me#x", "you#1"):
        assert not await finish(store, replace(effect, owner=owner))
    assert await finish(store, effect)


async def test_pruning_removes_only_what_was_done_before(store: Store, clock: ManualClock) -> None:
    await enqueue(store, an_effect("old"), an_effect("new"), an_effect("waiting", MINUTE))
    old, new = sorted(await claim(store), key=lambda effect: effect.key != "old")
    await finish(store, old)
    clock.move(5)
    await finish(store, new)
    assert await store.prune(AT + timedelta(seconds=5)) == 1  # type: ignore[attr-defined]
    await enqueue(store, an_effect("old"), an_effect("new"))
    assert await keys(store) == ["old"]
