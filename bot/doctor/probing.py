"""One request, and what came of it, in words that a finding can use."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from bot.domain.errors import SecondKeyError

_MOST: Final = 4 << 20


class Failure(StrEnum):
    """Why there was no answer."""

    NAME = "name"
    """The host name does not resolve."""
    TLS = "tls"
    """The certificate is not trusted, or TLS is not spoken."""
    CONNECTION = "connection"
    TIMEOUT = "timeout"


class ProbeError(SecondKeyError):
    """There was no answer."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Answer:
    """``date``: what the service took for the time, as it wrote it. ``request_id``: of a Second Key."""

    status: int
    text: str
    date: str = ""
    request_id: str = ""

    @property
    def good(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def busy(self) -> bool:
        """Throttled, or failing: asking again later may help."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def document(self) -> Any:
        """The JSON that was answered; None when it was none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @property
    def json(self) -> Mapping[str, Any]:
        """The JSON object that was answered; empty when it was none."""
        found = self.document
        return found if isinstance(found, dict) else {}

    @property
    def error(self) -> str:
        """Code and message of a Graph or Bot Framework error, in one line; looks into a message that is
        itself JSON, as PIM's are.
        """
        found = self.json.get("error")
        if not isinstance(found, dict):
            return ""
        code, message = str(found.get("code") or ""), str(found.get("message") or "")
        if message.startswith("{"):
            try:
                inner = json.loads(message)
                code, message = str(inner.get("errorCode") or code), str(inner.get("message") or "")
            except (ValueError, AttributeError):
                pass
        return " ".join(f"{code}: {message}".split())[:300].strip(": ")


async def ask(
    session: aiohttp.ClientSession,
    url: str,
    *,
    method: str = "GET",
    token: str | None = None,
    body: Mapping[str, Any] | None = None,
) -> Answer:
    """One attempt, redirects not followed. Raises ``ProbeError``."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with session.request(
            method, url, headers=headers, json=dict(body) if body else None, allow_redirects=False
        ) as response:
            text = (await _body(response)).decode("utf-8", "replace")
            found = response.headers
            return Answer(response.status, text, found.get("Date", ""), found.get("X-Request-Id", ""))
    except aiohttp.ClientConnectorDNSError as error:
        raise ProbeError(Failure.NAME, f"{error.host} does not resolve") from error
    except aiohttp.ClientSSLError as error:
        raise ProbeError(Failure.TLS, why_tls(error)) from error
    except TimeoutError as error:
        raise ProbeError(Failure.TIMEOUT, "no answer in time") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ProbeError(Failure.CONNECTION, f"no connection ({type(error).__name__})") from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """Whole, but for what a stranger sends beyond all measure."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) >= _MOST:
            break
    return bytes(body[:_MOST])


def why_tls(error: BaseException) -> str:
    """What is wrong with a certificate, in OpenSSL's words."""
    inner = getattr(error, "certificate_error", None) or error.__cause__ or error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {inner.verify_message}"
    return "TLS could not be agreed on"
