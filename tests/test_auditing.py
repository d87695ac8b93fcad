"""``secondkey audit``: what the log tells a reader, and what it must not do to a terminal."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes.manual_clock import ManualClock
from rich.console import Console
from typer.testing import CliRunner

from bot import auditing
from bot.cli import app
from bot.ports import AuditEntry
from bot.store import open_store

AT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
REFUSED = AuditEntry(
    AT,
    "decision.refused",
    "r1",
    "t/blake",
    {
        "choice": "Approve",
        "refusals": [
            {"reason": "eligible-through-group", "detail": "Tier 0"},
            {"reason": "holds-role", "detail": ""},
        ],
        "facts_read_at": "2026-11-25T09:29:58+00:00",
        "facts_age_seconds": 2.0,
        "facts_read": {"approvers": 5, "eligible": 3},
        "rules": ["same tenant", "not the requester"],
    },
)
SENT = AuditEntry(
    AT, "decision.claimed", "r1", "t/alex", {"token_oid": "alex", "token_tid": "t", "rules": ["a rule"]}
)
OURS = AuditEntry(AT, "request.settled-elsewhere", "r1", None, {"event": "withdraw", "n": 1})


def test_a_refusal_is_told_by_who_what_was_read_and_which_rules() -> None:
    assert list(auditing.told(REFUSED)) == [
        ("who", "t/blake"),
        ("on which facts", "approvers 5, eligible 3 (read at 2026-11-25T09:29:58+00:00, 2.0 s old)"),
        ("refused by rule", "eligible-through-group (Tier 0)"),
        ("refused by rule", "holds-role"),
        ("rules checked", "same tenant; not the requester"),
        ("choice", "Approve"),
    ]


def test_a_decision_is_told_by_whose_token_it_was_sent_with() -> None:
    assert list(auditing.told(SENT, {"t/alex": "Alex"})) == [
        ("who", "Alex, t/alex"),
        ("as whom", "token of Alex, t/alex"),
        ("under which rule", "a rule"),
    ]


@pytest.mark.parametrize(
    ("pool", "told"),
    [
        pytest.param(
            {
                "a": [],
                "b": [{"reason": "holds-role", "detail": "Tier 0"}, {"reason": "own-request"}],
                "c": [],
            },
            "2 of 3 can decide; b: holds-role (Tier 0), own-request",
            id="read",
        ),
        pytest.param({"unreadable": "approver policy"}, "unreadable: approver policy", id="unreadable"),
        pytest.param({}, "0 of 0 can decide", id="empty"),
    ],
)
def test_a_pool_is_told_by_who_can_decide_and_why_the_others_can_not(pool: dict[str, Any], told: str) -> None:
    assert ("approver pool", told) in list(auditing.told(AuditEntry(AT, "x", "r1", None, {"pool": pool})))


@pytest.mark.parametrize(
    ("read", "told"),
    [
        pytest.param({"approvers": 5, "eligible": 3}, "approvers 5, eligible 3", id="counts"),
        pytest.param(
            {"is_approver": True, "eligible": [], "active": []},
            "is approver yes, eligible nothing, active nothing",
            id="nothing",
        ),
        pytest.param(
            {
                "eligible": [
                    {"how": "direct", "scope": "/"},
                    {"how": "nested", "scope": "/", "via": ["A", "B"]},
                ]
            },
            "eligible direct at / and nested at / via A → B",
            id="paths",
        ),
        pytest.param({"eligibility": "unreadable: no"}, "eligibility unreadable: no", id="unreadable"),
    ],
)
def test_what_was_read_is_told_in_words(read: dict[str, Any], told: str) -> None:
    facts = {"facts_read_at": "then", "facts_age_seconds": 2, "facts_read": read}
    lines = dict(auditing.told(AuditEntry(AT, "x", "r1", None, facts)))
    assert lines["on which facts"] == f"{told} (read at then, 2 s old)"


def test_a_report_names_whom_it_is_about() -> None:
    line = AuditEntry(AT, "conduct.reported", None, "t/blake", {"tries": 5})
    assert list(auditing.told(line)) == [("about whom", "t/blake"), ("tries", "5")]


def test_what_second_key_did_by_itself_says_so() -> None:
    assert list(auditing.told(OURS)) == [("who", "Second Key itself"), ("event", "withdraw"), ("n", "1")]


def shown(entry: AuditEntry, *, terminal: bool) -> str:
    out = io.StringIO()
    auditing.show([entry], Console(file=out, force_terminal=terminal, width=60, highlight=False))
    return out.getvalue()


def test_into_a_file_every_fact_is_one_line() -> None:
    lines = shown(REFUSED, terminal=False).splitlines()
    assert lines[0] == "decision.refused 2026-11-25 09:30:00.000+00:00 r1"
    assert len(lines) == 1 + len(list(auditing.told(REFUSED)))


def test_a_strangers_text_can_not_steer_the_terminal_or_the_markup() -> None:
    hostile = AuditEntry(AT, "x", "r1", None, {"why": "\x1b[2J[red]gone[/]\u202eleft\r\n"})
    said = shown(hostile, terminal=True)
    assert "\x1b[2J" not in said
    assert "[red]gone[/]" in said
    assert "\u202e" not in said
    assert "\r" not in said


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with two lines about r1, named in the environment; nothing else is set."""
    url = f"sqlite+aiosqlite:///{tmp_path}/secondkey.db"

    async def fill() -> None:
        store = await open_store(url, ManualClock(AT))
        async with store.transaction() as tx:
            for entry in (REFUSED, SENT):
                await tx.audit(entry)
        await store.close()

    asyncio.run(fill())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECONDKEY_DATABASE_URL", url)
    return tmp_path


run = CliRunner().invoke


@pytest.mark.usefixtures("database")
def test_a_trail_is_printed_with_nothing_set_but_the_database() -> None:
    done = run(app, ["audit", "r1"])
    assert done.exit_code == 0
    assert "decision.refused" in done.output
    assert "as whom: token of t/alex" in done.output


@pytest.mark.usefixtures("database")
def test_as_json_each_line_is_what_the_log_keeps() -> None:
    lines = [json.loads(line) for line in run(app, ["audit", "--json", "--last", "1"]).output.splitlines()]
    assert lines == [auditing.as_document(SENT)]


@pytest.mark.usefixtures("database")
def test_a_request_nobody_knows_exits_1() -> None:
    done = run(app, ["audit", "r2"])
    assert (done.exit_code, done.stdout) == (1, "")


def test_without_a_database_it_exits_1_and_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SECONDKEY_DATABASE_URL", raising=False)
    done = run(app, ["audit"])
    assert done.exit_code == 1
    assert "secondkey.db" in done.output
    assert list(tmp_path.iterdir()) == []
