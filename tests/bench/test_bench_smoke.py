"""That the benchmarks still run. Nothing here is timed: figures are for ``make bench``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.figures import percentile
from tests.bench.turnaround import busy

ROOT = Path(__file__).parents[2]
ROWS = (
    "(a) message with reply, Second Key",
    "(a) message with reply, stock CloudAdapter",
    "(a) throughput against stock",
    "(a) the same, stock without the public CA roots",
    "(a) throughput against that",
    "(b) notification to card accepted, above the sandbox",
    "(b) notification to card accepted, sandbox included",
    "(c) click to card edited, above the sandbox",
    "(c) click to card edited, sandbox included",
    "(c) click to answer at the clicker, sandbox included",
    "(d) first start to ready, empty database",
    "(d) warm start to ready",
    "(d) memory when idle, after the start",
    "(d) memory when idle, after all of this",
    "(e) reading a typed command",
    "(e) the same, with everything that can be said",
    "(e) finding the command that nonsense is nearest to",
    "(e) finding the role that is meant among 100",
    "(f) verdict on a click, 4,000 eligibility rows, 100 groups",
    "(f) the same, a role that no group has",
    "(f) the same, again within ten seconds",
    "(g) activate typed to request accepted by Graph, above the sandbox",
    "(g) activate typed to card accepted, above the sandbox",
    "(g) activate typed to card accepted, sandbox included",
)


@pytest.mark.long
def test_a_quick_run_measures_every_row(tmp_path: Path) -> None:
    out = tmp_path / "benchmarks.md"

    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick", "--out", str(out), "--date", "2001-02-03"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    lines = out.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| (")]
    assert [what for what, *_ in cells] == list(ROWS)
    assert all(any(sign.isdigit() for sign in measured) for _, measured, *_ in cells)
    assert any("on 2001-02-03" in line for line in lines)


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [
        pytest.param(100, 0.99, 99, id="p99-of-a-hundred-leaves-one-out"),
        pytest.param(100, 0.5, 50, id="half-of-a-hundred"),
        pytest.param(4, 0.99, 4, id="p99-of-few-is-the-worst"),
        pytest.param(1, 0.5, 1, id="a-single-value"),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(count: int, share: float, expected: int) -> None:
    assert percentile(range(count, 0, -1), share) == expected


def line(at_ms: int, took_ms: float, event: str = "http") -> dict[str, object]:
    return {"event": event, "at": f"2001-02-03T04:05:06.{at_ms:03}+00:00", "ms": took_ms}


BASE = 981_173_106_000.0
"""The second above, in milliseconds since 1970."""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([line(50, 10), line(80, 10)], 20, id="calls-one-after-the-other-add-up"),
        pytest.param([line(50, 30), line(60, 20)], 40, id="calls-side-by-side-count-once"),
        pytest.param([line(60, 40), line(50, 10)], 40, id="a-call-inside-another-adds-nothing"),
        pytest.param([line(20, 15)], 10, id="what-was-before-does-not-count"),
        pytest.param([line(120, 40)], 20, id="what-comes-after-does-not-count"),
        pytest.param([line(50, 10, "click")], 0, id="only-calls-of-the-bot-count"),
        pytest.param([], 0, id="no-calls"),
    ],
)
def test_the_sandbox_is_charged_for_the_time_it_was_working(
    lines: list[dict[str, object]], expected: float
) -> None:
    assert busy(lines, BASE + 10, BASE + 100) == pytest.approx(expected, abs=0.01)
