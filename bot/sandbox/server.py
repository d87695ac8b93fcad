"""The sandbox as a running thing: two ports, one world."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import trustme
from aiohttp import web
from cryptography.x509 import load_pem_x509_certificate

from bot.sandbox import (
    browser,
    connector,
    control,
    control_tenant,
    entra,
    entra_browser,
    graph_batch,
    graph_group_instances,
    graph_group_requests,
    graph_people,
    graph_requests,
    graph_roles,
    managed_identity,
    middleware,
    subscriptions,
    teams_client,
    token_service,
)
from bot.sandbox.graph_http import GraphError, caller
from bot.sandbox.profiles import PROFILES
from bot.sandbox.seed import seeded
from bot.sandbox.tokens import BOT_FRAMEWORK
from bot.sandbox.world import World

_BODY_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sandbox:
    world: World
    http: str
    """``http://127.0.0.1:P``: Graph, connector, token service and control."""
    login: str
    """``https://localhost:Q``: Entra."""
    ca_bundle: Path
    """What to trust so that ``login`` is believed."""
    client_certificate: Path
    """Key and certificate that the bot may authenticate with instead of its secret."""
    env: dict[str, str] = field(repr=False)
    """Every ``SECONDKEY_*`` variable that points a bot here."""


@asynccontextmanager
async def running(
    directory: Path,
    seed: int = 7,
    *,
    profile: str = "story",
    host: str = "127.0.0.1",
    http_port: int = 0,
    https_port: int = 0,
) -> AsyncIterator[Sandbox]:
    """A seeded sandbox, from its first open port until the block ends. Port 0: any free one.

    ``profile`` names one of ``profiles.PROFILES``. Refuses a ``host`` that is not loopback with
    ``ValueError``: the control has no authentication. ``directory`` receives the throw-away certificate
    authority (``ca.pem``) and the bot's client certificate (``client.pem``).
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"{host} is not a loopback address")
    world = await asyncio.to_thread(seeded, seed)
    PROFILES[profile](world)
    tls, ca_bundle, client_certificate = await asyncio.to_thread(_certificates, world, directory)
    async with aiohttp.ClientSession() as session:
        world.http = session
        services, login = _runner(http_app(world)), _runner(login_app(world))
        try:
            port = await _listen(services, host, http_port, None)
            tls_port = await _listen(login, host, https_port, tls)
            world.http_url, world.login_url = f"http://{host}:{port}", f"https://localhost:{tls_port}"
            yield Sandbox(
                world,
                world.http_url,
                world.login_url,
                ca_bundle,
                client_certificate,
                environment(world, ca_bundle),
            )
        finally:
            await _stop(world)
            await services.cleanup()
            await login.cleanup()


def http_app(world: World) -> web.Application:
    app = web.Application(middlewares=[middleware.around(world)], client_max_size=_BODY_LIMIT)
    for module in (graph_requests, graph_roles, graph_people, graph_group_instances, graph_group_requests):
        app.add_routes(module.routes(world))
    for module in (graph_batch, subscriptions, control, control_tenant, browser):
        app.add_routes(module.routes(world))
    for service in (connector, token_service, teams_client, managed_identity):
        app.add_routes(service.routes(world))
    app.cleanup_ctx.append(teams_client.cleanup_ctx(world))

    async def unknown(request: web.Request) -> web.StreamResponse:
        caller(world, request)
        segment = request.path.rstrip("/").rpartition("/")[2]
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")

    app.router.add_route("*", "/{version:v1\\.0|beta}/{tail:.*}", unknown)
    return app


def login_app(world: World) -> web.Application:
    app = web.Application(middlewares=[middleware.around(world, "login")])
    app.add_routes(entra.routes(world))
    app.add_routes(entra_browser.routes(world))
    return app


def _runner(app: web.Application) -> web.AppRunner:
    # Long polls and clock streams never end by themselves, so stopping doesn't wait for them.
    return web.AppRunner(app, shutdown_timeout=0.1, access_log=None)


async def _listen(runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None) -> int:
    """Open a port and say which it became."""
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=tls).start()
    return int(runner.addresses[0][1])


async def _stop(world: World) -> None:
    """End deliveries in flight, and the long polls and streams that would hold the ports open."""
    for task in list(world.tasks):
        task.cancel()
    await asyncio.gather(*world.tasks, return_exceptions=True)


def _certificates(world: World, directory: Path) -> tuple[ssl.SSLContext, Path, Path]:
    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Second Key sandbox")
    ca_bundle, client = directory / "ca.pem", directory / "client.pem"
    authority.cert_pem.write_to_path(str(ca_bundle))
    world.trust = ssl.create_default_context(cafile=str(ca_bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    leaf = authority.issue_cert("client.second-key.example", key_type=trustme.KeyType.RSA)
    client.touch(mode=0o600)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(client))
    certificate = load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
    world.client_certificates.append(certificate.public_key())
    return context, ca_bundle, client


def environment(world: World, ca_bundle: Path) -> dict[str, str]:
    """The settings of a bot whose cloud is this sandbox."""
    channels = {channel.key: channel.id for channel in world.channels.values()}
    mailbox = world.user("pim").object_id
    return {
        "SECONDKEY_CLOUD": "custom",
        "SECONDKEY_TENANT_ID": world.tenant_id,
        "SECONDKEY_CLIENT_ID": world.client_id,
        "SECONDKEY_CLIENT_SECRET": world.client_secret,
        "SECONDKEY_APPROVER_CHANNEL": channels["approvers"],
        "SECONDKEY_OPS_CHANNEL": channels["ops"],
        "SECONDKEY_BREAK_GLASS": ",".join(world.user(key).object_id for key in ("bg1", "bg2")),
        "SECONDKEY_LOGIN_URL": world.login_url,
        "SECONDKEY_GRAPH_URL": world.http_url,
        "SECONDKEY_CONNECTOR_URL": f"{world.http_url}/connector/",
        "SECONDKEY_TOKEN_SERVICE_URL": f"{world.http_url}/token",
        "SECONDKEY_BOT_OPENID_URL": f"{world.http_url}/.well-known/botframework-openid-configuration",
        "SECONDKEY_BOT_ISSUER": BOT_FRAMEWORK,
        "SECONDKEY_CA_BUNDLE": str(ca_bundle),
        "SECONDKEY_DANGEROUSLY_CLOCK_URL": f"{world.http_url}/_sandbox/clock",
        "SECONDKEY_SUBSCRIPTIONS": f"users/{mailbox}/mailFolders('inbox')/messages",
    }
