"""The tokens of the sandbox's Entra: issued here, and verified here by every service.

A token lives for its hour of *real* time: token caches run on the machine's clock, which the
sandbox can't move, and a sandbox moved on by a day must not refuse tokens that they still hold.
Expiry on demand is ``World.tokens_void_before``. Tokens that were not issued here (a test's own)
are judged by their ``exp`` and the sandbox's clock.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import jwt
from aiohttp import web

from bot.sandbox.world import User, World

BOT_FRAMEWORK = "https://api.botframework.com"
GRAPH = "https://graph.microsoft.com"
LIFETIME = timedelta(hours=1)
_KEEP_ISSUED = 20_000

CLAIMS = web.RequestKey("claims", dict[str, Any])
"""The verified claims of a request's token."""
NOTES = web.RequestKey("notes", dict[str, Any])
"""What a handler wants in the log line of its request."""


class TokenRefusedError(Exception):
    """The token is not good; the message says why, in Entra's words where known."""

    def __init__(self, reason: str, *, expired: bool = False, voided: bool = False) -> None:
        super().__init__(reason)
        self.expired = expired
        self.voided = voided


def issue(world: World, claims: dict[str, Any]) -> str:
    """Sign with Entra's newest key and remember when."""
    uti = secrets.token_urlsafe(16)
    world.issued[uti] = (world.now(), world.real_now() + LIFETIME)
    if len(world.issued) > _KEEP_ISSUED:
        world.issued.pop(next(iter(world.issued)))
    return world.sign({**claims, "tid": world.tenant_id, "uti": uti}, world.entra_keys[-1], LIFETIME)


def app_token(world: World, audience: str) -> str:
    """For the bot as itself: ``roles``, and no user."""
    service_principal = hashlib.sha256(world.client_id.encode()).hexdigest()
    oid = f"{service_principal[:8]}-{service_principal[8:12]}-4000-8000-{service_principal[12:24]}"
    claims: dict[str, Any] = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{world.tenant_id}/",
        "appid": world.client_id,
        "azp": world.client_id,
        "idtyp": "app",
        "oid": oid,
        "sub": oid,
        "ver": "1.0",
    }
    if audience != BOT_FRAMEWORK:
        claims["roles"] = sorted(world.app_roles)
    return issue(world, claims)


def delegated_token(world: World, user: User, audience: str, extra: dict[str, Any]) -> str:
    """For the bot on behalf of a user: ``scp``, and the user's ``oid``."""
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{world.tenant_id}/",
        "appid": world.client_id,
        "azp": world.client_id,
        "idtyp": "user",
        "oid": user.object_id,
        "sub": user.teams_id,
        "name": user.display_name,
        "upn": user.upn,
        "unique_name": user.upn,
        "scp": " ".join(sorted(world.delegated_scopes)),
        "amr": ["pwd", "mfa"],
        "ver": "1.0",
        **extra,
    }
    return issue(world, claims)


def user_assertion(world: World, user: User, **extra: Any) -> str:
    """What Teams single sign-on hands to the bot: a token of the user *for the bot*.

    ``extra`` adds or replaces claims (``acrs=["c1"]`` after a step-up).
    """
    factors = ["pwd"] if user.object_id in world.single_factor else ["pwd", "mfa"]
    claims = {
        "aud": f"api://{world.client_id}",
        "iss": f"{world.login_url}/{world.tenant_id}/v2.0",
        "azp": "1fec8e78-bce4-4aaf-ab1b-5451cc387264",  # the Teams desktop and mobile client
        "oid": user.object_id,
        "sub": user.teams_id,
        "name": user.display_name,
        "preferred_username": user.upn,
        "scp": "access_as_user",
        "amr": factors,
        "ver": "2.0",
        **extra,
    }
    return issue(world, claims)


def verify(world: World, token: str, audience: str | Iterable[str]) -> dict[str, Any]:
    """The claims of a token that Entra signed for one of the audiences.

    The signature is checked once per token; time and audience on every call.
    Raises ``TokenRefusedError``.
    """
    digest = hashlib.sha256(token.encode()).hexdigest()
    claims = world.verified.get(digest)
    if claims is None:
        claims = _signature_checked(world, token)
        if len(world.verified) > _KEEP_ISSUED:
            world.verified.clear()
        world.verified[digest] = claims
    accepted = {audience} if isinstance(audience, str) else set(audience)
    if str(claims["aud"]).rstrip("/") not in {entry.rstrip("/") for entry in accepted}:
        raise TokenRefusedError("Access token validation failure. Invalid audience.")
    _check_time(world, claims)
    return claims


def _signature_checked(world: World, token: str) -> dict[str, Any]:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = next((key for key in world.entra_keys if key.kid == kid), None)
        if key is None:
            raise TokenRefusedError("Signature validation failed: the key is unknown.")
        claims: dict[str, Any] = jwt.decode(
            token,
            key.private.public_key(),
            algorithms=["RS256"],
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "require": ["aud", "exp", "iat", "iss"],
            },
        )
    except jwt.PyJWTError as error:
        raise TokenRefusedError("CompactToken parsing failed or signature is invalid.") from error
    if claims.get("tid") != world.tenant_id:
        raise TokenRefusedError("The tenant of the token is another one.")
    return claims


def _check_time(world: World, claims: dict[str, Any]) -> None:
    issued = world.issued.get(str(claims.get("uti")))
    if issued is not None:
        issued_at, real_expiry = issued
        expired = world.real_now() >= real_expiry
    else:
        now = world.now()
        issued_at = datetime.fromtimestamp(claims["iat"], tz=now.tzinfo)
        expired = now.timestamp() >= claims["exp"]
    void_before = world.tokens_void_before
    voided = void_before is not None and issued_at < void_before
    if expired or voided:
        raise TokenRefusedError(
            "Lifetime validation failed, the token is expired.", expired=True, voided=voided
        )


def bearer(world: World, request: web.Request, *, audience: str | Iterable[str]) -> dict[str, Any]:
    """The verified claims of a request's bearer token, also left in ``request[CLAIMS]``.

    Raises ``web.HTTPUnauthorized`` with Graph's error body, or the Bot Connector's when that is the
    only audience.
    """
    try:
        claims = _presented(world, request.headers.get("Authorization", ""), audience)
    except TokenRefusedError as refusal:
        raise _unauthorized(world, refusal, for_bot=audience == BOT_FRAMEWORK) from refusal
    request[CLAIMS] = claims
    return claims


def _presented(world: World, header: str, audience: str | Iterable[str]) -> dict[str, Any]:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenRefusedError("Access token is empty.")
    claims = verify(world, token.strip(), audience)
    if audience == BOT_FRAMEWORK and world.client_id not in {claims.get("appid"), claims.get("azp")}:
        raise TokenRefusedError("The token belongs to another application.")
    return claims


def _unauthorized(world: World, refusal: TokenRefusedError, *, for_bot: bool) -> web.HTTPUnauthorized:
    if for_bot:
        body: dict[str, Any] = {"message": "Authorization has been denied for this request."}
    else:
        inner = {"date": world.now().isoformat(), "request-id": world.new_id()}
        error = {"code": "InvalidAuthenticationToken", "message": str(refusal), "innerError": inner}
        body = {"error": error}
    challenge = f'Bearer realm="", authorization_uri="{world.login_url}/common/oauth2/authorize"'
    if refusal.voided and world.claims_challenge and world.tokens_void_before is not None:
        wanted = {"nbf": {"essential": True, "value": str(int(world.tokens_void_before.timestamp()))}}
        claims = base64.b64encode(json.dumps({"access_token": wanted}).encode()).decode()
        challenge += f', error="insufficient_claims", claims="{claims}"'
    return web.HTTPUnauthorized(
        text=json.dumps(body), content_type="application/json", headers={"WWW-Authenticate": challenge}
    )
