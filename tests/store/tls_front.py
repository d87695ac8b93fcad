"""TLS in front of a PostgreSQL that was built without it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def tls_front(socket_path: str, tls: ssl.SSLContext) -> AsyncIterator[int]:
    """Listens on loopback, agrees to TLS as PostgreSQL does, and passes everything on to the socket.
    Returns the port.
    """

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            assert await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(tls)
            inside, outside = await asyncio.open_unix_connection(socket_path)
            await asyncio.gather(pass_on(reader, outside), pass_on(inside, writer))
        writer.close()

    async with listening(talk) as port:
        yield port


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[int]:
    """On loopback, until the block ends; returns the port."""
    talks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(talk(reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    for task in talks:
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


@asynccontextmanager
async def plain_server() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Says that it has no TLS, asks for the password in clear text, and remembers what it hears."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            heard.append(data)
            writer.write(b"N" if data == SSL_REQUEST else b"R\x00\x00\x00\x08\x00\x00\x00\x03")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard
