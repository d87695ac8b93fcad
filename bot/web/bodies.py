"""Bodies of what strangers POST, read within bounds of size and time."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from bot.domain.errors import InboundError

MAX_BODY: Final = 256 * 1024
"""Bytes, after decompression. Teams' own activities stay far below 100 KB."""
READ_SECONDS: Final = 10.0
"""How long a sender may take over its body."""


class _TooLargeError(InboundError):
    """The body is too large."""

    status = 413


class _TooSlowError(InboundError):
    """The body did not arrive in time."""

    status = 408


async def read_body(request: web.Request, *, seconds: float = READ_SECONDS) -> bytes:
    """The body, as far as it stays within bounds; counted after decompression, as it is read.
    Raises ``InboundError``.
    """
    if (request.content_length or 0) > MAX_BODY:
        raise _TooLargeError(cause="too-large")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY:
                    raise _TooLargeError(cause="too-large")
    except TimeoutError as error:
        raise _TooSlowError(cause="too-slow") from error
    except web.RequestPayloadError as error:
        raise InboundError("the body can't be read", cause="bad-body") from error
    return bytes(body)
