from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import pytest
from azure.core.exceptions import ServiceRequestError

from bot.domain.errors import (
    AlreadyDecidedError,
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionMissingError,
    PimRefusal,
    PimRefusedError,
    RejectedError,
    UnavailableError,
)
from bot.graph.errors import (
    BusyError,
    Call,
    challenge,
    of_entra,
    of_response,
    of_transport,
    retry_after,
    with_client_capability,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ACRS = "claims=" + quote('{"access_token":{"acrs":{"essential":true,"value":"c1"}}}')


def answer(status: int, code: str = "", message: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message}}, headers=headers)


@pytest.mark.parametrize(
    ("status", "call", "error"),
    [
        pytest.param(400, Call.APP, RejectedError, id="bad request"),
        pytest.param(401, Call.APP, RejectedError, id="app unauthorized"),
        pytest.param(401, Call.DELEGATED, InteractionRequiredError, id="user unauthorized"),
        pytest.param(403, Call.APP, PermissionMissingError, id="forbidden"),
        pytest.param(404, Call.DECISION, NotFoundError, id="not found"),
        pytest.param(409, Call.DECISION, AlreadyDecidedError, id="conflict of a decision"),
        pytest.param(409, Call.APP, RejectedError, id="conflict of anything else"),
        pytest.param(302, Call.DECISION, RejectedError, id="redirect"),
        pytest.param(408, Call.DECISION, OutcomeUnknownError, id="decision timed out"),
        pytest.param(408, Call.APP, UnavailableError, id="read timed out"),
        pytest.param(429, Call.APP, BusyError, id="throttled read"),
        pytest.param(429, Call.DECISION, BusyError, id="throttled decision"),
        pytest.param(500, Call.APP, UnavailableError, id="read broke"),
        pytest.param(500, Call.DECISION, OutcomeUnknownError, id="decision broke"),
        pytest.param(503, Call.DELEGATED, BusyError, id="busy read"),
        pytest.param(503, Call.DECISION, OutcomeUnknownError, id="busy decision"),
        pytest.param(504, Call.DECISION, OutcomeUnknownError, id="gateway timeout of a decision"),
    ],
)
def test_each_status_has_its_error(status: int, call: Call, error: type[DirectoryError]) -> None:
    translated = of_response(answer(status, "SomeCode", "Some text."), call, NOW)
    assert type(translated) is error
    assert (translated.status, translated.code) == (status, "SomeCode")


def test_a_code_hidden_as_json_in_the_message_is_found_with_its_scopes() -> None:
    text = "Authorization failed due to missing permission scope A.Read.Directory,B.ReadWrite.AzureAD."
    hidden = json.dumps(
        {"errorCode": "PermissionScopeNotGranted", "message": text, "instanceAnnotations": []}
    )
    error = of_response(answer(403, "UnknownError", hidden), Call.DECISION, NOW)
    assert isinstance(error, PermissionMissingError)
    assert error.code == "PermissionScopeNotGranted"
    assert error.scopes == ("A.Read.Directory", "B.ReadWrite.AzureAD")


@pytest.mark.parametrize("status", [400, 403])
def test_a_missing_permission_without_a_code_is_known_by_its_text(status: int) -> None:
    text = (
        "Valid permissions not present. User needs one of the following permissions for this action : "
        "PrivilegedAccess.ReadWrite.AzureAD,PrivilegedAccess.Read.AzureAD"
    )
    error = of_response(answer(status, "", text), Call.DELEGATED, NOW)
    assert isinstance(error, PermissionMissingError)
    assert error.scopes == ("PrivilegedAccess.ReadWrite.AzureAD", "PrivilegedAccess.Read.AzureAD")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("RoleAssignmentRequestAcrsValidationFailed", f"&{ACRS}", id="in the code"),
        pytest.param(
            "UnknownError", f"GroupAssignmentRequestAcrsValidationFailed {ACRS}", id="in the message"
        ),
        pytest.param(
            "UnknownError",
            json.dumps({"errorCode": "RoleAssignmentRequestAcrsValidationFailed", "message": ACRS}),
            id="in JSON in the message",
        ),
    ],
)
def test_a_failed_authentication_context_is_a_challenge_that_cp1_is_merged_into(
    code: str, message: str
) -> None:
    error = of_response(answer(400, code, message), Call.DECISION, NOW)
    assert isinstance(error, ClaimsChallengeError)
    assert json.loads(error.claims) == {
        "access_token": {"acrs": {"essential": True, "value": "c1"}, "xms_cc": {"values": ["cp1"]}}
    }


def test_an_authentication_context_that_is_not_named_is_no_challenge() -> None:
    error = of_response(
        answer(400, "RoleAssignmentRequestAcrsValidationFailed", "claims=what"), Call.DECISION, NOW
    )
    assert type(error) is RejectedError


def test_claims_in_the_header_of_a_401_are_a_challenge() -> None:
    claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true}}}').decode()
    header = f'Bearer realm="", error="insufficient_claims", claims="{claims}"'
    error = of_response(answer(401, **{"WWW-Authenticate": header}), Call.DELEGATED, NOW)
    assert isinstance(error, ClaimsChallengeError)
    assert json.loads(error.claims)["access_token"]["nbf"] == {"essential": True}


@pytest.mark.parametrize(
    "encoded", ["%%%", base64.b64encode(b"no json").decode(), base64.b64encode(b"\xff").decode()]
)
def test_a_header_challenge_that_cant_be_read_asks_to_sign_in_again(encoded: str) -> None:
    assert isinstance(challenge(encoded), InteractionRequiredError)


def test_base64url_without_padding_is_read_too() -> None:
    claims = base64.urlsafe_b64encode('{"access_token":{"x":"ÿ?>"}}'.encode()).decode().rstrip("=")
    assert isinstance(challenge(claims), ClaimsChallengeError)


def test_cp1_is_not_added_twice() -> None:
    claims = '{"access_token":{"xms_cc":{"values":["CP1"]}}}'
    assert with_client_capability(claims) == claims


@pytest.mark.parametrize(
    "claims", ["", "[]", '"text"', '{"access_token":[]}', '{"access_token":{"xms_cc":1}}']
)
def test_what_is_no_claims_request_stays_none(claims: str) -> None:
    assert with_client_capability(claims) == ""


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>Bad gateway</html>", id="html"),
        pytest.param(b"", id="empty"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b'{"error": "text"}', id="error as text"),
        pytest.param(b'{"error": {"code": null, "message": 7}}', id="wrong types"),
        pytest.param(b'{"error": {"message": "{broken"}}', id="broken JSON in the message"),
        pytest.param(b"\xff\xfe", id="no text"),
    ],
)
def test_any_body_leads_to_an_error_with_the_status(body: bytes) -> None:
    error = of_response(httpx.Response(400, content=body), Call.APP, NOW)
    assert type(error) is RejectedError
    assert error.status == 400


def test_control_characters_and_length_of_graphs_text_are_tamed() -> None:
    error = of_response(answer(400, "C", "a\nb\x1b[31m" + "x" * 5000), Call.APP, NOW)
    assert "a b [31m" in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    ("exc", "call", "error"),
    [
        pytest.param(httpx.ConnectError(""), Call.APP, BusyError, id="read not connected"),
        pytest.param(httpx.ReadTimeout(""), Call.APP, BusyError, id="read not answered"),
        pytest.param(httpx.ConnectError(""), Call.DECISION, UnavailableError, id="decision not connected"),
        pytest.param(
            httpx.ConnectTimeout(""), Call.DECISION, UnavailableError, id="decision connect timeout"
        ),
        pytest.param(
            httpx.PoolTimeout(""), Call.DECISION, UnavailableError, id="decision never left the pool"
        ),
        pytest.param(httpx.WriteError(""), Call.DECISION, OutcomeUnknownError, id="decision half sent"),
        pytest.param(httpx.ReadTimeout(""), Call.DECISION, OutcomeUnknownError, id="decision not answered"),
        pytest.param(httpx.RemoteProtocolError(""), Call.DECISION, OutcomeUnknownError, id="connection lost"),
        pytest.param(TimeoutError(), Call.DECISION, OutcomeUnknownError, id="our patience ended"),
    ],
)
def test_no_answer_means_what_it_can_mean(exc: Exception, call: Call, error: type[DirectoryError]) -> None:
    assert type(of_transport(exc, call)) is error  # type: ignore[arg-type]


def test_a_proxy_password_in_a_transport_error_is_not_repeated() -> None:
    assert "hunter2" not in str(of_transport(httpx.ProxyError("http://user:hunter2@proxy"), Call.APP))


def test_a_token_that_could_not_be_asked_for_may_be_asked_for_again() -> None:
    assert isinstance(of_entra(ServiceRequestError("dns"), Call.APP, NOW), BusyError)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"Retry-After": "7"}, 7.0, id="seconds"),
        pytest.param({"Retry-After": "soon"}, None, id="words"),
        pytest.param({"Retry-After": "-3"}, None, id="negative"),
        pytest.param({"Retry-After": "Mon, 23 Nov 2026 09:00:05 GMT"}, 5.0, id="date"),
        pytest.param({"Retry-After": "Mon, 23 Nov 2026 08:00:00 GMT"}, 0.0, id="date past"),
        pytest.param(
            {"Retry-After": "Mon, 23 Nov 2026 12:00:09 GMT", "Date": "Mon, 23 Nov 2026 12:00:00 GMT"},
            9.0,
            id="date, by the answer's own clock",
        ),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


POLICY_FAILED = "RoleAssignmentRequestPolicyValidationFailed"


@pytest.mark.parametrize(
    ("code", "message", "refusal", "rules"),
    [
        pytest.param("RoleAssignmentExists", "", PimRefusal.ACTIVE_ALREADY, (), id="active"),
        pytest.param("PendingRoleAssignmentRequest", "", PimRefusal.PENDING_ALREADY, (), id="pending"),
        pytest.param("RoleAssignmentDoesNotExist", "", PimRefusal.NOT_ACTIVE, (), id="not active"),
        pytest.param("ActiveDurationTooShort", "", PimRefusal.TOO_EARLY, (), id="too early"),
        pytest.param("AadPremiumLicenseRequired", "", PimRefusal.LICENCE, (), id="licence"),
        pytest.param("RoleNotFound", "", PimRefusal.UNKNOWN_ROLE, (), id="role"),
        pytest.param("SubjectNotFound", "", PimRefusal.UNKNOWN_ROLE, (), id="subject"),
        pytest.param("InvalidScope", "", PimRefusal.UNKNOWN_ROLE, (), id="scope"),
        pytest.param("ResourceIsLocked", "", PimRefusal.LOCKED, (), id="locked"),
        pytest.param("RequestCannotBeCancelled", "", PimRefusal.NOT_WITHDRAWABLE, (), id="cancel"),
        pytest.param(
            POLICY_FAILED,
            'The following policy rules failed: ["ExpirationRule","MfaRule"]',
            PimRefusal.POLICY,
            ("ExpirationRule", "MfaRule"),
            id="several rules",
        ),
        pytest.param(POLICY_FAILED, "no rule named", PimRefusal.POLICY, (), id="rules not named"),
        pytest.param(
            "JustificationRuleViolated", "", PimRefusal.POLICY, ("JustificationRule",), id="rule as a code"
        ),
        pytest.param(
            "InvalidRoleAssignmentRequestSchedule",
            "",
            PimRefusal.POLICY,
            ("ExpirationRule",),
            id="schedule as a code",
        ),
        pytest.param("roleassignmentexists", "", PimRefusal.ACTIVE_ALREADY, (), id="other case"),
        pytest.param(
            "UnknownError",
            json.dumps({"errorCode": "RoleAssignmentExists", "message": "The Role assignment exists."}),
            PimRefusal.ACTIVE_ALREADY,
            (),
            id="in JSON in the message",
        ),
        pytest.param("", "ActiveDurationTooShort: wait", PimRefusal.TOO_EARLY, (), id="in the message only"),
    ],
)
def test_each_refusal_of_pim_has_its_place_in_the_table(
    code: str, message: str, refusal: PimRefusal, rules: tuple[str, ...]
) -> None:
    error = of_response(answer(400, code, message), Call.SELF_ACTION, NOW)
    assert isinstance(error, PimRefusedError)
    assert (error.refusal, error.rules, error.status) == (refusal, rules, 400)


def test_a_code_that_is_known_otherwise_is_not_read_out_of_its_message() -> None:
    error = of_response(answer(400, "BadRequest", "RoleAssignmentExists"), Call.SELF_ACTION, NOW)
    assert type(error) is RejectedError


def test_mfa_alone_is_asked_for_with_claims() -> None:
    text = 'The following policy rules failed: ["MfaRule"]'
    error = of_response(answer(400, POLICY_FAILED, text), Call.SELF_ACTION, NOW)
    assert isinstance(error, ClaimsChallengeError)
    assert json.loads(error.claims)["access_token"] == {
        "amr": {"values": ["mfa"]},
        "xms_cc": {"values": ["cp1"]},
    }


@pytest.mark.parametrize("status", [408, 500, 503, 504])
def test_a_self_action_without_a_clear_answer_may_have_happened(status: int) -> None:
    assert type(of_response(answer(status), Call.SELF_ACTION, NOW)) is OutcomeUnknownError
