"""What can be wrong with the settings, each fault in words that name the variable and never its value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from bot.clouds import CUSTOM_URLS
from bot.domain.errors import SecondKeyError

PREFIX: Final = "SECONDKEY_"
DEFAULT_PORT: Final = 3978
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_GONE: Final = {
    "app_id_uri": "is no setting any more. Delete it, and see that the app registration's Application ID URI"
    " is api://botid-{client id}",
}
"""What to do about a setting that there once was."""


class SettingsError(SecondKeyError):
    """The settings are not usable."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__("\n".join(self.faults))


def combined_faults(data: Mapping[str, Any]) -> Iterable[str]:
    """Of settings that don't go together."""
    yield from _credential_faults(data)
    yield from _cloud_faults(data)
    yield from _url_faults(data)
    yield from _database_faults(data)
    yield from _port_faults(data)


def unknown(name: str) -> str:
    return _GONE.get(name, "there is no such setting")


def _credential_faults(data: Mapping[str, Any]) -> Iterable[str]:
    ways = ("client_secret", "client_certificate", "managed_identity")
    if sum(bool(data.get(way)) for way in ways) != 1:
        yield f"{', '.join(_variable(way) for way in ways)}: set exactly one of the three"
    yield from _missing_file(data, "client_certificate")


def _cloud_faults(data: Mapping[str, Any]) -> Iterable[str]:
    custom = data.get("cloud") == "custom"
    for name in (*CUSTOM_URLS, "ca_bundle", "dangerously_clock_url"):
        if not custom and data.get(name):
            yield f"{_variable(name)}: only with SECONDKEY_CLOUD=custom"
        if custom and not data.get(name) and name in CUSTOM_URLS:
            yield f"{_variable(name)}: is required with SECONDKEY_CLOUD=custom"
    yield from _missing_file(data, "ca_bundle")


def _url_faults(data: Mapping[str, Any]) -> Iterable[str]:
    loopback = data.get("cloud") == "custom"
    for name in ("public_url", *CUSTOM_URLS, "dangerously_clock_url"):
        if data.get(name) and not _acceptable(str(data[name]), loopback=loopback):
            yield f"{_variable(name)}: must be an https:// URL (http:// only with custom, on loopback)"


def _database_faults(data: Mapping[str, Any]) -> Iterable[str]:
    if not data.get("database_identity"):
        return
    # Without the URL, which may hold a password.
    scheme, _, rest = str(data.get("database_url") or "").partition("://")
    if not scheme.startswith("postgres"):
        yield "SECONDKEY_DATABASE_IDENTITY: only with a PostgreSQL database"
    elif ":" in rest.rpartition("@")[0] or "password=" in rest:
        yield "SECONDKEY_DATABASE_URL: must hold no password with SECONDKEY_DATABASE_IDENTITY"


def _port_faults(data: Mapping[str, Any]) -> Iterable[str]:
    port = data.get("port", DEFAULT_PORT)
    with suppress(TypeError, ValueError):  # what is no number is reported as such
        if int(data.get("metrics_port", "")) == int(port):
            yield "SECONDKEY_METRICS_PORT: must be another port than SECONDKEY_PORT, which strangers reach"


def _missing_file(data: Mapping[str, Any], name: str) -> Iterable[str]:
    # Without the value, which is a private key when somebody mistook what belongs here.
    if data.get(name) and not _is_file(str(data[name])):
        yield f"{_variable(name)}: there is no such file"


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def single_faults(error: ValidationError) -> Iterable[str]:
    for fault in error.errors(include_input=False, include_url=False):
        name, *parts = map(str, fault["loc"])
        where = _variable(name) + "".join(f"[{part}]" for part in parts)
        said = unknown(name) if fault["type"] == "extra_forbidden" else _said(fault["type"], fault["msg"])
        yield f"{where}: {said}"


def _said(kind: str, message: str) -> str:
    if kind == "missing":
        return "is required and missing"
    if "thread" in message:
        return "must be a Teams channel id, 19:…@thread.tacv2"
    if re.search(r"0-9a-fA-F", message):
        return "must be a GUID"
    return message[:1].lower() + message[1:]


def _acceptable(url: str, *, loopback: bool) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.username or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (loopback and parts.scheme == "http" and host in _LOOPBACK)


def _variable(field: str) -> str:
    return PREFIX + field.upper()


def field_of(variable: str) -> str:
    return variable.removeprefix(PREFIX).lower()
