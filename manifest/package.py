"""The package that is uploaded to Teams: a zip whose bytes depend on nothing but its content."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, Final

from manifest import icons, texts
from manifest.app import COLOR_ICON, OUTLINE_ICON, App, localization_of, manifest_of

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can say."""
_UNIX: Final = 3
_PLAIN_FILE: Final = 0o100644 << 16


def package(app: App) -> bytes:
    """The zip, the same for the same app on any machine: fixed order, times and modes, and stored as it
    is, since what compression makes of it depends on the version of zlib.
    """
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files_of(app).items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _PLAIN_FILE
            archive.writestr(entry, content)
    return held.getvalue()


def files_of(app: App) -> dict[str, bytes]:
    """What is in it, all at the top: Teams looks nowhere else."""
    return {
        "manifest.json": _json(manifest_of(app)),
        **{f"{one.tag}.json": _json(localization_of(one)) for one in texts.OTHERS},
        COLOR_ICON: icons.COLOR.read_bytes(),
        OUTLINE_ICON: icons.OUTLINE.read_bytes(),
    }


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
