"""What the app package says, in each of its languages.

The commands themselves stay English, since that is what the bot reads; their explanations are
translated. The first language is the default one; its explanations are the command table's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bot.domain.commands import BY_NAME, CommandName

NAME: Final = "Second Key"


@dataclass(frozen=True, slots=True)
class Texts:
    """One language. Lengths are limited by the manifest's schema, which the tests hold them against."""

    tag: str
    full_name: str
    short: str
    full: str
    commands: Mapping[CommandName, str]


ENGLISH: Final = Texts(
    "en",
    "Second Key: privileged roles approved in Teams",
    "Privileged role approvals, decided by the right second person.",
    "Second Key brings approvals of Microsoft Entra Privileged Identity Management (PIM) into Teams.\n\n"
    "Approvers decide on a card in their channel, and Microsoft Graph records the decision as theirs. Nobody"
    " decides on their own request, or on a role that they could activate themselves. When nobody answers in"
    " time, the people on call are told.\n\n"
    "Requesters ask for a role by typing, for example: activate Security Administrator 2h because ticket"
    " 1234.\n\n"
    "If Second Key is not available, PIM's own portal works as before.",
    MappingProxyType({name: info.help for name, info in BY_NAME.items()}),
)

GERMAN: Final = Texts(
    "de",
    "Second Key: privilegierte Rollen in Teams freigeben",
    "Freigaben privilegierter Rollen, entschieden von der richtigen zweiten Person.",
    "Second Key bringt die Freigaben von Microsoft Entra Privileged Identity Management (PIM) nach"
    " Teams.\n\n"
    "Genehmigende entscheiden auf einer Karte in ihrem Kanal, und Microsoft Graph vermerkt die Entscheidung"
    " als ihre. Niemand entscheidet über die eigene Anfrage oder über eine Rolle, die er selbst aktivieren"
    " könnte. Antwortet niemand rechtzeitig, erfährt es die Bereitschaft.\n\n"
    "Wer eine Rolle braucht, fragt mit einer Zeile danach, zum Beispiel: activate Security Administrator 2h"
    " because ticket 1234.\n\n"
    "Ist Second Key nicht erreichbar, funktioniert das PIM-Portal wie bisher.",
    MappingProxyType(
        {
            CommandName.ACTIVATE: "Eine Ihrer berechtigten Rollen anfragen; allein öffnet es ein Formular.",
            CommandName.AGAIN: "Noch einmal anfragen, was Sie zuletzt angefragt haben.",
            CommandName.EXTEND: "Eine aktive Rolle länger behalten.",
            CommandName.DEACTIVATE: "Eine aktive Rolle vor Ablauf der Zeit zurückgeben.",
            CommandName.CANCEL: "Ihre Anfrage zurückziehen, die noch auf eine Freigabe wartet.",
            CommandName.MY_ROLES: "Die Rollen, die Sie anfragen können, und die aktiven mit ihrem Ende.",
            CommandName.STATUS: "Wie es um Ihre Anfragen steht.",
            CommandName.PENDING: "Für Genehmigende: die Anfragen, die auf Sie warten.",
            CommandName.WHO_CAN_APPROVE: "Wer eine Rolle freigeben darf, zu der Sie berechtigt sind.",
            CommandName.HELP: "Was Sie hier eingeben können.",
            CommandName.SIGN_IN: "Second Key mit Ihrer eigenen Anmeldung handeln lassen.",
            CommandName.SIGN_OUT: "Second Key Ihre Anmeldung vergessen lassen.",
        }
    ),
)

DEFAULT: Final = ENGLISH
OTHERS: Final = (GERMAN,)
