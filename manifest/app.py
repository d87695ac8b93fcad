"""The manifest of the Teams app, and the file of each further language.

Nothing here is resource-specific consent: the bot reads and writes where it is installed, which takes
none. Schema: ``MicrosoftTeams.schema.json`` of the version below; the tests validate against it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bot import sso
from bot.domain.commands import COMMANDS, MAX_LISTED
from bot.domain.errors import SecondKeyError
from manifest import texts
from manifest.icons import ACCENT

SCHEMA_VERSION: Final = "1.19"
SCHEMA: Final = (
    f"https://developer.microsoft.com/json-schemas/teams/v{SCHEMA_VERSION}/MicrosoftTeams.schema.json"
)
COLOR_ICON: Final = "color.png"
OUTLINE_ICON: Final = "outline.png"
_SCOPES: Final = ("personal", "team")
_LISTED: Final = tuple(info for info in COMMANDS if info.listed)[:MAX_LISTED]
"""The grammar is the same in a chat and, by mention, in a channel."""
GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
HOST: Final = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_VERSION: Final = re.compile(r"(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}")
_HTTPS: Final = re.compile(r"https://[a-z0-9.-]+(:\d+)?(/[^\s<>\"]*)?", re.IGNORECASE)
_LONGEST_DEVELOPER: Final = 32


class PackageError(SecondKeyError):
    """The package can't be made from this."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class App:
    """What differs from one deployment to the next. Raises ``PackageError`` naming every fault."""

    client_id: str
    host: str
    """Where the bot is reached: a host name, nothing else."""
    token_service_host: str
    """Where signing in takes place, of the cloud in question."""
    version: str
    developer: str = texts.NAME
    website_url: str = ""
    """The three addresses may be left out: the bot serves such pages itself."""
    privacy_url: str = ""
    terms_url: str = ""

    def __post_init__(self) -> None:
        if faults := list(_faults(self)):
            raise PackageError(faults)

    @property
    def id(self) -> str:
        """The same for the same registration, so that a new package updates the installed app; and
        another than the registration's, which Teams keeps apart.
        """
        return str(uuid.uuid5(uuid.UUID(self.client_id), "teams-app"))


def _faults(app: App) -> Iterator[str]:
    if not GUID.fullmatch(app.client_id):
        yield f"client id: must be a GUID, as Entra shows it, not {app.client_id!r}"
    if not HOST.fullmatch(app.host):
        yield f"host: must be a host name alone, like bot.example.com, not {app.host!r}"
    if not _VERSION.fullmatch(app.version):
        yield f"version: must be three numbers, like 1.2.3, not {app.version!r}"
    if not 0 < len(app.developer.strip()) <= _LONGEST_DEVELOPER:
        yield f"developer: must have 1 to {_LONGEST_DEVELOPER} characters"
    for name in ("website_url", "privacy_url", "terms_url"):
        url = getattr(app, name)
        if url and not _HTTPS.fullmatch(url):
            yield f"{name.replace('_', ' ')}: must be an https:// address, not {url!r}"


def manifest_of(app: App) -> dict[str, Any]:
    """``manifest.json``."""
    client_id = app.client_id.lower()
    return {
        "$schema": SCHEMA,
        "manifestVersion": SCHEMA_VERSION,
        "version": app.version,
        "id": app.id,
        "localizationInfo": {
            "defaultLanguageTag": texts.DEFAULT.tag,
            "additionalLanguages": [
                {"languageTag": one.tag, "file": f"{one.tag}.json"} for one in texts.OTHERS
            ],
        },
        "developer": _developer(app),
        "name": {"short": texts.NAME, "full": texts.DEFAULT.full_name},
        "description": {"short": texts.DEFAULT.short, "full": texts.DEFAULT.full},
        "icons": {"color": COLOR_ICON, "outline": OUTLINE_ICON},
        "accentColor": ACCENT,
        "bots": [_bot(client_id)],
        "permissions": ["identity", "messageTeamMembers"],
        "validDomains": [app.host, app.token_service_host],
        "webApplicationInfo": {"id": client_id, "resource": sso.application_id_uri(client_id)},
        "defaultInstallScope": "team",
        "defaultGroupCapability": {"team": "bot"},
    }


def localization_of(language: texts.Texts) -> dict[str, str]:
    """The file of a further language. It names what it translates by position."""
    translated = {
        "name.short": texts.NAME,
        "name.full": language.full_name,
        "description.short": language.short,
        "description.full": language.full,
    }
    for at in range(len(_SCOPES)):
        for n, info in enumerate(_LISTED):
            translated[f"bots[0].commandLists[{at}].commands[{n}].description"] = language.commands[info.name]
    return translated


def _developer(app: App) -> dict[str, str]:
    about = f"https://{app.host}/about"
    return {
        "name": app.developer.strip(),
        "websiteUrl": app.website_url or about,
        "privacyUrl": app.privacy_url or f"{about}/privacy",
        "termsOfUseUrl": app.terms_url or f"{about}/terms",
    }


def _bot(client_id: str) -> dict[str, Any]:
    return {
        "botId": client_id,
        "scopes": list(_SCOPES),
        "isNotificationOnly": False,
        "supportsFiles": False,
        "supportsCalling": False,
        "supportsVideo": False,
        "commandLists": [
            {
                "scopes": [scope],
                "commands": [
                    {"title": info.name.value, "description": texts.DEFAULT.commands[info.name]}
                    for info in _LISTED
                ],
            }
            for scope in _SCOPES
        ],
    }
