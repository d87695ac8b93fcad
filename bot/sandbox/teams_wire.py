"""How Teams reaches the bot: a signed channel token and a POST to its messaging endpoint."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.sandbox.teams_keys import ISSUER
from bot.sandbox.teams_state import TeamsState
from bot.sandbox.world import SigningKey

DEADLINE_SECONDS = 15.0
"""Teams gives up on an invoke after about so long (observed; no documented number)."""
_TOKEN_LIFETIME = timedelta(hours=1)
_TOKEN_SPARE_SECONDS = 600.0


class WireError(Exception):
    """The sandbox has been asked to send something it can't make."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``status`` is None, and ``error`` says why, when nothing did."""

    status: int | None
    body: Any
    ms: float
    error: str | None = None

    def json(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if k != "error" or v is not None}


def claims(state: TeamsState) -> dict[str, Any]:
    """What a genuine channel token says, times apart."""
    return {"iss": ISSUER, "aud": state.world.client_id, "serviceurl": state.service_url}


def channel_token(state: TeamsState) -> str:
    """A genuine channel token, kept until it has ten minutes left or the key is rotated."""
    key, now = state.world.channel_keys[-1], state.world.now().timestamp()
    held = state.channel_token
    if held is not None and held[0] == key.kid and now < held[2]:
        return held[1]
    token = state.world.sign(claims(state), key, _TOKEN_LIFETIME)
    renew_at = now + _TOKEN_LIFETIME.total_seconds() - _TOKEN_SPARE_SECONDS
    state.channel_token = (key.kid, token, renew_at)
    return token


async def deliver(state: TeamsState, activity: dict[str, Any]) -> Answer:
    """Send an activity as Teams does."""
    headers = {
        "Authorization": f"Bearer {channel_token(state)}",
        "Content-Type": "application/json; charset=utf-8",
    }
    return await post(state, json.dumps(activity).encode(), headers)


async def post(state: TeamsState, body: bytes, headers: Mapping[str, str]) -> Answer:
    """POST to the messaging endpoint. Raises ``WireError`` when no bot is connected."""
    session, endpoint = state.session or state.world.http, state.world.messaging_endpoint
    if endpoint is None:
        raise WireError("no bot is connected: POST /_sandbox/teams/connect first")
    if session is None:
        raise WireError("the sandbox is not running")
    began = time.perf_counter()
    status: int | None = None
    answer: Any = None
    error = None
    try:
        deadline = aiohttp.ClientTimeout(total=DEADLINE_SECONDS)
        async with session.post(
            endpoint, data=body, headers=headers, timeout=deadline, allow_redirects=False
        ) as response:
            answer = _parsed(await response.text(errors="replace"))
            status = response.status
    except TimeoutError:
        error = "timeout"
    except aiohttp.ClientError:
        error = "unreachable"
    return Answer(status, answer, round((time.perf_counter() - began) * 1000, 3), error)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None


# Tokens that no genuine connector would send ------------------------------------------------


@cache
def _unknown_key() -> SigningKey:
    """A key that nobody publishes."""
    return SigningKey.new()


def _key(state: TeamsState, name: str) -> SigningKey:
    match name:
        case "channel":
            return state.world.channel_keys[-1]
        case "oldest":
            return state.world.channel_keys[0]
        case "entra":
            return state.world.entra_keys[-1]
        case "unknown":
            return _unknown_key()
    raise WireError(f"no key {name!r}: channel, oldest, entra, unknown")


def forged_token(state: TeamsState, wish: Mapping[str, Any]) -> str:
    """A token as a hostile test wants it.

    ``claims`` replace, ``relative`` sets times in seconds from now, ``remove`` takes away; then
    ``key``, ``alg`` (``HS256`` is keyed with the public key, the classic confusion) and ``header``
    (a value of null takes the field away). Raises ``WireError``.
    """
    key, alg = _key(state, wish.get("key", "channel")), wish.get("alg", "RS256")
    now = int(state.world.now().timestamp())
    payload: dict[str, Any] = {**claims(state), "iat": now, "nbf": now, "exp": now + 3600}
    payload |= wish.get("claims", {})
    payload |= {name: now + seconds for name, seconds in wish.get("relative", {}).items()}
    payload = {name: value for name, value in payload.items() if name not in wish.get("remove", ())}
    header = {"typ": "JWT", "alg": alg, "kid": key.kid, **wish.get("header", {})}
    signing = ".".join(_part({k: v for k, v in part.items() if v is not None}) for part in (header, payload))
    return f"{signing}.{_base64(_signature(alg, key, signing.encode()))}"


def _signature(alg: str, key: SigningKey, signing: bytes) -> bytes:
    if alg == "none":
        return b""
    if alg == "HS256":
        public = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return hmac.digest(public, signing, hashlib.sha256)
    try:
        algorithm = jwt.get_algorithm_by_name(alg)
        return algorithm.sign(signing, key.private)
    except (NotImplementedError, TypeError, AttributeError) as error:
        raise WireError(f"can't sign with {alg!r}") from error


def _part(content: Mapping[str, Any]) -> str:
    return _base64(json.dumps(content, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
