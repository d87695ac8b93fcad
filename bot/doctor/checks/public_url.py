"""The public URL, as Microsoft meets it: DNS, TLS, and whether it is this bot that answers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, urlsplit

from bot.doctor.checks.configuration import LOOPBACK
from bot.doctor.findings import Finding, critical, error, info, ok, warning
from bot.doctor.probing import Answer, Failure, ProbeError, ask, why_tls
from bot.doctor.tools import Tools

_SOON: Final = timedelta(days=21)
_NOTHING_ARRIVES: Final = "No click, no message and no notification reaches the bot."
_START: Final = "Start the bot, and look whether firewall and ingress lead to it."
_DO: Final = MappingProxyType(
    {
        Failure.NAME: "Make the DNS record, or correct SECONDKEY_PUBLIC_URL.",
        Failure.TLS: "Install a certificate of a public authority for this name, with its intermediates.",
        Failure.CONNECTION: _START,
        Failure.TIMEOUT: _START,
    }
)
UNSIGNED: Final = MappingProxyType(
    {
        "type": "message",
        "id": "secondkey-doctor",
        "channelId": "msteams",
        "serviceUrl": "https://smba.trafficmanager.net/teams/",
        "from": {"id": "29:secondkey-doctor"},
        "recipient": {"id": "28:secondkey-doctor"},
        "conversation": {"id": "a:secondkey-doctor"},
        "text": "secondkey doctor: this must be refused",
    }
)
"""A message without a token."""
ECHO: Final = "secondkey-doctor"
"""What Graph would send as its validation token."""


async def look(tools: Tools) -> Iterable[Finding]:
    return [finding async for finding in _look(tools)]


async def _look(tools: Tools) -> AsyncIterator[Finding]:
    base = tools.settings.public_url.rstrip("/")
    url = urlsplit(base)
    if url.hostname in LOOPBACK:
        yield info("public-url.loopback", "only this machine can reach it, which is all a sandbox needs")
    try:
        if url.scheme == "https":
            yield judge_certificate(await _certificate_ends(url), tools.clock.now())
        yield judge_alive(await ask(tools.strangers, f"{base}/healthz"))
        yield judge_unsigned(await ask(tools.strangers, f"{base}/api/messages", method="POST", body=UNSIGNED))
        handshake = f"{base}/api/notifications?validationToken={ECHO}"
        yield judge_handshake(await ask(tools.strangers, handshake, method="POST"))
        yield judge_sign_in(await ask(tools.strangers, f"{base}/signin?act={ECHO}"))
    except ProbeError as failed:
        yield judge_failure(failed)


async def _certificate_ends(url: SplitResult) -> datetime:
    """Raises ``ProbeError``."""
    try:
        _, writer = await asyncio.open_connection(
            url.hostname, url.port or 443, ssl=ssl.create_default_context(), server_hostname=url.hostname
        )
    except ssl.SSLError as failed:
        raise ProbeError(Failure.TLS, why_tls(failed)) from failed
    except OSError as failed:
        kind = Failure.NAME if type(failed).__name__ == "gaierror" else Failure.CONNECTION
        raise ProbeError(kind, f"{url.hostname} can't be reached ({type(failed).__name__})") from failed
    try:
        certificate = writer.get_extra_info("peercert") or {}
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    finally:
        writer.close()


def judge_failure(failed: ProbeError) -> Finding:
    return critical(f"public-url.{failed.failure}", str(failed), _NOTHING_ARRIVES, _DO[failed.failure])


def judge_certificate(ends: datetime, now: datetime) -> Finding:
    """Trusted it is; for how long?"""
    if ends - now > _SOON:
        return ok("public-url.certificate", f"its certificate is trusted, until {ends:%Y-%m-%d}")
    return warning(
        "public-url.certificate-ends",
        f"its certificate ends on {ends:%Y-%m-%d}",
        f"From then on: {_NOTHING_ARRIVES}",
        "Renew it now, and find out why that did not happen by itself.",
    )


def judge_alive(answer: Answer) -> Finding:
    if answer.status == HTTPStatus.OK and answer.json.get("status") == "alive":
        return ok("public-url.alive", "the bot answers")
    return critical(
        "public-url.not-the-bot",
        f"something else answers: GET /healthz gave {answer.status}",
        _NOTHING_ARRIVES,
        "Look where the ingress leads, and whether SECONDKEY_PUBLIC_URL has the right path.",
    )


def judge_unsigned(answer: Answer) -> Finding:
    """The endpoint must refuse what is not signed, by itself and not by something in front."""
    if answer.status == HTTPStatus.UNAUTHORIZED and answer.json.get("error"):
        return ok("public-url.refuses-unsigned", "an unsigned message is refused")
    if answer.good:
        return critical(
            "public-url.accepts-unsigned",
            "an unsigned message was accepted",
            "Anybody can act as anybody. This is not Second Key as it was released.",
            "Take it off the network, and find out what is answering there.",
        )
    return error(
        "public-url.messages",
        f"POST /api/messages gave {answer.status} where 401 was due",
        "Clicks and messages may not reach the bot.",
        "Look whether something in front of the bot rewrites, authenticates or blocks requests.",
    )


def judge_sign_in(answer: Answer) -> Finding:
    """A link that was never given out is unknown to the page; nothing is begun by it."""
    if answer.status == HTTPStatus.NOT_FOUND and answer.request_id:
        return ok("public-url.sign-in", "the sign-in page answers")
    return error(
        "public-url.no-sign-in",
        f"GET /signin gave {answer.status}, and not from the bot",
        "Whoever is sent to sign in, or comes back from Entra, meets nothing, and can decide nothing.",
        "Look whether something in front of the bot rewrites, authenticates or blocks requests.",
    )


def judge_handshake(answer: Answer) -> Finding:
    if answer.status == HTTPStatus.OK and answer.text == ECHO:
        return ok("public-url.notifications", "Graph's validation of the notification URL would succeed")
    return warning(
        "public-url.no-handshake",
        f"POST /api/notifications does not repeat Graph's validation token ({answer.status})",
        "Graph refuses subscriptions; polling still finds the requests.",
        "Look whether something in front of the bot rewrites or blocks requests.",
    )
