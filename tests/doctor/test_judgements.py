"""Judgements that the sandbox can't be brought to provoke, on facts written by hand."""

from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime, timedelta

import pytest

from bot.doctor import role_pools
from bot.doctor.checks import (
    approvals,
    break_glass,
    clock,
    database,
    delegated,
    permissions,
    public_url,
    signals,
    tokens,
)
from bot.doctor.checks.break_glass import Standing
from bot.doctor.checks.permissions import Tried
from bot.doctor.findings import Severity
from bot.doctor.probing import Answer, why_tls
from bot.domain.errors import DirectoryError, RejectedError, UnavailableError
from bot.graph.graph_call import Kind
from bot.graph.permissions import CALLS
from bot.service.assertion import claims_in

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LISTING = permissions.harmless(Kind.APPLICATION)[0]


def rows(*found: str, status: int = 200) -> Answer:
    return Answer(status, f'{{"value": [{", ".join(found)}]}}')


@pytest.mark.parametrize(
    ("days", "severity"),
    [pytest.param(20, Severity.WARNING, id="soon"), pytest.param(22, Severity.OK, id="later")],
)
def test_a_public_certificate_that_ends(days: int, severity: Severity):
    assert public_url.judge_certificate(NOW + timedelta(days=days), NOW).severity is severity


@pytest.mark.parametrize("code", sorted(tokens._MEANING))
def test_each_code_of_entras_is_told_in_words_with_what_to_do(code: str):
    found = tokens.judge_refusal("graph-token", RejectedError("whatever", code=code), "Much.")
    assert (found.code, found.severity) == ("graph-token.refused", Severity.CRITICAL)
    assert found.says.endswith(f"({code})")
    assert found.do


def test_a_code_of_entras_that_is_not_known_is_told_as_it_is():
    found = tokens.judge_refusal(
        "bot-token", RejectedError("Entra refused: AADSTS1: no", code="AADSTS1"), "Much."
    )
    assert "AADSTS1" in found.says
    assert "AADSTS" in found.do


@pytest.mark.parametrize("token", ["", "a.b", "a.!.c", "a.W10.c"])
def test_a_token_that_can_not_be_read_grants_nothing(token: str):
    assert claims_in(token) == {}


@pytest.mark.parametrize(
    ("status", "roles", "missing"),
    [
        pytest.param(403, LISTING.asks, True, id="refused, whatever the token says"),
        pytest.param(401, LISTING.asks, True, id="not let in"),
        pytest.param(404, (), False, id="not found, so it was looked for"),
        pytest.param(400, LISTING.asks, False, id="bad query, and the token has it"),
        pytest.param(400, LISTING.needs[-1], False, id="bad query, and the token has another that will do"),
        pytest.param(400, (), True, id="bad query, and the token has it not"),
    ],
)
def test_what_an_answer_says_of_a_permission(status: int, roles: tuple[str, ...], missing: bool):
    tried = permissions.Tried(LISTING, Answer(status, ""))
    codes = [found.code for found in permissions.judge([tried], roles, mail=False)]
    assert ("permissions.missing" in codes) is missing


def test_a_call_without_an_answer_says_nothing_of_a_permission():
    codes = [found.code for found in permissions.judge([permissions.Tried(LISTING, None)], (), mail=False)]
    assert "permissions.busy" in codes
    assert "permissions.missing" not in codes
    assert "permissions.granted" not in codes


def test_every_permission_that_is_asked_for_by_default_is_tried_or_is_for_changing_something():
    tried = {permission for call in permissions.harmless(Kind.APPLICATION) for permission in call.asks}
    asked = {
        permission
        for call in CALLS
        if call.kind is Kind.APPLICATION and call.feature.asked
        for permission in call.asks
    }
    assert asked <= tried


FOR_GOOD = '{"assignmentType": "Assigned", "endDateTime": null}'
FOR_A_TIME = '{"assignmentType": "Assigned", "endDateTime": "2027-01-01T00:00:00Z"}'
ACTIVATED = '{"assignmentType": "Activated", "endDateTime": "2027-01-01T00:00:00Z"}'
ELIGIBLE = '{"id": "e"}'


@pytest.mark.parametrize(
    ("active", "eligible", "standing"),
    [
        pytest.param([FOR_GOOD], [], Standing.PERMANENT, id="for good"),
        pytest.param([FOR_A_TIME, FOR_GOOD], [ELIGIBLE], Standing.PERMANENT, id="and otherwise besides"),
        pytest.param([FOR_A_TIME], [], Standing.TEMPORARY, id="for a time"),
        pytest.param([ACTIVATED], [ELIGIBLE], Standing.ELIGIBLE, id="activated just now"),
        pytest.param([], [ELIGIBLE], Standing.ELIGIBLE, id="eligible"),
        pytest.param([], [], Standing.NONE, id="not at all"),
    ],
)
def test_how_an_account_holds_a_role(active: list[str], eligible: list[str], standing: Standing):
    assert break_glass.judge_standing(rows(*active), rows(*eligible)) is standing


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(rows(status=429), UnavailableError, id="throttled"),
        pytest.param(rows(status=403), DirectoryError, id="refused"),
        pytest.param(Answer(200, "<html>"), DirectoryError, id="no JSON"),
    ],
)
def test_an_assignment_that_can_not_be_read_is_not_taken_for_none(answer: Answer, error: type[Exception]):
    with pytest.raises(error):
        break_glass.judge_standing(answer, rows())


NO_APPROVAL = '{"error": {"code": "NotFound", "message": "no such approval"}}'


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(Answer(403, ""), "approvals.there", id="refused"),
        pytest.param(Answer(404, NO_APPROVAL), "approvals.there", id="no such approval"),
        pytest.param(Answer(410, ""), "approvals.gone", id="gone"),
        pytest.param(Answer(503, ""), "approvals.unknown", id="failing"),
    ],
)
def test_whether_the_approvals_api_is_there(answer: Answer, code: str):
    assert approvals.judge(answer).code == code


def test_a_clock_that_nobody_can_be_compared_with_is_no_fault():
    assert [found.severity for found in clock.judge({})] == [Severity.INFO]


def test_the_worse_of_two_clocks_counts():
    (found,) = clock.judge({"Entra": timedelta(seconds=1), "Graph": timedelta(seconds=-400)})
    assert (found.code, "behind Graph's" in found.says) == ("clock.wrong", True)


def test_an_empty_database_is_no_fault_and_an_unknown_version_is_newer():
    assert database.judge_version(None, "2", {"1", "2"}).severity is Severity.INFO
    assert database.judge_version("3", "2", {"1", "2"}).code == "database.newer"


def test_a_poll_that_fails_for_good_is_an_error_and_a_busy_one_a_warning():
    assert signals.judge_poll(RejectedError()).severity is Severity.ERROR
    assert signals.judge_poll(UnavailableError()).severity is Severity.WARNING


def test_an_error_inside_an_errors_message_is_found():
    inner = r"{\"errorCode\":\"PermissionScopeNotGranted\",\"message\":\"missing A.B\"}"
    answer = Answer(403, f'{{"error": {{"code": "UnknownError", "message": "{inner}"}}}}')
    assert answer.error == "PermissionScopeNotGranted: missing A.B"
    assert Answer(500, "<html>").error == ""


def test_why_tls_failed_is_told_without_what_was_sent():
    assert why_tls(ssl.SSLError("weird bytes")) == "TLS could not be agreed on"


def test_only_a_policy_that_says_so_needs_no_approval():
    def assigned(*rules: dict[str, object]) -> dict[str, object]:
        return {"roleDefinitionId": "R", "policy": {"rules": list(rules)}}

    def rule(**setting: object) -> dict[str, object]:
        return {"id": "Approval_EndUser_Assignment", "setting": setting}

    assert role_pools.needing_approval([assigned(rule(isApprovalRequired=False))]) == []
    for told_of in (
        assigned(rule(isApprovalRequired=True)),
        assigned(rule()),
        assigned(),
        {"roleDefinitionId": "R"},
    ):
        assert role_pools.needing_approval([told_of]) == ["r"]


@pytest.mark.parametrize(
    "link", ["https://elsewhere.example/v1.0/x", "https://graph.example:443/v1.0/x", 7, "/v1.0/x"]
)
def test_a_list_that_goes_on_elsewhere_is_not_taken_for_whole(link: object):
    page = Answer(200, json.dumps({"value": [], "@odata.nextLink": link}))
    with pytest.raises(RejectedError):
        role_pools._next(page, "https://graph.example")


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (200, "{}", None),
        (404, '{"error": {"code": "ResourceNotFound", "message": "no such approval"}}', None),
        (
            404,
            '{"error": {"code": "BadRequest", "message": "Resource not found for the segment"}}',
            "unexpected",
        ),
        (
            400,
            '{"error": {"code": "BadRequest", "message": "Resource not found for the segment"}}',
            "unexpected",
        ),
        (302, "", "unexpected"),
        (410, "", "unexpected"),
        (401, "", "sign-in-ended"),
        (403, "", "refused"),
        (429, "", "busy"),
        (503, "", "busy"),
    ],
)
def test_only_what_could_be_there_proves_a_delegated_permission(status: int, text: str, code: str | None):
    scopes = {permission for call in permissions.needed(Kind.DELEGATED) for permission in call.asks}
    tried = [Tried(call, Answer(status, text)) for call in permissions.harmless(Kind.DELEGATED)]
    codes = {finding.code for finding in delegated.judge(tried, scopes)}
    assert codes == ({f"delegated.{code}"} if code else {"delegated.granted"})
