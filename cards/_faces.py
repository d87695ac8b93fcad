"""What every answer to a command is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.said import Chosen
from cards import _builder as ac
from cards import _words as w
from cards._safe import plain
from cards.localised import text_commands as t

TYPED = 80
"""Characters shown of what somebody typed."""
COMMAND = 300
"""Characters shown of a whole command."""
_ON_A_BUTTON = 800


@dataclass(frozen=True, slots=True)
class Face:
    """An answer, ready to be put on a card. ``actions`` are left out where others could press them."""

    title: str
    note: str = ""
    style: str = "emphasis"
    rows: tuple[ac.Element, ...] = ()
    actions: tuple[ac.Element, ...] = ()


def fits(command: str) -> bool:
    """Whether a command is short enough to stand on buttons, each of which holds it twice."""
    return len(command) <= _ON_A_BUTTON


def again(
    title: str, command: str, chosen: Chosen | None = None, *, confirmed: bool = False, style: str = "default"
) -> ac.Element:
    """A button that says ``command``, about what was chosen. Everything in it is checked anew when
    it comes back: it is the client that sends it.
    """
    data = _command(command, chosen)
    if confirmed:
        data["confirmed"] = "yes"
    return ac.execute("command", data, title=title, style=style)


def beside(title: str, command: str, chosen: Chosen, *, style: str = "default") -> ac.Element:
    """The same for a card that stays: what is submitted is answered beside it, while the answer to
    what is executed takes the card's place.
    """
    return ac.submit(title, _command(command, chosen), style=style)


def _command(command: str, chosen: Chosen | None) -> dict[str, str]:
    data = {"verb": "command", "text": command}
    return data if chosen is None else data | {"key": chosen.key, "scope": chosen.scope}


def form(title: str, command: str, chosen: Chosen | None = None) -> ac.Element:
    """A button that opens the form (Teams docs, "Dialogs": ``task/fetch``). A command that is too long
    for PIM to take its reason is not carried over.
    """
    text = command if fits(command) else ""
    data: dict[str, object] = {"msteams": {"type": "task/fetch"}, "verb": "form", "text": text}
    if chosen is not None:
        data |= {"key": chosen.key, "scope": chosen.scope}
    return ac.submit(title, data)


def role(name: str, scope: str = "/", scope_name: str | None = None) -> str:
    """A role at its scope, in plain text."""
    shown = plain(name, w.ROLE)
    if scope == "/":
        return shown
    return t.OPTION_AT.format(role=shown, scope=plain(scope_name or "", w.SCOPE) or w.scope(scope))


def line(value: str, **style: Any) -> ac.Element:
    """A line of text as it stands."""
    return ac.rich(ac.run(value, **style), spacing="small")


def header(shown: Face) -> ac.Element:
    """The title may hold a stranger's text, so it is a run; the note is our own."""
    items = [ac.rich(ac.run(shown.title, weight="bolder", size="medium"))]
    if shown.note:
        items.append(ac.words(shown.note, spacing="none"))
    return ac.box(items, style=shown.style, bleed=True)
