"""Every case of ``secondkey demo``, over HTTP: each happens, and its audit trail tells the whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from typing import Any

import pytest

from bot.demo.cases import GROUPS, UnknownCaseError, chosen, every

DEMO = [sys.executable, "-m", "bot", "demo"]
_PATIENCE = 600
"""Seconds: under a minute on a quiet machine, and several where others use it too."""
pytestmark = [pytest.mark.long, pytest.mark.timeout(_PATIENCE + 30)]
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def played() -> dict[str, Lines]:
    """Every case once, by name: what was told of it."""
    command = [*DEMO, "--case", "all", "--script"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    told = defaultdict(list)
    for line in map(json.loads, done.stdout.splitlines()):
        told[line.get("case", "")].append(line)
    told[""].append({"exit": done.returncode, "errors": done.stderr})
    return told


@pytest.mark.parametrize("name", [case.name for case in every()])
def test_the_case_happens_step_by_step(played: dict[str, Lines], name: str) -> None:
    assert played[name], "it was not played"
    wrong = [line for line in played[name] if not line["ok"]]
    assert not wrong
    assert "audited" in [line["step"] for line in played[name]]


@pytest.mark.parametrize("name", [case.name for case in every()])
def test_the_audit_log_tells_who_as_whom_on_which_facts_and_under_which_rule(
    played: dict[str, Lines], name: str
) -> None:
    trails = [line["lines"] for line in played[name] if line["step"] == "trail"]
    assert trails
    lines = [line for trail in trails for line in trail]
    assert any(line["actor"] for line in lines), "nobody is named"
    for line in lines:
        if line["event"] in {"decision.claimed", "decision.vote-counted"}:
            assert line["actor"].endswith("/" + line["facts"]["token_oid"])
        if line["event"] in {"decision.claimed", "decision.vote-counted", "decision.refused"}:
            assert {"facts_read_at", "facts_age_seconds", "facts_read", "rules"} <= line["facts"].keys()


def test_all_of_them_were_played_and_the_exit_code_says_so(played: dict[str, Lines]) -> None:
    assert played[""][-1] == {"exit": 0, "errors": ""}
    assert set(played) - {""} == {case.name for case in every()}


# What there has to be -----------------------------------------------------------------------

DEMANDED = {
    "Signing in": [
        ("single sign-on in the chat", "sign-in-by-itself"),
        ("a link on the card, for channels", "sign-in-by-link"),
        ("the sign-in button's code", "sign-in-by-code"),
        ("only if it is still open", "sign-in-too-late"),
        ("only if it is still theirs to make", "sign-in-too-late-to-decide"),
        ("once, and where it was begun", "sign-in-elsewhere"),
        ("sign out forgets", "sign-out"),
    ],
    "Whose token": [
        ("oid and tid equal the activity's, or it is an attack", "token-of-another"),
        ("consent missing", "consent-missing"),
        ("expired", "sign-in-expired"),
        ("revoked", "sign-in-revoked"),
        ("interaction required", "interaction-required"),
    ],
    "Step-up": [
        ("a claims challenge is met", "step-up"),
        ("or not met", "step-up-failed"),
        ("exactly the activation that was challenged", "step-up-to-activate"),
        ("an authentication context for approving", "step-up-to-approve"),
    ],
    "Separation of duties": [
        ("direct eligibility", "eligible-directly"),
        ("role-assignable groups", "eligible-through-group"),
        ("eligibility by groups within groups", "through-nested-groups"),
        ("PIM for Groups as a path", "through-pim-for-groups"),
        ("current time-bound eligibility", "time-bound-current"),
        ("and none that is over", "time-bound-over"),
        ("scope covering", "covering-scope"),
        ("guests", "guest"),
        ("guests by setting", "guest-allowed"),
        ("a pool of fewer than two", "thin-pool"),
        ("active holders", "active-holder"),
        ("active holders by setting", "active-holder-allowed"),
        ("own request", "own-request"),
        ("break-glass", "break-glass"),
        ("not in the pool", "not-in-the-pool"),
        ("removed from the policy meanwhile", "removed-meanwhile"),
        ("another tenant", "other-tenant"),
        ("a fact that can't be read", "unreadable"),
    ],
    "PIM for Groups": [
        ("approvals through the same service and cards", "group-membership"),
        ("the same separation of duties", "group-eligible"),
        ("by any path", "group-by-way-of-groups"),
        ("a decision in the portal", "group-in-the-portal"),
    ],
    "Races": [
        ("two approvers within a millisecond", "two-approvers"),
        ("one click delivered twice", "click-delivered-twice"),
        ("a click while the portal decides; 409", "portal-meanwhile"),
        ("after withdrawal", "after-withdrawal"),
        ("after expiry", "after-expiry"),
        ("deny against approve", "deny-against-approve"),
        ("404", "not-found"),
    ],
    "Reasons": [
        ("where the policy says so", "reason-required"),
        ("always for deny", "reason-to-deny"),
    ],
    "Dual control": [
        ("votes are collected, the last is sent", "two-approvals"),
        ("one person is one vote", "approving-twice"),
        ("a decision in the portal before the quorum", "portal-before-quorum"),
    ],
    "Bad input": [
        ("another request's id", "forged-request"),
        ("another tenant", "forged-tenant"),
        ("a swapped verb", "forged-verb"),
        ("edited data", "forged-data"),
        ("five tries in ten minutes", "five-tries"),
    ],
}


@pytest.mark.parametrize(
    ("group", "name"),
    [
        pytest.param(group, name, id=f"{group}: {what}")
        for group, cases in DEMANDED.items()
        for what, name in cases
    ],
)
def test_everything_that_was_demanded_of_a_decision_has_its_case(group: str, name: str) -> None:
    assert name in [case.name for case in GROUPS[group]]


# Without playing ---------------------------------------------------------------------------


def test_no_two_cases_share_a_name_or_a_line() -> None:
    assert len({case.name for case in every()}) == len(every())
    assert len({case.shows for case in every()}) == len(every())


def test_every_case_is_listed_in_its_group_as_json_lines_too() -> None:
    done = subprocess.run([*DEMO, "--list", "--script"], capture_output=True, text=True, check=True)
    listed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["group"], one["case"], one["shows"]) for one in listed] == [
        (group, case.name, case.shows) for group, cases in GROUPS.items() for case in cases
    ]


def test_the_list_is_readable_on_a_narrow_terminal() -> None:
    done = subprocess.run([*DEMO, "--list"], capture_output=True, text=True, check=True)
    for group, cases in GROUPS.items():
        assert group in done.stdout
        assert all(case.name in done.stdout for case in cases)


def test_an_unknown_case_exits_2_and_names_the_nearest() -> None:
    command = [*DEMO, "--case", "eligible-directy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no case 'eligible-directy'" in done.stderr
    assert "eligible-directly" in done.stderr


def test_cases_are_played_once_each_in_the_order_they_are_named() -> None:
    first, second = every()[1].name, every()[0].name
    assert [case.name for case in chosen([first, second, first])] == [first, second]
    assert chosen(["all"]) == every()
    assert chosen([first, "all"])[0].name == first


def test_a_name_like_nothing_has_nothing_near() -> None:
    with pytest.raises(UnknownCaseError) as caught:
        chosen(["§§§"])
    assert caught.value.near == ()
