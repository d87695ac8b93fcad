"""Requests become JSON and come back the same."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import ApprovalRequest, Identity, Pool, Unreadable
from bot.store.documents import request_document, request_of

_text = st.text(max_size=20)
_identities = st.builds(Identity, *[st.text(min_size=1, max_size=8).filter(str.strip)] * 2)
_times = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - naive bounds
_durations = st.timedeltas(min_value=timedelta(days=-3650), max_value=timedelta(days=3650))

for kind, strategy in (
    (str, _text),
    (Identity, _identities),
    (datetime, _times),
    (timedelta, _durations),
):
    st.register_type_strategy(kind, strategy)

_requests = st.builds(
    ApprovalRequest,
    pool=st.one_of(st.from_type(Pool), st.from_type(Unreadable)),
    version=st.integers(1, 1 << 31),
    rung=st.integers(0, 100),
)


@given(_requests)
def test_every_request_survives_json(request: ApprovalRequest) -> None:
    stored = json.dumps(request_document(request))
    assert stored.isascii()
    restored = request_of(json.loads(stored))
    assert restored == request
    assert type(restored.pool) is type(request.pool)


def test_a_pool_and_an_unreadable_one_can_not_be_taken_for_each_other() -> None:
    def required(kind: type[Pool | Unreadable]) -> set[str]:
        return {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}

    def known(kind: type[Pool | Unreadable]) -> set[str]:
        return {f.name for f in fields(kind)}

    assert required(Pool) - known(Unreadable)
    assert required(Unreadable) - known(Pool)
