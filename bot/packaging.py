"""What the commands ``package`` and ``consent-link`` do, with what is already set as their defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from bot import clouds, consent
from bot.clouds import CLOUDS, CUSTOM_URLS, Cloud
from bot.settings import PREFIX, FromFileAndEnvironment, Settings, SettingsError
from manifest.app import GUID, HOST, App, PackageError
from manifest.package import package


class Known(FromFileAndEnvironment):
    """The settings that a package is made from, as far as they are there: before the first start, few
    are. They are checked where they are used.
    """

    model_config = SettingsConfigDict(**{**Settings.model_config, "extra": "ignore"})

    tenant_id: str = ""
    client_id: str = ""
    public_url: str = ""
    cloud: Literal["public", "usgov", "usdod", "china", "custom"] = "public"
    login_url: str = ""
    graph_url: str = ""
    connector_url: str = ""
    token_service_url: str = ""
    bot_openid_url: str = ""
    bot_issuer: str = ""

    @property
    def endpoints(self) -> Cloud:
        """As ``Settings.endpoints``. Raises ``SettingsError``."""
        if self.cloud != "custom":
            return CLOUDS[self.cloud]
        given: dict[str, str] = {name: getattr(self, name) for name in CUSTOM_URLS}
        if missing := [name for name, url in given.items() if not url.strip("/")]:
            raise SettingsError([f"{PREFIX}{name.upper()}: is required with custom" for name in missing])
        return clouds.custom(given)

    @property
    def host(self) -> str:
        """The host of the public URL; empty when there is none."""
        try:
            return urlsplit(self.public_url).hostname or ""
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command was told; empty is what it was not."""

    client_id: str = ""
    host: str = ""
    tenant_id: str = ""
    cloud: str = ""

    def completed(self) -> tuple[Wanted, Cloud]:
        """With the settings in place of what is missing. Raises ``SettingsError``."""
        known = _known(self.cloud)
        wanted = Wanted(
            client_id=self.client_id or known.client_id,
            host=(self.host or known.host).lower(),
            tenant_id=self.tenant_id or known.tenant_id,
            cloud=known.cloud,
        )
        return wanted, known.endpoints


@dataclass(frozen=True, slots=True)
class Written:
    """A package, and what to do with it."""

    path: Path
    app: App
    consent: str | None
    """None when the tenant is not known."""


def write(wanted: Wanted, out: Path, app_version: str = "", **developer: str) -> Written:
    """Write the package. Raises ``SettingsError``, ``PackageError``, ``OSError``."""
    wanted, cloud = wanted.completed()
    _require({"client id": wanted.client_id, "host": wanted.host})
    app = App(
        client_id=wanted.client_id,
        host=wanted.host,
        token_service_host=urlsplit(cloud.token_service_url).hostname or "",
        version=app_version or own_version(),
        **{name: value for name, value in developer.items() if value},
    )
    link = _link(wanted, cloud, consent.redirect_uri(wanted.host)) if wanted.tenant_id else None
    out.write_bytes(package(app))
    return Written(out, app, link)


def link(wanted: Wanted, redirect_uri: str = "") -> str:
    """The consent link. Raises ``SettingsError``, ``PackageError``."""
    wanted, cloud = wanted.completed()
    needed = {"client id": wanted.client_id, "tenant": wanted.tenant_id}
    _require(needed if redirect_uri else {**needed, "host": wanted.host})
    return _link(wanted, cloud, redirect_uri or consent.redirect_uri(wanted.host))


def own_version() -> str:
    """What is installed, as the three numbers that a manifest takes."""
    numbers = re.match(r"\d+(\.\d+){0,2}", version("second-key"))
    parts = numbers[0].split(".") if numbers else []
    return ".".join([*parts, "0", "0", "0"][:3])


def _known(cloud: str) -> Known:
    told: dict[str, Any] = {"cloud": cloud} if cloud else {}
    try:
        return Known(**told)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise SettingsError(
            [f"{one['loc'][0]}: {one['msg'][:1].lower()}{one['msg'][1:]}" for one in faults]
        ) from None
    except (OSError, ValueError) as error:
        raise SettingsError([f"secondkey.toml: {error}"]) from None


def _link(wanted: Wanted, cloud: Cloud, redirect_uri: str) -> str:
    faults = []
    if not GUID.fullmatch(wanted.client_id):
        faults.append(f"client id: must be a GUID, as Entra shows it, not {wanted.client_id!r}")
    if not (GUID.fullmatch(wanted.tenant_id) or HOST.fullmatch(wanted.tenant_id)):
        faults.append(f"tenant: must be its GUID or one of its domains, not {wanted.tenant_id!r}")
    if faults:
        raise PackageError(faults)
    return consent.consent_link(cloud, wanted.tenant_id, wanted.client_id, redirect_uri)


def _require(named: Mapping[str, str]) -> None:
    options = {"client id": "--client-id", "host": "--host", "tenant": "--tenant"}
    variables = {"client id": "CLIENT_ID", "host": "PUBLIC_URL", "tenant": "TENANT_ID"}
    missing = [name for name, value in named.items() if not value]
    if missing:
        raise PackageError(
            [f"{name}: say it with {options[name]}, or set {PREFIX}{variables[name]}" for name in missing]
        )
