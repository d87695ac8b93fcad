"""The Bot Connector's OpenID metadata and signing keys, by which a bot knows that Teams calls."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import partial
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from bot.sandbox.world import SigningKey, World

ISSUER = "https://api.botframework.com"
METADATA_PATH = "/.well-known/botframework-openid-configuration"
KEYS_PATH = "/.well-known/botframework-keys"


def routes(world: World) -> list[web.RouteDef]:
    return [
        web.get(METADATA_PATH, partial(_metadata, world)),
        web.get(KEYS_PATH, partial(_keys, world)),
    ]


async def _metadata(world: World, _request: web.Request) -> web.Response:
    return web.json_response(
        {
            "issuer": ISSUER,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": world.http_url.rstrip("/") + KEYS_PATH,
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }
    )


async def _keys(world: World, _request: web.Request) -> web.Response:
    return web.json_response({"keys": [public_jwk(key) for key in world.channel_keys]})


def public_jwk(key: SigningKey) -> dict[str, Any]:
    """The public half, endorsed for ``msteams`` as the real ones are."""
    public = key.private.public_key()
    numbers = json.loads(RSAAlgorithm.to_jwk(public))
    # The real x5t is a certificate's thumbprint; there is no certificate here, only its key.
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha1(der, usedforsecurity=False).digest())
    return {
        "kty": "RSA",
        "use": "sig",
        "kid": key.kid,
        "x5t": thumbprint.rstrip(b"=").decode(),
        "n": numbers["n"],
        "e": numbers["e"],
        "endorsements": ["msteams"],
    }
