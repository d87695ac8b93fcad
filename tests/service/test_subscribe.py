"""Subscriptions are kept alive, refusals are told once, and strangers are not believed."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes.house import FakeHouse
from fakes.values import NOW
from structlog.testing import capture_logs

from bot.domain.errors import DirectoryError, PermissionMissingError, RejectedError, UnavailableError
from bot.domain.model import Notification
from bot.ports import Effect, GraphSubscription, SubscriptionRow
from bot.service import subscribe
from bot.service.common import RECONCILE, SUBSCRIPTIONS
from bot.service.subscribe import LIFETIME

MAIL, GROUP = "users/pim@example.com/messages", "groups/1/members"
DAY = timedelta(days=1).total_seconds()


async def tend(house: FakeHouse, *resources: str) -> None:
    async with house.store.transaction() as tx:
        await tx.wake(Effect(SUBSCRIPTIONS, SUBSCRIPTIONS, house.clock.now()))
    await house.subscriber(*resources).run(await house.lease(SUBSCRIPTIONS))


def row(house: FakeHouse, resource: str = MAIL) -> SubscriptionRow:
    return house.store.state.subscriptions[resource]


def note(
    client_state: str = "secret-1", lifecycle: str | None = None, subscription: str = "sub-1"
) -> Notification:
    return Notification(subscription, client_state, lifecycle)


# Creating and renewing ---------------------------------------------------------------------


async def test_each_resource_is_subscribed_to_with_a_secret_of_its_own(house: FakeHouse) -> None:
    await tend(house, MAIL, GROUP)
    until = NOW + LIFETIME
    assert house.subscriptions.created == [(MAIL, "secret-1", until), (GROUP, "secret-2", until)]
    assert row(house) == SubscriptionRow(MAIL, "secret-1", "sub-1", until)


async def test_the_secret_is_written_down_before_graph_hears_of_it(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []
    create = house.subscriptions.create

    async def looking(resource: str, client_state: str, expires_at: object) -> GraphSubscription:
        kept.append((row(house).client_state, client_state))
        return await create(resource, client_state, expires_at)  # type: ignore[arg-type]

    monkeypatch.setattr(house.subscriptions, "create", looking)
    await tend(house, MAIL)
    assert kept == [("secret-1", "secret-1")]


async def test_the_row_comes_again_in_five_minutes(house: FakeHouse) -> None:
    await tend(house, MAIL)
    assert [r.due_at for r in house.effects(SUBSCRIPTIONS)] == [NOW + timedelta(minutes=5)]


async def test_a_subscription_is_renewed_a_day_before_it_ends_and_not_earlier(house: FakeHouse) -> None:
    await tend(house, MAIL)
    house.clock.move(LIFETIME.total_seconds() - DAY - 1)
    await tend(house, MAIL)
    assert not house.subscriptions.renewed
    house.clock.move(1)
    await tend(house, MAIL)
    until = house.clock.now() + LIFETIME
    assert house.subscriptions.renewed == [("sub-1", until)]
    assert row(house) == SubscriptionRow(MAIL, "secret-1", "sub-1", until)
    assert len(house.subscriptions.created) == 1


async def test_the_end_that_graph_granted_is_what_counts(house: FakeHouse) -> None:
    house.subscriptions.lifetime_cap = NOW + timedelta(hours=1)
    await tend(house, MAIL)
    assert row(house).expires_at == NOW + timedelta(hours=1)


async def test_a_subscription_that_graph_lost_is_created_again_with_its_secret(house: FakeHouse) -> None:
    await tend(house, MAIL)
    house.subscriptions.alive.clear()
    house.clock.move(LIFETIME.total_seconds())
    await tend(house, MAIL)
    assert [c[1] for c in house.subscriptions.created] == ["secret-1", "secret-1"]
    assert row(house).subscription_id == "sub-2"


async def test_a_graph_that_is_down_is_asked_again_at_the_next_check(house: FakeHouse) -> None:
    house.subscriptions.fail["create"] = UnavailableError()
    await tend(house, MAIL, GROUP)
    assert (row(house).subscription_id, row(house).refused) == (None, None)
    house.subscriptions.fail.clear()
    await tend(house, MAIL, GROUP)
    assert [c[:2] for c in house.subscriptions.created] == [(MAIL, "secret-1"), (GROUP, "secret-2")]
    assert not house.events(None)


# Refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [RejectedError("no such resource"), PermissionMissingError("no such resource")]
)
async def test_a_refusal_is_told_once_and_tried_again_daily(house: FakeHouse, error: DirectoryError) -> None:
    house.subscriptions.fail["create"] = error
    with capture_logs() as logs:
        await tend(house, MAIL)
        house.clock.move(DAY - 1)
        await tend(house, MAIL)
        assert row(house).retry_at == NOW + timedelta(days=1)
        house.clock.move(1)
        await tend(house, MAIL)
    assert row(house).retry_at == NOW + timedelta(days=2)
    assert row(house).refused == "no such resource"
    assert [line["log_level"] for line in logs if line["event"] == "subscription_refused"] == ["error"]
    (line,) = house.audit(None)
    assert (line.event, line.facts) == (
        "subscription.refused",
        {"resource": MAIL, "why": "no such resource"},
    )


async def test_a_tenant_that_changes_its_mind_is_subscribed_to(house: FakeHouse) -> None:
    house.subscriptions.fail["create"] = RejectedError()
    await tend(house, MAIL)
    house.subscriptions.fail.clear()
    await tend(house, MAIL)
    assert not house.subscriptions.created
    house.clock.move(DAY)
    await tend(house, MAIL)
    assert row(house) == SubscriptionRow(MAIL, "secret-1", "sub-1", house.clock.now() + LIFETIME)


async def test_one_refused_resource_keeps_no_other_from_its_subscription(house: FakeHouse) -> None:
    await tend(house, GROUP)
    house.clock.move(LIFETIME.total_seconds())
    house.subscriptions.fail["create"] = RejectedError()
    await tend(house, MAIL, GROUP)
    assert [s for s, _ in house.subscriptions.renewed] == ["sub-1"]


# Dropped -----------------------------------------------------------------------------------


async def test_what_is_no_longer_named_is_dropped(house: FakeHouse) -> None:
    await tend(house, MAIL, GROUP)
    await tend(house, GROUP)
    assert list(house.subscriptions.alive.values()) == [GROUP]
    assert list(house.store.state.subscriptions) == [GROUP]


async def test_what_was_never_made_is_dropped_without_asking_graph(house: FakeHouse) -> None:
    house.subscriptions.fail = {"create": RejectedError(), "delete": RejectedError()}
    await tend(house, MAIL)
    await tend(house)
    assert not house.store.state.subscriptions


async def test_what_could_not_be_dropped_is_dropped_later(house: FakeHouse) -> None:
    await tend(house, MAIL)
    house.subscriptions.fail["delete"] = UnavailableError()
    await tend(house)
    assert row(house).subscription_id == "sub-1"
    house.subscriptions.fail.clear()
    await tend(house)
    assert not house.store.state.subscriptions
    assert not house.subscriptions.alive


# Being told --------------------------------------------------------------------------------


async def test_a_notification_wakes_reconciliation_and_nothing_else(house: FakeHouse) -> None:
    await tend(house, MAIL)
    before = row(house)
    assert await house.subscriber(MAIL).heard([note()])
    assert [r.due_at for r in house.effects(RECONCILE)] == [NOW]
    assert row(house) == before


@pytest.mark.parametrize("client_state", ["", "secret-9", "secret-1 ", "sécret", "\ud800"])
async def test_a_foreign_client_state_changes_nothing(house: FakeHouse, client_state: str) -> None:
    await tend(house, MAIL)
    before = house.store.state
    assert not await house.subscriber(MAIL).heard([note(client_state, "subscriptionRemoved")])
    assert house.store.state == before


async def test_nothing_heard_is_nothing_done(house: FakeHouse) -> None:
    assert not await house.subscriber(MAIL).heard([])
    assert not house.store.state.effects


async def test_one_genuine_notification_among_forged_ones_is_enough(house: FakeHouse) -> None:
    await tend(house, MAIL)
    assert await house.subscriber(MAIL).heard([note("forged", "subscriptionRemoved"), note()])
    assert house.effects(RECONCILE)
    assert row(house).subscription_id == "sub-1"


async def test_the_client_state_is_compared_with_every_row_in_constant_time(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tend(house, MAIL, GROUP)
    compared = []

    def compare(ours: bytes, theirs: bytes) -> bool:
        compared.append(ours)
        return hmac.compare_digest(ours, theirs)

    monkeypatch.setattr(subscribe, "hmac", type("hmac", (), {"compare_digest": staticmethod(compare)}))
    for client_state in ("secret-1", "secret-2", "forged"):
        compared.clear()
        await house.subscriber(MAIL, GROUP).heard([note(client_state)])
        assert sorted(compared) == [b"secret-1", b"secret-2"]


# Lifecycle ---------------------------------------------------------------------------------


async def test_a_subscription_that_must_be_reauthorized_is_renewed_at_once(house: FakeHouse) -> None:
    await tend(house, MAIL)
    house.clock.move(1)
    assert await house.subscriber(MAIL).heard([note(lifecycle="reauthorizationRequired")])
    assert [r.due_at for r in house.effects(SUBSCRIPTIONS)] == [house.clock.now()]
    await tend(house, MAIL)
    assert [s for s, _ in house.subscriptions.renewed] == ["sub-1"]


async def test_a_subscription_that_was_removed_is_made_again(house: FakeHouse) -> None:
    await tend(house, MAIL)
    assert await house.subscriber(MAIL).heard([note(lifecycle="subscriptionRemoved")])
    assert (row(house).subscription_id, row(house).expires_at) == (None, None)
    await tend(house, MAIL)
    assert row(house).subscription_id == "sub-2"


@pytest.mark.parametrize("event", ["missed", "somethingNew" * 50])
async def test_other_lifecycle_events_only_wake_reconciliation(house: FakeHouse, event: str) -> None:
    await tend(house, MAIL)
    before = row(house)
    assert await house.subscriber(MAIL).heard([note(lifecycle=event)])
    assert row(house) == before
    assert house.effects(RECONCILE)


async def test_the_end_of_an_earlier_subscription_does_not_end_the_present_one(house: FakeHouse) -> None:
    await tend(house, MAIL)
    async with house.store.transaction() as tx:
        await tx.save_subscription(replace(row(house), subscription_id="sub-7"))
    assert await house.subscriber(MAIL).heard([note(lifecycle="subscriptionRemoved")])
    assert row(house).subscription_id == "sub-7"
