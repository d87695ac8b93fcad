"""Logs: what never gets into them, whichever way it comes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import structlog
from fakes.spans import kept
from hypothesis import example, given
from hypothesis import strategies as st

from bot.logs import add_trace, clean
from bot.telemetry.context import originating, span

SIGNATURE = "s1gn4tur3-0f-a-t0ken"
TOKEN = f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.{SIGNATURE}"
SECRET = "hunter2-and-more"
SAFE = st.text(st.characters(codec="utf-8"))


def said(**fields: Any) -> Any:
    return clean(None, "info", {"event": "happened", **fields})


@given(SAFE, SAFE)
@example("Bearer ", "")
@example("\x00", "\u202e")
@example("eyJ", ".")
def test_a_token_in_any_text_does_not_get_through(before: str, after: str):
    text = f"{before}{TOKEN}{after}"
    fields = said(why=text, nested={"list": [text], "in": {"deep": (text,)}}, error=RuntimeError(text))
    assert SIGNATURE not in json.dumps(fields)
    assert SIGNATURE not in json.dumps(clean(None, "info", {"event": text}))


@given(st.text())
@example("\x1b[2J\r\n\t\x85\u061c\u200e\u200f\u202a\u202e\u2066\u2069\u2028\u2029\ufeff\ud800")
def test_control_and_bidirectional_characters_do_not_get_through(text: str):
    fields = said(why=text, nested={text: [text]})
    for shown in (fields["why"], *fields["nested"], *fields["nested"].values()):
        shown = "".join(shown)  # noqa: PLW2901 - a list of one, or a text
        assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
        wrong = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        assert not [c for c in shown if unicodedata.bidirectional(c) in wrong]
        assert not set(shown) & set("\u061c\u200e\u200f")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="eE:=@")))
def test_harmless_text_stays_as_it_is(text: str):
    assert said(why=text)["why"] == text


@pytest.mark.parametrize(
    "key",
    [
        *(
            "token",
            "access_token",
            "client_secret",
            "Authorization",
            "assertion",
            "client_state",
            "clientState",
        ),
        *("code_verifier", "cookie", "private_key", "connection_string"),
    ],
)
def test_a_field_that_is_named_for_a_secret_is_not_shown(key: str):
    assert said(**{key: SECRET})[key] == "[redacted]"
    assert said(body={"inner": {key: [SECRET]}})["body"]["inner"][key] == "[redacted]"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"Authorization: Bearer {SECRET}", id="a header"),
        pytest.param(f"grant_type=x&client_secret={SECRET}&scope=y", id="a form"),
        pytest.param(f"{{'clientState': '{SECRET}'}}", id="a dictionary's repr"),
        pytest.param(f'{{"access_token": "{SECRET}"}}', id="JSON"),
        pytest.param(f"postgresql+asyncpg://bot:{SECRET}@db:5432/bot", id="a database URL"),
        pytest.param("eyJhbGciOiJkaXIifQ.." + f"aXY.Y2lwaGVy.{SECRET}", id="an encrypted token"),
        pytest.param(f"eyJhbGci\x00OiJS client_assertion={SECRET}", id="with a control character"),
        pytest.param(f"GET /signin/callback?code={SECRET}&state=x HTTP/1.1", id="an authorization code"),
        pytest.param(f"/signin?role=x&state={SECRET}", id="a sign-in's state"),
        pytest.param(f"code_verifier={SECRET}", id="a code verifier"),
        pytest.param(f"0.AXoA{'k' * 40}{SECRET}.AgABAwEA{SECRET}", id="an opaque refresh token"),
        pytest.param(f"Set-Cookie: {SECRET}; Secure", id="a cookie"),
        pytest.param(f"Authorization: Basic {SECRET}", id="basic authentication"),
        pytest.param(f"InstrumentationKey={SECRET};IngestionEndpoint=https://x", id="a connection string"),
        pytest.param(
            f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY----- after",
            id="a private key",
        ),
        pytest.param(f"-----BEGIN PRIVATE KEY-----\n{SECRET}", id="half a private key"),
    ],
)
def test_secrets_inside_text_are_not_shown(text: str):
    assert SECRET not in str(said(why=text, error=ValueError(text)))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(5, id="whole number"),
        pytest.param(0.5, id="number"),
        pytest.param(True, id="truth"),
        pytest.param(None, id="nothing"),
    ],
)
def test_plain_values_stay_what_they_are(value: object):
    assert said(value=value)["value"] is value


def test_an_exception_keeps_its_lines_and_nothing_else_has_any():
    fields = said(exception="Traceback\n  line", why="two\nlines")
    assert (fields["exception"], fields["why"]) == ("Traceback\n  line", "two lines")


SCRIPT = f"""
import logging, sys
if sys.argv[1] == "terminal":
    sys.stderr.isatty = lambda: True
import structlog
from bot import logs

logs.configure("info")
token, secret = {TOKEN!r}, {SECRET!r}
log = structlog.get_logger("ours")
log.info("hello", why=token, client_secret=secret)
log.debug("too detailed")


def fail(local):
    raise RuntimeError("forged\\u202e\\x1b[7m " + token)


try:
    fail(secret)
except RuntimeError:
    log.exception("failed")
    logging.getLogger("theirs").exception("theirs failed with %s", token)
logging.getLogger("theirs").warning("Authorization: Bearer %s\\nforged line", secret)
logging.getLogger("azure.identity").info("chatter")
"""


def printed(form: str, directory: Path) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, form],
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1"},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout == ""
    return ended.stderr.splitlines()


@pytest.mark.parametrize("form", [pytest.param("file", id="file"), pytest.param("terminal", id="terminal")])
def test_nothing_secret_is_printed_by_any_logger_in_any_form(form: str, tmp_path: Path):
    lines = printed(form, tmp_path)
    text = "\n".join(lines)
    assert "hello" in text
    assert text.count("RuntimeError") >= 2
    for unwanted in (SIGNATURE, SECRET, "\u202e", "\x1b[7m", "chatter", "too detailed", "Logging error"):
        assert unwanted not in text
    assert not [line for line in lines if line.startswith("forged line")]


def test_lines_tell_which_request_and_trace_they_belong_to():
    kept()
    with originating("poll", "r-1", effect="card.sync:x"), span("work") as opened:
        fields = structlog.contextvars.merge_contextvars(None, "info", {"event": "happened"})
        fields = clean(None, "info", add_trace(None, "info", fields))
    assert fields["request_id"] == "r-1"
    assert fields["effect"] == "card.sync:x"
    assert fields["trace"] == f"{opened.get_span_context().trace_id:032x}"
    assert "trace" not in add_trace(None, "info", {})


def test_a_log_that_is_no_terminal_is_one_json_object_a_line(tmp_path: Path):
    events = [json.loads(line) for line in printed("file", tmp_path)]
    assert [(e["event"][:12], e["level"], e["logger"]) for e in events] == [
        ("hello", "info", "ours"),
        ("failed", "error", "ours"),
        ("theirs faile", "error", "theirs"),
        ("Authorizatio", "warning", "theirs"),
    ]
    assert all("timestamp" in e for e in events)
    assert "Traceback" in events[1]["exception"]
    assert "Traceback" in events[2]["exception"]
