"""``python -m cards.catalog``: bring the translations' files up to date with the English strings.

Every string of ``text`` and ``text_commands``, and what the command table says of each command, is a
message. New ones stand empty in ``locale/*.po`` until somebody translates them, those that are gone
leave; ``--check`` only tells, and exits 1 when there is something to do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from bot.domain.commands import COMMANDS
from cards import text, text_commands
from cards.language import ENGLISH, LANGUAGES, LOCALE

_SOURCES: Final = (text, text_commands)


def messages() -> dict[str, list[str]]:
    """Every English string with the names it stands under, in the order of the modules."""
    found: dict[str, list[str]] = {}
    for name, value in _named():
        for string in _strings(value):
            found.setdefault(string, []).append(name)
    return found


def _named() -> Iterator[tuple[str, Any]]:
    for module in _SOURCES:
        for name, value in vars(module).items():
            if name.lstrip("_").isupper():
                yield name, value
    for command in COMMANDS:
        yield command.name, command.help


def _strings(value: Any) -> Iterator[str]:
    """The strings in a value that hold words: punctuation and bare places to fill are no messages."""
    if isinstance(value, str):
        if any(char.isalpha() for char in _without_places(value)):
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _strings(item)


def _without_places(template: str) -> str:
    out, depth = [], 0
    for char in template:
        depth += (char == "{") - (char == "}")
        if depth == 0:
            out.append(char)
    return "".join(out)


def updated(language: str, path: Path) -> bytes:
    """The file of a language as it should be: its translations of the messages there are."""
    known = read_po(BytesIO(path.read_bytes()), locale=language) if path.exists() else Catalog(language)
    catalog = Catalog(language, project="Second Key", fuzzy=False, header_comment="# Made by `make catalog`.")
    for string, names in messages().items():
        held = known.get(string)
        said = held.string if held is not None and not held.fuzzy else ""
        catalog.add(string, said, auto_comments=[", ".join(dict.fromkeys(names))])
    made = BytesIO()
    write_po(made, catalog, width=100, omit_header=False, no_location=True)
    return _without_dates(made.getvalue())


def _without_dates(content: bytes) -> bytes:
    """Dates and versions would make each run another file."""
    unwanted = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Generated-By', b'"Last-Translator')
    return b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(unwanted))


def main(arguments: list[str]) -> int:
    stale = []
    for language in LANGUAGES:
        path = LOCALE / f"{language}.po"
        if language == ENGLISH:
            continue
        wanted = updated(language, path)
        if not path.exists() or path.read_bytes() != wanted:
            stale.append(path.name)
            if "--check" not in arguments:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(wanted)
    sys.stdout.write(f"{'stale' if '--check' in arguments else 'updated'}: {', '.join(stale) or 'nothing'}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
