"""The statements of the effect queue.

A row is *pending* (``done_at`` is null) or done, and *leased* (``lease_owner`` is set) or free. A
free pending row may be claimed from ``run_at`` on; a leased one too, since ``run_at`` is then the end
of the lease, but only by another owner: a process whose clock jumped must not take over from itself.
A row can be done and leased, when it was cancelled while it was being carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, delete, func, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningUpdate, Update

from bot.ports import Effect, LeasedEffect
from bot.store.tables import effects as t
from bot.telemetry.context import with_origin

Insert = sqlite.Insert | postgresql.Insert

_leased = t.c.lease_owner.is_not(None)
_pending = t.c.done_at.is_(None)


def insert_for(dialect: str, table: Any) -> Insert:
    """An INSERT that knows ON CONFLICT; both databases spell it alike."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def enqueue(dialect: str, effect: Effect) -> Insert:
    return insert_for(dialect, t).values(_fresh(effect)).on_conflict_do_nothing()


def wake(dialect: str, effect: Effect) -> Insert:
    """A free done row starts over, a free pending one comes due sooner, a leased one remembers."""
    insert = insert_for(dialect, t).values(_fresh(effect))
    due = insert.excluded.due_at
    restarts = and_(~_leased, ~_pending)
    return insert.on_conflict_do_update(
        index_elements=[t.c.key],
        set_={
            "kind": insert.excluded.kind,
            "payload": insert.excluded.payload,
            "due_at": case((_leased, t.c.due_at), (restarts, due), else_=_sooner(t.c.due_at, due)),
            "run_at": case((_leased, t.c.run_at), (restarts, due), else_=_sooner(t.c.run_at, due)),
            "attempts": case((restarts, 0), else_=t.c.attempts),
            "woken_at": case((_leased, _sooner(func.coalesce(t.c.woken_at, due), due)), else_=null()),
            "done_at": null(),
        },
    )


def cancel(key: str, now: datetime) -> Update:
    """The lease stays, so that whoever carries it out now can still record what was done."""
    return update(t).where(t.c.key == key, _pending).values(done_at=now, woken_at=None)


def finish(effect: LeasedEffect, now: datetime) -> Update:
    woken = t.c.woken_at.is_not(None)
    return _release(effect).values(
        done_at=case((woken, null()), else_=func.coalesce(t.c.done_at, now)),
        due_at=func.coalesce(t.c.woken_at, t.c.due_at),
        run_at=func.coalesce(t.c.woken_at, t.c.run_at),
        attempts=case((woken, 0), else_=t.c.attempts),
        last_error=None,
    )


def reschedule(effect: LeasedEffect, at: datetime) -> Update:
    again = _woken_or(at)
    return _release(effect).values(due_at=again, run_at=again, attempts=0, last_error=None)


def retry(effect: LeasedEffect, at: datetime, error: str) -> Update:
    return _release(effect).values(run_at=_woken_or(at), last_error=error)


def claim(
    dialect: str, owner: str, kinds: Sequence[str], limit: int, *, now: datetime, lease: timedelta
) -> ReturningUpdate[Any]:
    """Unknown kinds are left alone, for a newer replica to carry out."""
    due = (
        select(t.c.key)
        .where(_pending, t.c.run_at <= now, t.c.kind.in_(kinds))
        .where(or_(t.c.lease_owner.is_(None), t.c.lease_owner != owner))
        .order_by(t.c.run_at)
        .limit(limit)
    )
    if dialect == "postgresql":
        due = due.with_for_update(skip_locked=True)
    # A CTE, because PostgreSQL may run a plain subquery more than once and so pass the limit.
    return (
        update(t)
        .where(t.c.key.in_(select(due.cte("due").c.key)))
        .values(
            run_at=now + lease,
            lease_owner=owner,
            lease_no=t.c.lease_no + 1,
            attempts=t.c.attempts + 1,
            woken_at=None,
        )
        .returning(*t.c)
    )


def free_leases(owner: str | None, now: datetime) -> Update:
    free = update(t).where(_leased if owner is None else t.c.lease_owner == owner)
    return free.values(lease_owner=None, run_at=now, woken_at=None)


def next_due(kinds: Sequence[str]) -> Select[datetime]:
    return select(func.min(t.c.run_at)).where(_pending, t.c.kind.in_(kinds))


def backlog() -> Select[str, int, datetime, int]:
    """Of each kind: how many are pending, since when the oldest is due, and the most attempts."""
    figures = func.count(), func.min(t.c.due_at), func.max(t.c.attempts)
    return select(t.c.kind, *figures).where(_pending).group_by(t.c.kind)


def prune(before: datetime) -> Any:
    return delete(t).where(t.c.done_at < before, ~_leased)


def leased_of(row: Row[Any]) -> LeasedEffect:
    owner = f"{row.lease_owner}#{row.lease_no}"
    return LeasedEffect(row.key, row.kind, row.due_at, row.payload, row.attempts, owner)


def _fresh(effect: Effect) -> dict[str, Any]:
    return {
        "key": effect.key,
        "kind": effect.kind,
        "payload": with_origin(effect.payload, effect.due_at),
        "due_at": effect.due_at,
        "run_at": effect.due_at,
        "attempts": 0,
        "lease_no": 0,
    }


def _release(effect: LeasedEffect) -> Update:
    """Matches only while this very lease is held: the fencing token."""
    owner, _, lease_no = effect.owner.rpartition("#")
    held = and_(
        t.c.key == effect.key,
        t.c.lease_owner == owner,
        t.c.lease_no == (int(lease_no) if lease_no.isdecimal() else -1),
        t.c.attempts == effect.attempts,
    )
    return update(t).where(held).values(lease_owner=None, woken_at=None)


def _sooner(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((one < other, one), else_=other)


def _woken_or(at: datetime) -> ColumnElement[Any]:
    return case((t.c.woken_at < at, t.c.woken_at), else_=at)
