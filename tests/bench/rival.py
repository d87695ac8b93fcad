"""Sets the stock bot up against the sandbox, with everything that it insists on."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import certifi
import trustme
from aiohttp import web

from bot.demo.processes import Stage

_START_SECONDS: Final = 30
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@asynccontextmanager
async def stock_bot(stage: Stage, card: dict[str, Any], *, public_roots: bool) -> AsyncIterator[str]:
    """The messaging endpoint of a stock bot that answers every message with ``card``.

    ``public_roots``: it trusts them too, as it does by default. That matters, because requests reads the
    whole bundle for every session, and the stock bot opens sessions with every reply.
    """
    authority = trustme.CA()
    bundle = _bundle(stage, authority, public_roots=public_roots)
    async with _discovery(stage, authority) as login, _process(stage, bundle) as process:
        port = await _told(process, {"config": _config(stage, login), "card": card})
        yield f"http://127.0.0.1:{port}/api/messages"


def _bundle(stage: Stage, authority: trustme.CA, *, public_roots: bool) -> Path:
    bundle = stage.directory / f"stock-trusts-{public_roots}.pem"
    own = Path(stage.sandbox["env"]["SECONDKEY_CA_BUNDLE"])
    roots = Path(certifi.where()).read_bytes() if public_roots else b""
    bundle.write_bytes(roots + own.read_bytes() + authority.cert_pem.bytes())
    return bundle


@asynccontextmanager
async def _discovery(stage: Stage, authority: trustme.CA) -> AsyncIterator[str]:
    """OpenID metadata in the one shape for which MSAL does not ask the internet whether the authority
    is genuine (a B2C policy), naming the sandbox's token endpoint. Yields the login URL.
    """
    tenant, login = stage.sandbox["env"]["SECONDKEY_TENANT_ID"], stage.sandbox["login"]

    async def metadata(_: web.Request) -> web.Response:
        base = f"{login}/{tenant}/oauth2/v2.0"
        return web.json_response(
            {
                "issuer": f"{login}/{tenant}/v2.0",
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
            }
        )

    app = web.Application()
    app.add_routes([web.get("/{any:.*}", metadata)])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        yield f"https://localhost:{runner.addresses[0][1]}/{tenant}/b2c_bench"
    finally:
        await runner.cleanup()


def _config(stage: Stage, login: str) -> dict[str, Any]:
    env = stage.sandbox["env"]
    return {
        "APP_ID": env["SECONDKEY_CLIENT_ID"],
        "APP_PASSWORD": env["SECONDKEY_CLIENT_SECRET"],
        "APP_TYPE": "MultiTenant",
        "CHANNEL_SERVICE": "",
        "VALIDATE_AUTHORITY": True,
        "TO_CHANNEL_FROM_BOT_LOGIN_URL": login,
        "TO_CHANNEL_FROM_BOT_OAUTH_SCOPE": "https://api.botframework.com",
        "TO_BOT_FROM_CHANNEL_TOKEN_ISSUER": env["SECONDKEY_BOT_ISSUER"],
        "OAUTH_URL": env["SECONDKEY_TOKEN_SERVICE_URL"],
        "TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL": env["SECONDKEY_BOT_OPENID_URL"],
        "TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL": env["SECONDKEY_BOT_OPENID_URL"],
        "CALLER_ID": "urn:botframework:azure",
    }


@asynccontextmanager
async def _process(stage: Stage, bundle: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with (stage.directory / "stock.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.stock"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**os.environ, **dict.fromkeys(_BUNDLES, str(bundle))},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _told(process: asyncio.subprocess.Process, settings: dict[str, Any]) -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(settings).encode() + b"\n")
    await process.stdin.drain()
    async with asyncio.timeout(_START_SECONDS):
        return int(json.loads(await process.stdout.readline())["port"])
