"""The Teams services as the running sandbox mounts them."""

from __future__ import annotations

import json

import aiohttp
from teams_house import activity_with, conversation_path, request_card

from bot.sandbox import server, tokens
from bot.sandbox.teams_state import TeamsState


async def test_the_running_sandbox_serves_and_logs_the_teams_services(tmp_path):
    async with server.running(tmp_path) as sandbox, aiohttp.ClientSession() as http:
        world = sandbox.world
        token = tokens.app_token(world, tokens.BOT_FRAMEWORK)
        channel = sandbox.env["SECONDKEY_APPROVER_CHANNEL"]
        url = f"{sandbox.http}{conversation_path(channel)}/activities"
        headers = {"Authorization": f"Bearer {token}"}
        async with http.post(url, json=activity_with(request_card()), headers=headers) as answer:
            assert answer.status == 201
        async with http.get(sandbox.env["SECONDKEY_BOT_OPENID_URL"]) as answer:
            metadata = await answer.json()
        async with http.get(metadata["jwks_uri"]) as answer:
            kids = [key["kid"] for key in (await answer.json())["keys"]]

        assert kids == [key.kid for key in world.channel_keys]
        assert TeamsState.of(world).service_url == sandbox.env["SECONDKEY_CONNECTOR_URL"]
        (line,) = [entry for entry in world.log if entry.get("method") == "POST"]
        assert (line["service"], line["status"]) == ("connector", 201)
        assert line["token"]["appid"] == world.client_id
        assert token not in json.dumps(world.log)
        TeamsState.of(world).forget()
