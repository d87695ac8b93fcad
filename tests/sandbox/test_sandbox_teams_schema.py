"""What the sandbox says and sends, against the published Connector and Token API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from teams_house import House, conversation_path, request_card, teams

SCHEMAS = Path(__file__).parents[3] / "shared" / "schemas"

pytestmark = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the published API schemas are not at hand")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with teams() as opened:
        yield opened


def check(api: str, schema: dict[str, Any], value: Any) -> None:
    """Valid, and not merely because nothing in it is known to the schema."""
    definitions = json.loads((SCHEMAS / f"{api}.json").read_text(encoding="utf-8"))["definitions"]
    Draft4Validator({**schema, "definitions": definitions}).validate(value)
    name = (schema.get("$ref") or schema["items"]["$ref"]).rsplit("/", 1)[1]
    sample = value[0] if isinstance(value, list) else value
    assert set(sample) & set(definitions[name]["properties"]) or not sample


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


async def test_connector_answers_are_as_published(house):
    posted = await house.post_card(request_card())
    check("ConnectorAPI", ref("ConversationResourceResponse"), posted)
    one = conversation_path(posted["id"])
    _, sent = await house.as_bot("POST", f"{one}/activities", json={"type": "message", "text": "x"})
    check("ConnectorAPI", ref("ResourceResponse"), sent)
    _, members = await house.as_bot("GET", f"{one}/members")
    check("ConnectorAPI", {"type": "array", "items": ref("ChannelAccount")}, members)
    _, page = await house.as_bot("GET", f"{one}/pagedmembers")
    check("ConnectorAPI", ref("PagedMembersResult"), page)
    _, refused = await house.as_bot("DELETE", f"{one}/activities/1")
    check("ConnectorAPI", ref("ErrorResponse"), refused)


async def test_token_service_answers_are_as_published(house):
    user = {"userId": house.world.user("alex").teams_id, "channelId": "msteams"}
    query = {**user, "connectionName": "graph"}
    _, token = await house.as_bot("GET", "/token/api/usertoken/GetToken", params=query)
    check("TokenAPI", ref("TokenResponse"), token)
    body = {"token": token["token"]}
    _, exchanged = await house.as_bot("POST", "/token/api/usertoken/exchange", params=query, json=body)
    check("TokenAPI", ref("TokenResponse"), exchanged)
    _, status = await house.as_bot("GET", "/token/api/usertoken/GetTokenStatus", params=user)
    check("TokenAPI", {"type": "array", "items": ref("TokenStatus")}, status)
    _, link = await house.as_bot("GET", "/token/api/botsignin/GetSignInResource", params={"state": "s"})
    check("TokenAPI", ref("SignInUrlResponse"), link)
    _, refused = await house.as_bot("GET", "/token/api/usertoken/GetToken")
    check("TokenAPI", ref("ErrorResponse"), refused)


async def test_activities_sent_to_the_bot_are_as_published(house):
    posted = await house.post_card(request_card(user_ids=(house.world.user("alex").teams_id,)))
    here = {"user": "alex", "activity_id": posted["activityId"]}
    click = {**here, "verb": "approve", "inputs": {"reason": "yes"}}
    await house.control("POST", "click", click)
    await house.control("POST", "click", {**click, "as_submit": True})
    await house.control("POST", "refresh", here)
    await house.control("POST", "message", {"user": "alex", "personal": True, "text": "hi"})
    await house.control("POST", "install", {"channel": "approvers"})

    kinds = [activity["type"] for activity in house.bot.received]
    assert kinds == ["invoke", "message", "invoke", "message", "conversationUpdate", "installationUpdate"]
    for activity in house.bot.received:
        # Teams does attach the text as an HTML string, whatever the schema says of ``content``.
        activity.pop("attachments", None)
        check("ConnectorAPI", ref("Activity"), activity)
