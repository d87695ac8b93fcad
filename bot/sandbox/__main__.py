"""``python -m bot.sandbox``: run a sandbox, say on one line of JSON where, stop on a signal."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from bot.sandbox import managed_identity
from bot.sandbox.profiles import PROFILES
from bot.sandbox.server import Sandbox, running


def announcement(sandbox: Sandbox) -> dict[str, object]:
    """Everything that a script needs to use the sandbox and to point a bot at it."""
    world = sandbox.world
    return {
        "ready": True,
        "http": sandbox.http,
        "login": sandbox.login,
        "ca_bundle": str(sandbox.ca_bundle),
        "client_certificate": str(sandbox.client_certificate),
        "users": {
            user.key: {
                "id": user.object_id,
                "name": user.display_name,
                "upn": user.upn,
                "persona": user.persona,
            }
            for user in world.users.values()
        },
        "channels": {
            channel.key: {"id": channel.id, "name": channel.name} for channel in world.channels.values()
        },
        "roles": {
            role.key: {"id": role.id, "name": role.display_name} for role in world.tenant.roles.values()
        },
        "identity": {
            "client_id": sandbox.world.identity.client_id,
            "principal_id": sandbox.world.identity.principal_id,
            "endpoint": sandbox.http + managed_identity.PATH,
            "header": sandbox.world.identity.header,
        },
        "env": sandbox.env,
    }


async def serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(
        arguments.dir,
        arguments.seed,
        profile=arguments.profile,
        host=arguments.host,
        http_port=arguments.http_port,
        https_port=arguments.https_port,
    ) as sandbox:
        sys.stdout.write(json.dumps(announcement(sandbox)) + "\n")
        sys.stdout.flush()
        await stop.wait()


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m bot.sandbox", description=__doc__)
    options.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    options.add_argument("--http-port", type=int, default=0, help="0: any free port")
    options.add_argument("--https-port", type=int, default=0, help="0: any free port")
    options.add_argument("--dir", type=Path, required=True, help="where certificates are written")
    options.add_argument("--seed", type=int, default=7, help="the same seed gives the same tenant")
    options.add_argument("--profile", choices=sorted(PROFILES), default="story", help="which tenant")
    return options


if __name__ == "__main__":
    asyncio.run(serve(parser().parse_args()))
