"""Tokens that the Bot Connector signs: which keys sign them, and what makes one good.

Pure: keys and time come in, a ``Verified`` or an error comes out. The rules are those of the Bot
Connector authentication specification ("Connector to Bot", steps 4 and 7), each enforced: the
archived SDK skips several of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bot.domain.errors import ForbiddenError, UnauthenticatedError, UnknownKeyError

LEEWAY = timedelta(minutes=5)
"""Clock skew that the specification allows."""
_ALGORITHM = "RS256"
_MIN_BITS = 2048
_MAX_TOKEN = 16_384
_REQUIRED = ("exp", "iss", "aud")
_DECODING: Any = {
    "verify_exp": False,  # PyJWT would ask the machine's clock; ours is a parameter, see _check_times
    "verify_nbf": False,
    "verify_iat": False,
    "require": list(_REQUIRED),
}


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """A public key of the connector, and the channels whose activities it may sign."""

    kid: str
    public_key: RSAPublicKey
    endorsements: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verified:
    """What a channel token proved. Made in ``verify_channel_token`` and nowhere else."""

    claims: Mapping[str, Any]
    service_url: str


def parse_jwks(document: Any) -> dict[str, ChannelKey]:
    """The RSA signing keys of a JWK set, by key id.

    Keys of another kind, without an id, unreadable or shorter than 2048 bits are left out. Raises
    ``ValueError`` when the document is no key set.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JSON Web Key Set")  # noqa: TRY004 - the value is wrong, not a caller
    keys: dict[str, ChannelKey] = {}
    for entry in entries:
        key = _channel_key(entry)
        if key is not None:
            keys.setdefault(key.kid, key)
    return keys


def _channel_key(entry: Any) -> ChannelKey | None:
    if not isinstance(entry, dict) or entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
        return None
    kid, endorsements = entry.get("kid"), entry.get("endorsements")
    if not isinstance(kid, str) or not kid:
        return None
    # Only the public numbers: a key set that leaks a private part must not make us hold one.
    public = {name: entry.get(name) for name in ("kty", "n", "e")}
    try:
        key = jwt.PyJWK(public, algorithm=_ALGORITHM).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_BITS:
        return None
    names = endorsements if isinstance(endorsements, list) else []
    return ChannelKey(kid, key, frozenset(name for name in names if isinstance(name, str)))


def verify_channel_token(
    authorization: str | None,
    activity: Mapping[str, Any],
    keys: Mapping[str, ChannelKey],
    *,
    app_id: str,
    issuer: str,
    at: datetime,
    leeway: timedelta = LEEWAY,
) -> Verified:
    """Judge an ``Authorization`` header against the activity that came with it.

    Raises ``UnknownKeyError`` when the signing key is not among ``keys`` (the caller may refresh
    them and ask again), ``UnauthenticatedError`` when the token is no good and ``ForbiddenError``
    when it is good but not for this activity. No message holds any part of the token.
    """
    token = _bearer(authorization)
    key = _signing_key(token, keys)
    claims = _decode(token, key, app_id, issuer)
    _check_times(claims, at, leeway)
    _check_endorsement(key, activity)
    return Verified(claims, _service_url(claims, activity))


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise UnauthenticatedError(cause="no-token")
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise UnauthenticatedError(cause="not-bearer")
    if len(token) > _MAX_TOKEN or not token.isascii():
        raise UnauthenticatedError(cause="malformed-token")
    return token


def _signing_key(token: str, keys: Mapping[str, ChannelKey]) -> ChannelKey:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        # Without `from`: PyJWT's messages quote parts of what they could not read.
        raise UnauthenticatedError(cause="malformed-token") from None
    if header.get("alg") != _ALGORITHM:
        raise UnauthenticatedError(cause="wrong-algorithm")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise UnauthenticatedError(cause="no-kid")
    try:
        return keys[kid]
    except KeyError:
        raise UnknownKeyError(kid) from None


def _decode(token: str, key: ChannelKey, app_id: str, issuer: str) -> Mapping[str, Any]:
    try:
        return jwt.decode(
            token, key.public_key, algorithms=[_ALGORITHM], audience=app_id, issuer=issuer, options=_DECODING
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    causes: tuple[tuple[type[Exception], str], ...] = (
        (jwt.InvalidSignatureError, "bad-signature"),
        (jwt.InvalidAudienceError, "wrong-audience"),
        (jwt.InvalidIssuerError, "wrong-issuer"),
    )
    if isinstance(error, jwt.MissingRequiredClaimError) and error.claim in _REQUIRED:
        raise UnauthenticatedError(cause=f"no-{error.claim}") from None
    cause = next((slug for kind, slug in causes if isinstance(error, kind)), "malformed-token")
    raise UnauthenticatedError(cause=cause) from None


def _check_times(claims: Mapping[str, Any], at: datetime, leeway: timedelta) -> None:
    now, slack = at.timestamp(), leeway.total_seconds()
    if now >= _moment(claims, "exp") + slack:
        raise UnauthenticatedError(cause="expired")
    if "nbf" in claims and now < _moment(claims, "nbf") - slack:
        raise UnauthenticatedError(cause="not-yet-valid")


def _moment(claims: Mapping[str, Any], name: str) -> float:
    """A NumericDate (RFC 7519 §2), in seconds since the epoch."""
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnauthenticatedError(cause=f"bad-{name}")
    return float(value)


def _check_endorsement(key: ChannelKey, activity: Mapping[str, Any]) -> None:
    if not key.endorsements:
        raise ForbiddenError(cause="key-not-endorsed")
    if activity.get("channelId") not in key.endorsements:
        raise ForbiddenError(cause="channel-not-endorsed")


def _service_url(claims: Mapping[str, Any], activity: Mapping[str, Any]) -> str:
    """Exact comparison: replies, with the bot's own token, go wherever this says."""
    claimed, named = claims.get("serviceurl"), activity.get("serviceUrl")
    if not isinstance(named, str) or not named:
        raise ForbiddenError(cause="no-service-url")
    if not isinstance(claimed, str) or not claimed:
        raise ForbiddenError(cause="no-service-url-claim")
    if claimed != named:
        raise ForbiddenError(cause="service-url-mismatch")
    return claimed
