"""The zip: what is in it, and that it is the same however often and wherever it is made."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from manifest import icons
from manifest.app import App
from manifest.package import files_of, package

APP = App("22222222-2222-4222-8222-222222222222", "bot.example.com", "token.botframework.com", "1.2.3")
SCRIPT = """
import hashlib
from manifest.app import App
from manifest.package import package
app = App("22222222-2222-4222-8222-222222222222", "bot.example.com", "token.botframework.com", "1.2.3")
print(hashlib.sha256(package(app)).hexdigest())
"""


def opened(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


def test_everything_that_the_manifest_names_is_at_the_top_and_nothing_else_is_there() -> None:
    archive = opened(package(APP))
    manifest = json.loads(archive.read("manifest.json"))
    named = {
        *manifest["icons"].values(),
        *(one["file"] for one in manifest["localizationInfo"]["additionalLanguages"]),
    }
    assert set(archive.namelist()) == {"manifest.json", *named}
    assert archive.testzip() is None


def test_the_same_app_makes_the_same_bytes_in_any_process_zone_and_umask() -> None:
    digests = set()
    for zone, hash_seed, umask in (("UTC", "1", 0o022), ("Asia/Tokyo", "2", 0o077)):
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={
                **os.environ,
                "TZ": zone,
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": str(icons.COLOR.parent.parent),
            },
            capture_output=True,
            text=True,
            check=True,
            umask=umask,
        )
        digests.add(run.stdout)
    assert len(digests) == 1


def test_another_app_makes_other_bytes() -> None:
    other = App(APP.client_id, APP.host, APP.token_service_host, "1.2.4")
    assert package(other) != package(APP)


def test_entries_say_nothing_of_where_and_when_they_were_made_and_are_not_compressed() -> None:
    for entry in opened(package(APP)).infolist():
        assert (entry.date_time, entry.create_system) == ((1980, 1, 1, 0, 0, 0), 3)
        assert (entry.external_attr, entry.compress_type, entry.extra) == (0o100644 << 16, 0, b"")


def test_texts_are_utf_8_and_end_with_a_line_break() -> None:
    german = files_of(APP)["de.json"].decode()
    assert german.endswith("}\n")
    assert "für" in german.lower()


# The icons


@pytest.mark.parametrize(
    ("path", "drawn", "size"),
    [
        pytest.param(icons.COLOR, icons.color, 192, id="color"),
        pytest.param(icons.OUTLINE, icons.outline, 32, id="outline"),
    ],
)
def test_the_icons_in_the_folder_are_what_the_script_draws(path: Path, drawn, size: int) -> None:
    assert pixels(path.read_bytes()) == pixels(drawn())
    assert len(pixels(path.read_bytes())) == size * size


def test_the_script_writes_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(icons, "COLOR", tmp_path / "color.png")
    monkeypatch.setattr(icons, "OUTLINE", tmp_path / "outline.png")
    icons.main()
    assert pixels(icons.COLOR.read_bytes()) == pixels(icons.color())
    assert pixels(icons.OUTLINE.read_bytes()) == pixels(icons.outline())


def test_the_color_icon_is_opaque_and_shows_both_keys_in_the_middle() -> None:
    shown = pixels(icons.COLOR.read_bytes())
    assert {pixel[3] for pixel in shown} == {255}
    margin = (192 - 120) // 2
    for wanted in ((255, 255, 255, 255), (0xFF, 0xC8, 0x3D, 255)):
        places = [divmod(n, 192) for n, pixel in enumerate(shown) if pixel == wanted]
        assert len(places) > 500
        assert all(margin <= one < 192 - margin for place in places for one in place)


def test_the_outline_icon_is_white_on_nothing() -> None:
    shown = pixels(icons.OUTLINE.read_bytes())
    assert {pixel[:3] for pixel in shown} == {(255, 255, 255)}
    clear, solid = (sum(pixel[3] == alpha for pixel in shown) for alpha in (0, 255))
    assert clear > len(shown) / 2
    assert solid > 100


def pixels(png: bytes) -> list[tuple[int, ...]]:
    """The pixels of a PNG as this script writes it, read without help from it."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        name, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert int.from_bytes(png[at + 8 + length : at + 12 + length], "big") == zlib.crc32(name + data)
        chunks[name] = chunks.get(name, b"") + data
        at += 12 + length
    width, height, depth, kind, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, kind, at) == (8, 6, len(png))
    raw, stride = zlib.decompress(chunks[b"IDAT"]), 4 * width + 1
    rows = [raw[n * stride : (n + 1) * stride] for n in range(height)]
    assert {row[0] for row in rows} == {0}
    return [tuple(row[n : n + 4]) for row in rows for n in range(1, stride, 4)]
