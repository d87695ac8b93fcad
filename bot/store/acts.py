"""Statements for acts that wait for a sign-in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Executable, select, update

from bot.domain.model import Identity
from bot.domain.sign_in import PendingAct
from bot.store import effects
from bot.store.tables import acts as t

_ACT: Final = TypeAdapter(PendingAct)
_UNIQUE: Final = ("tenant_id", "object_id", "kind", "subject")


def save(dialect: str, act: PendingAct) -> Executable:
    values = _values(act)
    insert = effects.insert_for(dialect, t).values(values)
    return insert.on_conflict_do_update(index_elements=list(_UNIQUE), set_=values)


def one(key: str) -> Executable:
    return select(t).where(t.c.key == key)


def waiting_of(actor: Identity) -> Executable:
    mine = (t.c.tenant_id == actor.tenant_id, t.c.object_id == actor.object_id, t.c.used_at.is_(None))
    return select(t).where(*mine).order_by(t.c.begun_at, t.c.key)


def start(act: PendingAct) -> Executable:
    return update(t).where(t.c.key == act.key, t.c.used_at.is_(None)).values(_values(act))


def end_flow(act: PendingAct) -> Executable:
    """The document keeps what the flow was; without its state no answer finds it again."""
    same = (t.c.key == act.key, t.c.flow_state.is_not(None), t.c.flow_state == _state(act))
    return update(t).where(*same).values(flow_state=None)


def use(key: str, at: datetime) -> Executable:
    return update(t).where(t.c.key == key, t.c.used_at.is_(None)).values(used_at=at, flow_state=None)


def prune(before: datetime) -> Executable:
    return t.delete().where(t.c.expires_at < before)


def act_of(row: Any) -> PendingAct:
    """The act of a row; the row's own columns win over its document."""
    document = {**row.document, "used_at": row.used_at}
    if row.flow_state is None:
        document["flow"] = document["browser"] = None
    return _ACT.validate_python(document)


def _values(act: PendingAct) -> dict[str, Any]:
    return {
        "key": act.key,
        "tenant_id": act.actor.identity.tenant_id,
        "object_id": act.actor.identity.object_id,
        "kind": act.kind,
        "subject": act.subject,
        "begun_at": act.begun_at,
        "expires_at": act.expires_at,
        "used_at": act.used_at,
        "flow_state": _state(act),
        "document": _ACT.dump_python(act, mode="json"),
    }


def _state(act: PendingAct) -> str | None:
    return None if act.flow is None else str(act.flow.get("state"))
