"""The app's own tokens, and what proves that it is the app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from cryptography.x509 import load_pem_x509_certificates

from bot.doctor.findings import Finding, critical, ok, warning
from bot.doctor.tools import Tools
from bot.domain.errors import DirectoryError, UnavailableError

_SOON: Final = timedelta(days=30)
_NO_GRAPH: Final = "Nothing is read from Graph: no request is found, and nobody can decide here."
_NO_TEAMS: Final = "Nothing is posted in Teams, and nobody's sign-in is found."
_SECRETS: Final = "Entra admin center > App registrations > the app > Certificates & secrets"
_NEW_CERTIFICATE: Final = f"Make a new one, upload its public part ({_SECRETS}) and replace the PEM file."
_FEDERATED: Final = (
    "no federated credential of the app matches the managed identity",
    "Compare issuer, subject (the identity's object id) and audience in the app's federated credential.",
)
_MEANING: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "AADSTS7000215": (
            "the client secret is wrong",
            f"Make a new one ({_SECRETS}) and put its value, not its id, into SECONDKEY_CLIENT_SECRET.",
        ),
        "AADSTS7000222": (
            "the client secret has expired",
            f"Make a new one ({_SECRETS}) and set SECONDKEY_CLIENT_SECRET.",
        ),
        "AADSTS700016": (
            "there is no such app in this tenant",
            "Compare SECONDKEY_CLIENT_ID and SECONDKEY_TENANT_ID with the app registration's overview page.",
        ),
        "AADSTS90002": ("there is no such tenant", "Correct SECONDKEY_TENANT_ID."),
        "AADSTS700027": (
            "the certificate is not one of the app's",
            f"Upload its public part ({_SECRETS}), or correct SECONDKEY_CLIENT_CERTIFICATE.",
        ),
        "AADSTS1000502": ("the client certificate has expired", _NEW_CERTIFICATE),
        "AADSTS700213": _FEDERATED,
        "AADSTS70021": _FEDERATED,
        "AADSTS7000229": (
            "the app has no service principal in this tenant",
            "Give admin consent once: docs/permissions.md has the link.",
        ),
    }
)
"""What Entra's codes mean here, and what to do."""


async def look_for_graph(tools: Tools) -> Iterable[Finding]:
    return [await _token("graph-token", tools.graph_token, _NO_GRAPH)]


async def look_for_bot(tools: Tools) -> Iterable[Finding]:
    return [await _token("bot-token", tools.bot_token, _NO_TEAMS)]


async def look_at_certificate(tools: Tools) -> Iterable[Finding]:
    path = tools.settings.client_certificate
    if path is None:
        return [ok("certificate.none", "the app does not use one")]
    try:
        ends = load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError, IndexError):
        return [
            critical(
                "certificate.unreadable",
                "the file holds no certificate that can be read",
                _NO_GRAPH,
                "SECONDKEY_CLIENT_CERTIFICATE has to name a PEM file with certificate and private key.",
            )
        ]
    return [judge_certificate(ends, tools.clock.now())]


async def _token(name: str, fetch: Callable[[], Awaitable[str]], breaks: str) -> Finding:
    try:
        await fetch()
    except DirectoryError as failed:
        return judge_refusal(name, failed, breaks)
    return ok(f"{name}.obtained", "Entra gives one")


def judge_refusal(name: str, failed: DirectoryError, breaks: str) -> Finding:
    """In plain words where Entra's code is known."""
    if isinstance(failed, UnavailableError):
        return critical(
            f"{name}.unreachable",
            f"Entra can't be reached or is too busy ({failed.code or failed.status or 'no answer'})",
            breaks,
            "Look whether this machine reaches Entra (proxy, firewall, DNS, SECONDKEY_CA_BUNDLE).",
        )
    known = _MEANING.get(failed.code)
    if known is None:
        says = f"Entra refuses one: {failed}"
        return critical(f"{name}.refused", says, breaks, "Look the code up among Microsoft's AADSTS codes.")
    return critical(f"{name}.refused", f"{known[0]} ({failed.code})", breaks, known[1])


def judge_certificate(ends: datetime, now: datetime) -> Finding:
    if now >= ends:
        return critical("certificate.expired", f"it expired on {ends:%Y-%m-%d}", _NO_GRAPH, _NEW_CERTIFICATE)
    if ends - now <= _SOON:
        return warning(
            "certificate.ends",
            f"it expires on {ends:%Y-%m-%d}",
            f"From then on: {_NO_GRAPH}",
            f"Upload a new one beside it ({_SECRETS}), replace the PEM file, restart.",
        )
    return ok("certificate.valid", f"valid until {ends:%Y-%m-%d}")
