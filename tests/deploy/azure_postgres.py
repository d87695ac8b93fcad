"""What Azure adds to a PostgreSQL: TLS, and Entra tokens as passwords.

The front speaks the beginning of the protocol itself, up to the password; a connection that has shown
a good token is passed on to the server, which trusts whoever comes by its socket.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from deploy.dockerfile import ROOT
from store.tls_front import SSL_REQUEST, listening, pass_on

Judge = Callable[[str, str], str | None]
"""Role and token; None when it may come in, otherwise why not."""

# What Azure's server has in its catalogue; there, the object id becomes a security label of the role.
_FUNCTION = """
SET allow_system_table_mods = on;
CREATE OR REPLACE FUNCTION pg_catalog.pgaadauth_create_principal_with_oid(
    name text, object_id text, kind text, is_admin boolean, is_mfa boolean) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    ASSERT kind = 'service' AND NOT is_admin AND NOT is_mfa;
    EXECUTE format('CREATE ROLE %I LOGIN', name);
    EXECUTE format('COMMENT ON ROLE %I IS %L', name, object_id);
    RETURN 'Created role for ' || name;
END $$;
"""


def run_script(server: Any, **variables: str) -> None:
    """infra/database.sql, by psql, as an administrator of the server."""
    server.psql(_FUNCTION)
    given = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
    done = subprocess.run(
        [server.bin_path / "psql", server.get_uri("postgres"), *given, "-f", ROOT / "infra" / "database.sql"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def socket_of(server: Any) -> str:
    directory = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
    return str(Path(directory) / ".s.PGSQL.5432")


@asynccontextmanager
async def azure_front(server: Any, tls: ssl.SSLContext, judge: Judge) -> AsyncIterator[int]:
    """Listens on loopback; returns the port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            assert await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST, "it came without TLS"
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(tls)
            startup = await _message(reader)
            writer.write(b"R" + struct.pack("!ii", 8, 3))  # the password in clear text, please
            kind, token = await reader.readexactly(1), (await _message(reader))[4:-1]
            assert kind == b"p"
            if why := judge(_role(startup), token.decode()):
                writer.write(_refusal(why))
            else:
                inside, outside = await asyncio.open_unix_connection(socket_of(server))
                outside.write(startup)
                await asyncio.gather(pass_on(reader, outside), pass_on(inside, writer))
        writer.close()

    async with listening(talk) as port:
        yield port


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A message with its length in front."""
    length = await reader.readexactly(4)
    return length + await reader.readexactly(struct.unpack("!i", length)[0] - 4)


def _role(startup: bytes) -> str:
    words = startup[8:].split(b"\0")
    return dict(zip(words[::2], words[1::2], strict=False))[b"user"].decode()


def _refusal(why: str) -> bytes:
    fields = b"".join(k + v.encode() + b"\0" for k, v in ((b"S", "FATAL"), (b"C", "28P01"), (b"M", why)))
    return b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0"
