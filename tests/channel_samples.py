"""Channel keys, tokens and activities to test with, and the hand-moved clock."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

TENANT = "5ec0de00-0000-4000-8000-000000000001"
OTHER_TENANT = "5ec0de00-0000-4000-8000-000000000002"
APP_ID = "b07b07b0-0000-4000-8000-00000000b070"
ADELE_ID = "00000000-0000-4000-8000-000000000002"
ISSUER = "https://api.botframework.com"
SERVICE_URL = "https://smba.example/emea/"
CHANNEL = "19:approvers@thread.tacv2"
REQUEST_ID = "61998d6f-0000-4000-8000-000000000042"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class HandClock:
    """A clock that moves when told to."""

    at: datetime = NOW
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> datetime:
        return self.at

    async def wait(self, seconds: float) -> None:
        until = self.at + timedelta(seconds=seconds)
        while self.at < until:
            await self.moved.wait()

    def advance(self, by: timedelta) -> None:
        self.at += by
        self.moved.set()
        self.moved = asyncio.Event()


class CountingIds:
    def __init__(self) -> None:
        self.count = 0

    def new_id(self) -> str:
        self.count += 1
        return f"incident-{self.count}"

    def new_secret(self) -> str:
        return self.new_id()


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:  # noqa: ARG001 - the cache's key
    """One key a name and test run: making them is slow."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(name: str, endorsements: list[str] | None = None, **more: Any) -> dict[str, Any]:
    entry = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private_key(name).public_key()))
    entry |= {"kid": name, "use": "sig"}
    if endorsements is not None:
        entry["endorsements"] = endorsements
    return entry | more


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims with changes; a change to None leaves the claim out."""
    now = int(NOW.timestamp())
    good = {"iss": ISSUER, "aud": APP_ID, "nbf": now, "exp": now + 3600, "serviceurl": SERVICE_URL}
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(
    key: str = "k1", *, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **changes: Any
) -> str:
    return jwt.encode(
        claims(**changes),
        private_key(key),
        algorithm=algorithm,
        headers={"kid": key} if headers is None else headers,
    )


def bearer(**changes: Any) -> str:
    return f"Bearer {token(**changes)}"


def activity(kind: str = "message", **changes: Any) -> dict[str, Any]:
    """An activity as Teams sends it from a channel; a change to None leaves the field out."""
    sample: dict[str, Any] = {
        "type": kind,
        "id": "1700000000001",
        "timestamp": "2026-11-23T09:00:00.000Z",
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
        "from": {"id": "29:adele", "name": "Adele Vance", "aadObjectId": ADELE_ID},
        "recipient": {"id": f"28:{APP_ID}", "name": "Second Key"},
        "conversation": {
            "id": f"{CHANNEL};messageid=1700000000000",
            "conversationType": "channel",
            "isGroup": True,
            "tenantId": TENANT,
        },
        "channelData": {
            "tenant": {"id": TENANT},
            "team": {"id": "19:general@thread.tacv2"},
            "channel": {"id": CHANNEL},
        },
        "text": "hello",
    }
    return {name: value for name, value in (sample | changes).items() if value is not None}


def click(verb: Any = "approve", /, **data: Any) -> dict[str, Any]:
    """An ``adaptiveCard/action`` invoke."""
    value = {
        "action": {"type": "Action.Execute", "verb": verb, "data": {"request": REQUEST_ID} | data},
        "trigger": "manual",
    }
    return activity("invoke", name="adaptiveCard/action", value=value, text=None)


def body(sample: dict[str, Any]) -> bytes:
    return json.dumps(sample).encode()
