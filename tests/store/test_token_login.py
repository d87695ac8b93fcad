"""Entra tokens instead of a password, on a real PostgreSQL behind TLS.

Azure's server takes the token as a password in clear text, inside TLS, and checks its signature.
This one compares it with the one token that it takes at the moment; the rest is the same exchange.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from fakes.manual_clock import ManualClock
from store.tls_front import SSL_REQUEST, plain_server, tls_front

from bot.ports import Effect
from bot.store import StoreUnavailableError, open_store
from bot.store.opening import TokenLogin

ROLE = "id-secondkey"


@dataclass
class TokenServer:
    """A PostgreSQL that lets in who has the right token."""

    psql: Callable[[str], str]
    url: str
    trusting: ssl.SSLContext

    async def takes(self, token: str) -> None:
        await asyncio.to_thread(self.psql, f"ALTER ROLE \"{ROLE}\" PASSWORD '{token}'")

    async def cut_everybody_off(self) -> None:
        of_ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'id-%'"
        await asyncio.to_thread(self.psql, of_ours)


@pytest.fixture
def pg_with_role(pg_server: Any) -> Iterator[tuple[Any, str]]:
    """A database whose owner has to show a password, and its server's socket."""
    rules = pg_server.pgdata / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all {ROLE} password\n{before}")
    pg_server.psql(f'SELECT pg_reload_conf(); CREATE ROLE "{ROLE}" LOGIN')
    pg_server.psql(f'CREATE DATABASE secondkey OWNER "{ROLE}"')
    directory = parse_qs(urlsplit(pg_server.get_uri()).query)["host"][0]
    yield pg_server, str(Path(directory) / ".s.PGSQL.5432")
    pg_server.psql("DROP DATABASE secondkey WITH (FORCE)")
    pg_server.psql(f'DROP ROLE "{ROLE}"')
    rules.write_text(before)
    pg_server.psql("SELECT pg_reload_conf()")


@pytest.fixture
async def server(pg_with_role: tuple[Any, str]) -> AsyncIterator[TokenServer]:
    pg_server, socket_path = pg_with_role
    authority = trustme.CA()
    tls, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(tls)
    authority.configure_trust(trusting)
    async with tls_front(socket_path, tls) as port:
        yield TokenServer(pg_server.psql, f"postgresql+asyncpg://{ROLE}@localhost:{port}/secondkey", trusting)


def giving(tokens: list[str], asked: list[str] | None = None) -> Callable[[], Awaitable[str]]:
    """Gives the first of ``tokens``, and notes in ``asked`` that it did."""

    async def token() -> str:
        if asked is not None:
            asked.append(tokens[0])
        return tokens[0]

    return token


async def test_a_token_lets_the_bot_in_and_it_brings_the_schema_up_to_date(
    clock: ManualClock, server: TokenServer
) -> None:
    await server.takes("token-1")
    store = await open_store(server.url, clock, TokenLogin(giving(["token-1"]), server.trusting))
    async with store.transaction() as tx:
        await tx.enqueue(Effect("e", "post", clock.now()))
    assert [e.key for e in await store.claim_effects("me", ["post"], 1, 10)] == ["e"]
    await store.close()


async def test_each_new_connection_has_a_token_of_its_own_so_that_an_expired_one_is_not_tried_again(
    clock: ManualClock, server: TokenServer
) -> None:
    tokens, asked = ["token-1"], list[str]()
    await server.takes("token-1")
    store = await open_store(server.url, clock, TokenLogin(giving(tokens, asked), server.trusting))
    assert set(asked) == {"token-1"}

    tokens[0] = "token-2"
    await server.takes("token-2")
    await store.ping()  # on a connection that is there: it outlives its token
    assert "token-2" not in asked

    await server.cut_everybody_off()
    await store.ping()
    assert asked[-1] == "token-2"
    await store.close()


async def test_a_token_that_is_not_taken_is_unavailable_and_not_shown(
    clock: ManualClock, server: TokenServer
) -> None:
    await server.takes("token-1")
    with pytest.raises(StoreUnavailableError, match="authentication failed") as caught:
        await open_store(server.url, clock, TokenLogin(giving(["a-stale-token"]), server.trusting))
    assert "a-stale-token" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


async def test_without_a_token_the_store_is_unavailable_and_says_why(
    clock: ManualClock, server: TokenServer
) -> None:
    async def none() -> str:
        raise ConnectionError("the managed identity got no token")

    with pytest.raises(StoreUnavailableError, match="the managed identity got no token"):
        await open_store(server.url, clock, TokenLogin(none, server.trusting))


async def test_a_server_whose_certificate_is_not_trusted_gets_no_token(
    clock: ManualClock, server: TokenServer
) -> None:
    await server.takes("token-1")
    with pytest.raises(StoreUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        await open_store(server.url, clock, TokenLogin(giving(["token-1"]), ssl.create_default_context()))


@pytest.mark.parametrize("query", ["", "?ssl=disable", "?ssl=prefer", "?ssl=allow"])
async def test_a_server_without_tls_gets_no_token_whatever_the_url_says(
    clock: ManualClock, query: str
) -> None:
    login = TokenLogin(giving(["token-1"]), ssl.create_default_context())
    async with plain_server() as (port, heard):
        with pytest.raises(StoreUnavailableError):
            await open_store(f"postgresql://{ROLE}@127.0.0.1:{port}/secondkey{query}", clock, login)
    assert set(heard) == {SSL_REQUEST}
