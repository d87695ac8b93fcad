"""Checks run side by side, in time, and none hides another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from structlog.testing import capture_logs

from bot.doctor.command import chosen
from bot.doctor.findings import Finding, Severity, critical, exit_code, info, ok, warning
from bot.doctor.registry import CHECKS
from bot.doctor.running import Check, run_all

TOOLS: Any = None
WRONG = critical("a.wrong", "it is wrong", "All.", "Mend it.")


def finding(found: Finding, name: str = "a", needs: tuple[str, ...] = ()) -> Check:
    async def look(_: Any) -> Iterable[Finding]:
        return [found]

    return Check(name, name.upper(), look, "", needs)


async def run(*checks: Check) -> dict[str, list[str]]:
    results = await run_all(checks, TOOLS, lambda *_: None)
    return {result.check: [found.code for found in result.findings] for result in results}


async def test_results_come_in_the_order_of_the_checks_and_each_is_told_of():
    begun: list[tuple[str, bool]] = []
    checks = [finding(ok("a.fine", "fine")), finding(ok("b.fine", "fine"), "b")]
    results = await run_all(checks, TOOLS, lambda title, starts: begun.append((title, starts)))
    assert [result.check for result in results] == ["a", "b"]
    assert sorted(begun) == [("A", False), ("A", True), ("B", False), ("B", True)]


async def test_checks_run_side_by_side():
    meeting = asyncio.Barrier(2)

    async def look(_: Any) -> Iterable[Finding]:
        async with asyncio.timeout(5):
            await meeting.wait()
        return [ok("met", "met")]

    assert await run(Check("a", "A", look, ""), Check("b", "B", look, "")) == {"a": ["met"], "b": ["met"]}


async def test_a_check_that_fails_is_named_and_hides_no_other_and_its_words_are_not_told():
    async def fail(_: Any) -> Iterable[Finding]:
        raise RuntimeError("client_secret=hunter2")

    with capture_logs():
        results = await run_all(
            [Check("a", "A", fail, ""), finding(ok("b.fine", "fine"), "b")], TOOLS, lambda *_: None
        )
    assert [found.code for result in results for found in result.findings] == ["a.failed", "b.fine"]
    assert results[0].worst is Severity.ERROR
    assert "RuntimeError" in results[0].findings[0].says
    assert "hunter2" not in str(results)


async def test_a_check_that_hangs_is_given_up_and_named():
    async def hang(_: Any) -> Iterable[Finding]:
        await asyncio.Event().wait()
        return []

    found = await run(Check("a", "A", hang, "", seconds=0.01), finding(ok("b.fine", "fine"), "b"))
    assert found == {"a": ["a.no-answer"], "b": ["b.fine"]}


async def test_what_needs_something_that_is_broken_is_skipped_and_says_because_of_what():
    results = await run_all(
        [finding(WRONG), finding(ok("b.fine", "fine"), "b", ("a",))], TOOLS, lambda *_: None
    )
    assert results[1].findings == (info("b.skipped", "not looked at, because of: A"),)


async def test_what_needs_something_that_only_warns_is_looked_at():
    warns = finding(warning("a.hm", "hm", "Little.", "Look."))
    assert await run(warns, finding(ok("b.fine", "fine"), "b", ("a",))) == {"a": ["a.hm"], "b": ["b.fine"]}


async def test_the_exit_code_tells_how_bad_it_is_and_never_says_wrong_usage():
    codes = {}
    for severity in Severity:
        found = Finding("a.x", severity, "x", "y", "z")
        codes[severity] = exit_code(await run_all([finding(found)], TOOLS, lambda *_: None))
    assert codes == {
        Severity.OK: 0,
        Severity.INFO: 0,
        Severity.WARNING: 1,
        Severity.ERROR: 3,
        Severity.CRITICAL: 4,
    }
    assert exit_code([]) == 0


def test_what_a_check_needs_comes_before_it():
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
    for at, check in enumerate(CHECKS):
        assert set(check.needs) <= set(names[:at])


def test_a_chosen_check_brings_what_it_needs():
    assert [check.name for check in chosen(["subscriptions"])] == [
        "public-url",
        "graph-token",
        "subscriptions",
    ]
    assert chosen([]) == CHECKS
