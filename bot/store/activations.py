"""Statements for activations that are followed, and the living cards of their requesters."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Executable, Select, select, update

from bot.domain.following import Activation
from bot.domain.model import Identity
from bot.ports import OwnCardRow
from bot.store import effects
from bot.store.rows import posted_of, posted_values
from bot.store.tables import activations as t
from bot.store.tables import own_cards

_ACTIVATION: Final = TypeAdapter(Activation)


def one(request_id: str) -> Executable:
    return select(t.c.document).where(t.c.request_id == request_id)


def of(requester: Identity, limit: int) -> Executable:
    mine = (t.c.tenant_id == requester.tenant_id, t.c.object_id == requester.object_id)
    return _newest(select(t.c.document).where(*mine), limit)


def of_role(key: str, limit: int) -> Executable:
    return _newest(select(t.c.document).where(t.c.role_key == key), limit)


def add(dialect: str, activation: Activation) -> Executable:
    return effects.insert_for(dialect, t).values(_values(activation)).on_conflict_do_nothing()


def save(activation: Activation) -> Executable:
    before = (t.c.request_id == activation.request_id, t.c.version == activation.version - 1)
    return update(t).where(*before).values(_values(activation))


def activation_of(row: Any) -> Activation:
    return _ACTIVATION.validate_python(row.document)


def card(request_id: str) -> Executable:
    return select(own_cards).where(own_cards.c.request_id == request_id)


def card_of(row: Any) -> OwnCardRow:
    return OwnCardRow(posted_of(row), row.shown)


def card_values(row: OwnCardRow) -> dict[str, Any]:
    return {**posted_values(row.posted), "shown": row.shown}


def _newest(query: Select[Any], limit: int) -> Executable:
    return query.order_by(t.c.asked_at.desc(), t.c.request_id).limit(limit)


def _values(activation: Activation) -> dict[str, Any]:
    return {
        "request_id": activation.request_id,
        "tenant_id": activation.requester.identity.tenant_id,
        "object_id": activation.requester.identity.object_id,
        "role_key": activation.key,
        "asked_at": activation.asked_at,
        "version": activation.version,
        "document": _ACTIVATION.dump_python(activation, mode="json"),
    }
