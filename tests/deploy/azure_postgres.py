"""What Azure adds to a PostgreSQL: TLS, and Entra tokens as passwords.

The front speaks the beginning of the protocol itself, up to the password; a connection that has shown
a good token is passed on to the server, which trusts whoever comes by its socket.
"""

from __future__ import annotations

import asyncio
import os
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

ADMINISTRATORS = "Second Key database administrators"
OWNER = "secondkey_owner"

# What Azure's server has: administrators who are no superusers, and a function of the superuser's that makes
# logins for them, whose object ids are security labels (here without the module that checks them).
_SERVER = f"""
SET allow_system_table_mods = on;
CREATE OR REPLACE FUNCTION pg_catalog.pgaadauth_create_principal_with_oid(
    name text, object_id text, kind text, is_admin boolean, is_mfa boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET allow_system_table_mods = on AS $$
BEGIN
    ASSERT kind = 'service' AND NOT is_admin AND NOT is_mfa;
    EXECUTE format('CREATE ROLE %I LOGIN', name);
    INSERT INTO pg_catalog.pg_shseclabel SELECT oid, 'pg_authid'::regclass, 'pgaadauth',
        format('aadauth,oid=%s,type=%s', object_id, kind) FROM pg_roles WHERE rolname = name;
    RETURN 'Created role for ' || name;
END $$;
DO $$ BEGIN
    CREATE ROLE "{ADMINISTRATORS}" LOGIN CREATEROLE CREATEDB;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
"""  # noqa: S608 - the name is ours


def administrator(server: Any) -> dict[str, str]:
    """The environment in which libpq is an administrator of the server, as Azure has them."""
    server.psql(_SERVER)
    return {"PGHOST": str(Path(socket_of(server)).parent), "PGUSER": ADMINISTRATORS}


def try_script(server: Any, **variables: str) -> subprocess.CompletedProcess[str]:
    """infra/database.sql, by psql, as an administrator of the server."""
    given = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
    script = ROOT / "infra" / "database.sql"
    return subprocess.run(
        [server.bin_path / "psql", "--dbname=postgres", *given, "-f", script],
        env={**os.environ, **administrator(server)},
        capture_output=True,
        text=True,
        check=False,
    )


def run_script(server: Any, **variables: str) -> str:
    """What it says."""
    done = try_script(server, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def take_away(server: Any, *databases: str, role: str) -> None:
    """What ``run_script`` made."""
    for name in databases:
        server.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    server.psql(f'DROP ROLE IF EXISTS "{role}", {OWNER}, "{ADMINISTRATORS}"')


def bot_url(server: Any, role: str, database: str) -> str:
    """How the bot logs in, and as whom it works there; as main.bicep has it."""
    return f"postgresql+asyncpg://{role}@/{database}?host={Path(socket_of(server)).parent}&role={OWNER}"


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
