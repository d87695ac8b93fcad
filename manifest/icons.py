"""Draws the two icons: ``python -m manifest.icons`` writes ``color.png`` and ``outline.png``.

Two keys, crossed: the second one is what this is about. Shapes are distance functions, so that edges
are smooth at any size; PNG is written by hand, since nothing else here needs an image library.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from math import cos, hypot, pi, sin
from pathlib import Path
from typing import Final

COLOR: Final = Path(__file__).parent / "color.png"
OUTLINE: Final = Path(__file__).parent / "outline.png"
ACCENT: Final = "#3B3A9E"

Rgb = tuple[int, int, int]
Distance = Callable[[float, float], float]
"""How far a point is outside a shape, in units of the canvas; negative inside."""

_GROUND: Final[Rgb] = (0x3B, 0x3A, 0x9E)
_DEEPER: Final[Rgb] = (0x26, 0x25, 0x6B)
_FIRST: Final[Rgb] = (0xFF, 0xFF, 0xFF)
_SECOND: Final[Rgb] = (0xFF, 0xC8, 0x3D)


def color(size: int = 192) -> bytes:
    """A full-colour PNG. Teams rounds the corners itself; what matters stays in the middle 120."""
    first, second = _key(-1, scale=1.0, width=0.07), _key(1, scale=1.0, width=0.07)
    gap = 0.03
    rows = []
    for y in range(size):
        row = bytearray()
        for x, u, v in _points(y, size):
            pixel = _mix(_GROUND, _DEEPER, (x + y) / (2 * size))
            pixel = _mix(pixel, _SECOND, _cover(second(u, v), size))
            pixel = _mix(pixel, _GROUND, _cover(first(u, v) - gap, size))
            pixel = _mix(pixel, _FIRST, _cover(first(u, v), size))
            row += bytes((*pixel, 255))
        rows.append(bytes(row))
    return _png(size, rows)


def outline(size: int = 32) -> bytes:
    """White on nothing, as Teams asks for."""
    first, second = _key(-1, scale=1.5, width=0.075), _key(1, scale=1.5, width=0.075)
    gap = 0.07
    rows = []
    for y in range(size):
        row = bytearray()
        for _, u, v in _points(y, size):
            shown = _cover(second(u, v), size) * (1 - _cover(first(u, v) - gap, size))
            alpha = max(shown, _cover(first(u, v), size))
            row += bytes((255, 255, 255, round(255 * alpha)))
        rows.append(bytes(row))
    return _png(size, rows)


def _points(y: int, size: int) -> Iterable[tuple[int, float, float]]:
    """Pixel numbers with their centres, in a square from -1 to 1."""
    v = (2 * y + 1) / size - 1
    return ((x, (2 * x + 1) / size - 1, v) for x in range(size))


def _key(side: int, *, scale: float, width: float) -> Distance:
    """A key that leans to one side, its bow up, its teeth down and outwards."""
    turn = (cos(side * pi / 4), sin(side * pi / 4))
    parts = (
        _ring((0.0, -0.46 * scale), 0.17 * scale, width),
        _stroke((0.0, -0.29 * scale), (0.0, 0.60 * scale), width),
        _stroke((0.0, 0.50 * scale), (-side * 0.20 * scale, 0.50 * scale), width),
        _stroke((0.0, 0.27 * scale), (-side * 0.15 * scale, 0.27 * scale), width),
    )

    def distance(u: float, v: float) -> float:
        x, y = turn[0] * u + turn[1] * v, -turn[1] * u + turn[0] * v
        return min(part(x, y) for part in parts)

    return distance


def _ring(centre: tuple[float, float], radius: float, width: float) -> Distance:
    return lambda x, y: abs(hypot(x - centre[0], y - centre[1]) - radius) - width


def _stroke(start: tuple[float, float], end: tuple[float, float], width: float) -> Distance:
    """A line with round ends."""
    (ax, ay), (bx, by) = start, end
    length = (bx - ax) ** 2 + (by - ay) ** 2

    def distance(x: float, y: float) -> float:
        along = min(1.0, max(0.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length))
        return hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)) - width

    return distance


def _cover(distance: float, size: int) -> float:
    """How much of a pixel at that distance is inside: the edge is one pixel wide."""
    return min(1.0, max(0.0, 0.5 - distance * size / 2))


def _mix(under: Rgb, over: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(under, over, strict=True))
    return red, green, blue


def _png(size: int, rows: Iterable[bytes]) -> bytes:
    """Eight bits a channel, with alpha."""
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def main() -> None:
    """Write both files."""
    COLOR.write_bytes(color())
    OUTLINE.write_bytes(outline())


if __name__ == "__main__":
    main()
