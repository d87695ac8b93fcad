"""The one table in which answers of Graph and Entra become ``DirectoryError``s.

Sources: docs/entra-facts.md §2, §3 and §4 (its table of errors, approvals, on-behalf-of).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any
from urllib.parse import unquote

import httpx
from azure.core.exceptions import AzureError, HttpResponseError

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

_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 400, 401, 403, 404
_TIMEOUT, _CONFLICT, _TOO_MANY, _SERVER_ERROR = 408, 409, 429, 500
_WORTH_REPEATING = frozenset({_TOO_MANY, 503, 504})
_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_SCOPES = re.compile(r"(?:permission scope|for this action)\s*:?\s*([\w.\-, ]+)", re.IGNORECASE)
_AADSTS = re.compile(r"AADSTS\d+")
_CLAIMS_PARAMETER = re.compile(r"claims=([^&\s\"']+)")
_CLAIMS_HEADER = re.compile(r'claims="([^"]+)"')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LONGEST_MESSAGE = 300
_RULES = re.compile(r"\b([A-Za-z]+Rule)\b")
_MFA_ONLY = ("MfaRule",)
_MFA_CLAIMS = '{"access_token":{"amr":{"values":["mfa"]}}}'
"""How a token is asked for whose session was challenged for MFA."""
_REFUSALS = {
    "roleassignmentexists": PimRefusal.ACTIVE_ALREADY,
    "pendingroleassignmentrequest": PimRefusal.PENDING_ALREADY,
    "roleassignmentdoesnotexist": PimRefusal.NOT_ACTIVE,
    "activedurationtooshort": PimRefusal.TOO_EARLY,
    "roleassignmentrequestpolicyvalidationfailed": PimRefusal.POLICY,
    "justificationruleviolated": PimRefusal.POLICY,
    "invalidroleassignmentrequestschedule": PimRefusal.POLICY,
    "aadpremiumlicenserequired": PimRefusal.LICENCE,
    "rolenotfound": PimRefusal.UNKNOWN_ROLE,
    "subjectnotfound": PimRefusal.UNKNOWN_ROLE,
    "invalidscope": PimRefusal.UNKNOWN_ROLE,
    "resourceislocked": PimRefusal.LOCKED,
    "requestcannotbecancelled": PimRefusal.NOT_WITHDRAWABLE,
}
"""By Graph's code, lower case."""
_RULES_OF_CODE = {
    "justificationruleviolated": ("JustificationRule",),
    "invalidroleassignmentrequestschedule": ("ExpirationRule",),
}
"""For codes that name no rule in their message."""
_SIGN_IN_AGAIN = frozenset({"interaction_required", "invalid_grant", "consent_required", "login_required"})


class BusyError(UnavailableError):
    """The service could not be reached or asked to be called later; repeating the call is safe."""

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.retry_after = retry_after


class Call(Enum):
    """As whom, and how safely repeatable, a call was made."""

    APP = "app"
    DELEGATED = "delegated"
    DECISION = "decision"
    """Delegated, and not to be repeated when it may have taken effect."""
    SELF_ACTION = "self-action"
    """A user's own request to PIM, not to be repeated when it may have taken effect."""
    CREATION = "creation"
    """As the app, and not to be repeated when it may have taken effect."""

    @property
    def delegated(self) -> bool:
        return self in {Call.DELEGATED, Call.DECISION, Call.SELF_ACTION}

    @property
    def once(self) -> bool:
        return self in {Call.DECISION, Call.SELF_ACTION, Call.CREATION}


def of_response(response: httpx.Response, call: Call, now: datetime) -> DirectoryError:
    """The error that a Graph answer outside 2xx stands for."""
    status = response.status_code
    code, text = _graph_error(response)
    message = f"Graph answered {status} {code}: {text}".replace(" :", ":").rstrip(": ")
    if "AcrsValidationFailed" in code + text:
        return _acrs(code, text, status)
    if status == _UNAUTHORIZED:
        return _unauthorized(response, call, code, message)
    if status == _FORBIDDEN or "Valid permissions not present" in text:
        return PermissionMissingError(message, scopes=_scopes(text), code=code, status=status)
    if status == _NOT_FOUND:
        return NotFoundError(message, code=code, status=status)
    if (refusal := _refused(code, text)) is not None:
        return _pim_refused(refusal, code, text, message, status)
    if status == _CONFLICT and call is Call.DECISION:
        return AlreadyDecidedError(code=code, status=status)
    if status == _TOO_MANY or (status in _WORTH_REPEATING and not call.once):
        return BusyError(message, code=code, status=status, retry_after=retry_after(response.headers, now))
    if status >= _SERVER_ERROR or status == _TIMEOUT:
        failed = OutcomeUnknownError if call.once else UnavailableError
        return failed(message, code=code, status=status)
    return RejectedError(message, code=code, status=status)


def of_transport(exc: httpx.HTTPError | TimeoutError, call: Call) -> DirectoryError:
    """The error that no answer at all stands for; the exception's text is left out, because a
    proxy's URL may hold a password.
    """
    name = type(exc).__name__
    if not call.once:
        return BusyError(f"Graph could not be reached ({name})")
    if isinstance(exc, _UNSENT):
        return UnavailableError(f"Graph could not be reached ({name})")
    return OutcomeUnknownError(f"Graph did not answer, and may have acted ({name})")


def aadsts(description: str) -> str | None:
    """The AADSTS number in an error description of Entra's; None when there is none."""
    found = _AADSTS.search(description)
    return found.group() if found else None


def of_entra(exc: AzureError, call: Call, now: datetime) -> DirectoryError:
    """The error that a failed token request stands for. Of Entra's description only the AADSTS
    code and the first sentence are kept: the rest holds trace ids and advice for developers.
    """
    response: Any = exc.response if isinstance(exc, HttpResponseError) else None
    if response is None:
        return BusyError(f"No token could be obtained ({type(exc).__name__})")
    status: int = response.status_code
    answer = _entra_answer(response)
    error, description = _text(answer, "error"), _text(answer, "error_description")
    code = aadsts(description) or error
    message = f"Entra refused a token: {_first_sentence(description) or error or status}"
    if status == _TOO_MANY or status >= _SERVER_ERROR or error == "temporarily_unavailable":
        return BusyError(message, code=code, status=status, retry_after=retry_after(response.headers, now))
    if call.delegated:
        if claims := with_client_capability(_text(answer, "claims")):
            return ClaimsChallengeError(claims=claims, code=code, status=status)
        if error in _SIGN_IN_AGAIN:
            return InteractionRequiredError(message, code=code, status=status)
    return RejectedError(message, code=code, status=status)


def challenge(encoded: str) -> DirectoryError:
    """What base64 ``claims`` of a ``WWW-Authenticate`` header stand for, to a user."""
    try:
        text = base64.b64decode(encoded.replace("-", "+").replace("_", "/") + "==").decode()
    except (binascii.Error, ValueError):
        text = ""
    if claims := with_client_capability(text):
        return ClaimsChallengeError(claims=claims, status=_UNAUTHORIZED)
    return InteractionRequiredError(status=_UNAUTHORIZED)


def with_client_capability(claims: str) -> str:
    """A claims request with ``xms_cc`` merged in: without ``cp1`` PIM repeats its challenge for ever
    (docs/entra-facts.md §10). Empty when the text is not a claims request.
    """
    try:
        request = json.loads(claims)
        access_token = request.setdefault("access_token", {})
        values = access_token.setdefault("xms_cc", {}).setdefault("values", [])
        if "cp1" not in [str(value).lower() for value in values]:
            values.append("cp1")
    except (ValueError, AttributeError, TypeError):
        return ""
    return json.dumps(request, separators=(",", ":"))


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, from a number or an HTTP date (counted from the answer's own ``Date``)."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    until = _http_date(text)
    since = _http_date(headers.get("Date", "")) or now
    return max(0.0, (until - since).total_seconds()) if until else None


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _refused(code: str, text: str) -> PimRefusal | None:
    """By code, or by its name at the start of the message of an error that has no code."""
    known = _REFUSALS.get(code.lower())
    if known is not None or code.lower() not in {"", "unknownerror"}:
        return known
    return next((refusal for name, refusal in _REFUSALS.items() if name in text.lower()), None)


def _pim_refused(
    refusal: PimRefusal, code: str, text: str, message: str, status: int
) -> PimRefusedError | ClaimsChallengeError:
    rules = tuple(dict.fromkeys(_RULES.findall(text))) if refusal is PimRefusal.POLICY else ()
    rules = rules or _RULES_OF_CODE.get(code.lower(), ())
    if rules == _MFA_ONLY:
        return ClaimsChallengeError(claims=with_client_capability(_MFA_CLAIMS), code=code, status=status)
    return PimRefusedError(message, refusal=refusal, rules=rules, code=code, status=status)


def _acrs(code: str, text: str, status: int) -> DirectoryError:
    found = _CLAIMS_PARAMETER.search(text)
    claims = with_client_capability(unquote(found.group(1))) if found else ""
    if not claims:
        return RejectedError(
            "PIM asks for an authentication context, but not which", code=code, status=status
        )
    return ClaimsChallengeError(claims=claims, code=code, status=status)


def _unauthorized(response: httpx.Response, call: Call, code: str, message: str) -> DirectoryError:
    if not call.delegated:
        return RejectedError(message, code=code, status=_UNAUTHORIZED)
    found = _CLAIMS_HEADER.search(response.headers.get("WWW-Authenticate", ""))
    if found:
        return challenge(found.group(1))
    return InteractionRequiredError(message, code=code, status=_UNAUTHORIZED)


def _graph_error(response: httpx.Response) -> tuple[str, str]:
    """Code and message, also from a message that is itself JSON (code ``UnknownError``)."""
    outer = _object(_object(response.text).get("error"))
    code, text = _text(outer, "code"), _text(outer, "message")
    inner = _object(text)
    if inner:
        code, text = _text(inner, "errorCode") or code, _text(inner, "message")
    return _clean(code), _clean(text)


def _object(value: Any) -> Mapping[str, Any]:
    """The value as a JSON object, parsed when it is text; empty when it is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.lstrip().startswith("{") else None
        except ValueError:
            return {}
    return value if isinstance(value, Mapping) else {}


def _entra_answer(response: Any) -> Mapping[str, Any]:
    try:
        return _object(response.text())
    except (AzureError, UnicodeError, LookupError):
        return {}


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    return value if isinstance(value, str) else ""


def _scopes(text: str) -> tuple[str, ...]:
    found = _SCOPES.search(text)
    return tuple(name for part in found.group(1).split(",") if (name := part.strip(" ."))) if found else ()


def _first_sentence(text: str) -> str:
    return _clean(re.split(r"(?<=\.)\s|[\r\n]", text, maxsplit=1)[0])


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()[:_LONGEST_MESSAGE]
