"""Every row of the archived SDK's token table, as it ought to be: status and cause."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from channel_samples import (
    APP_ID,
    ISSUER,
    NOW,
    SERVICE_URL,
    activity,
    bearer,
    claims,
    jwk,
    private_key,
    token,
)
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bot.domain.errors import InboundError, UnknownKeyError
from bot.inbound.tokens import ChannelKey, Verified, parse_jwks, verify_channel_token

KEYS = parse_jwks({"keys": [jwk("k1", ["msteams", "webchat"]), jwk("unendorsed"), jwk("web", ["webchat"])]})
HMAC = "a-secret-that-is-long-enough-for-hs256-and-for-pyjwt"


def verify(authorization: str | None, sample: dict[str, Any] | None = None, **more: Any) -> Verified:
    arguments: dict[str, Any] = {"app_id": APP_ID, "issuer": ISSUER, "at": NOW} | more
    return verify_channel_token(authorization, sample or activity(), KEYS, **arguments)


def forged_with_the_public_key() -> str:
    """RS256's public key used as an HS256 secret, made by hand since PyJWT refuses to."""
    header = jwt.utils.base64url_encode(json.dumps({"alg": "HS256", "kid": "k1"}).encode())
    payload = jwt.utils.base64url_encode(json.dumps(claims()).encode())
    return f"Bearer {(header + b'.' + payload).decode()}.c2ln"


def tampered() -> str:
    head, payload, signature = token().split(".")
    other = "A" if signature[5] != "A" else "B"
    return f"Bearer {head}.{payload}.{signature[:5]}{other}{signature[6:]}"


def signed_by_another_key() -> str:
    return "Bearer " + jwt.encode(claims(), private_key("other"), algorithm="RS256", headers={"kid": "k1"})


UNAUTHENTICATED = [
    pytest.param(lambda: None, "no-token", id="no header"),
    pytest.param(lambda: "", "no-token", id="empty header"),
    pytest.param(lambda: "Basic dXNlcjpwYXNz", "not-bearer", id="Basic scheme"),
    pytest.param(lambda: "Bearer ", "not-bearer", id="no token after Bearer"),
    pytest.param(lambda: "Bearer garbage", "malformed-token", id="garbage"),
    pytest.param(lambda: "Bearer a.b.c", "malformed-token", id="three dots of garbage"),
    pytest.param(lambda: "Bearer \u00e9.b.c", "malformed-token", id="not ASCII"),
    pytest.param(lambda: f"Bearer {'a' * 20_000}", "malformed-token", id="huge"),
    pytest.param(tampered, "bad-signature", id="bad signature"),
    pytest.param(signed_by_another_key, "bad-signature", id="signed by another key"),
    pytest.param(lambda: bearer(exp=int(NOW.timestamp()) - 301), "expired", id="expired"),
    pytest.param(lambda: bearer(exp=int(NOW.timestamp()) - 300), "expired", id="expired by the whole leeway"),
    pytest.param(lambda: bearer(nbf=int(NOW.timestamp()) + 301), "not-yet-valid", id="nbf in future"),
    pytest.param(lambda: bearer(headers={"kid": "k9"}), "unknown-kid", id="unknown kid"),
    pytest.param(lambda: bearer(headers={}), "no-kid", id="no kid"),
    pytest.param(
        lambda: "Bearer " + jwt.encode(claims(), HMAC, algorithm="HS256", headers={"kid": "k1"}),
        "wrong-algorithm",
        id="HS256",
    ),
    pytest.param(forged_with_the_public_key, "wrong-algorithm", id="HS256 keyed with the public key"),
    pytest.param(
        lambda: "Bearer " + jwt.encode(claims(), None, algorithm="none", headers={"kid": "k1"}),
        "wrong-algorithm",
        id="alg none",
    ),
    pytest.param(lambda: bearer(algorithm="RS384"), "wrong-algorithm", id="RS384-signed"),
    pytest.param(lambda: bearer(iss=None), "no-iss", id="no iss"),
    pytest.param(lambda: bearer(aud=None), "no-aud", id="no aud"),
    pytest.param(lambda: bearer(aud="somebody-else"), "wrong-audience", id="wrong aud"),
    pytest.param(lambda: bearer(aud=["a", "b"]), "wrong-audience", id="aud as list without us"),
    pytest.param(lambda: bearer(iss="https://evil.example"), "wrong-issuer", id="wrong iss"),
    pytest.param(lambda: bearer(exp=None), "no-exp", id="no exp"),
    pytest.param(lambda: bearer(exp=True), "bad-exp", id="exp is a boolean"),
    pytest.param(lambda: bearer(exp="2030"), "bad-exp", id="exp is text"),
    pytest.param(lambda: bearer(nbf=[]), "bad-nbf", id="nbf is a list"),
    pytest.param(
        lambda: bearer(iss="https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/", appid=APP_ID),
        "wrong-issuer",
        id="emulator-issuer token",
    ),
]
FORBIDDEN = [
    pytest.param(
        lambda: bearer(serviceurl="https://evil.example/"), {}, "service-url-mismatch", id="differs"
    ),
    pytest.param(
        lambda: bearer(serviceurl=SERVICE_URL.rstrip("/")),
        {},
        "service-url-mismatch",
        id="differs by a slash",
    ),
    pytest.param(lambda: bearer(serviceurl=None), {}, "no-service-url-claim", id="claim missing"),
    pytest.param(bearer, {"serviceUrl": None}, "no-service-url", id="activity without serviceUrl"),
    pytest.param(
        lambda: bearer(serviceurl=None), {"serviceUrl": None}, "no-service-url", id="neither has a serviceUrl"
    ),
    pytest.param(lambda: bearer(key="unendorsed"), {}, "key-not-endorsed", id="key without endorsements"),
    pytest.param(lambda: bearer(key="web"), {}, "channel-not-endorsed", id="channel not endorsed by key"),
    pytest.param(
        bearer, {"channelId": "emulator"}, "channel-not-endorsed", id="channelId of another channel"
    ),
]


@pytest.mark.parametrize(("authorization", "cause"), UNAUTHENTICATED)
def test_a_token_that_proves_nothing_is_answered_401(authorization: Callable[[], str | None], cause: str):
    with pytest.raises(InboundError) as refused:
        verify(authorization())
    assert (refused.value.status, refused.value.cause) == (401, cause)


@pytest.mark.parametrize(("authorization", "changes", "cause"), FORBIDDEN)
def test_a_good_token_for_something_else_is_answered_403(
    authorization: Callable[[], str], changes: dict[str, Any], cause: str
):
    with pytest.raises(InboundError) as refused:
        verify(authorization(), activity(**changes))
    assert (refused.value.status, refused.value.cause) == (403, cause)


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(bearer, id="plain"),
        pytest.param(lambda: bearer(aud=["another", APP_ID]), id="aud as list"),
        pytest.param(lambda: bearer(ver="1.0", appid="another-app"), id="skill-shaped"),
        pytest.param(lambda: bearer(nbf=None), id="no nbf"),
        pytest.param(lambda: bearer(exp=int(NOW.timestamp()) - 299), id="expired within the leeway"),
        pytest.param(lambda: bearer(nbf=int(NOW.timestamp()) + 300), id="nbf within the leeway"),
        pytest.param(lambda: f"bearer {token()}", id="scheme in lower case"),
    ],
)
def test_a_good_token_is_accepted(authorization: Callable[[], str]):
    verified = verify(authorization())
    assert verified.service_url == SERVICE_URL
    assert verified.claims["iss"] == ISSUER


def test_time_is_the_callers_and_not_the_machines():
    later = NOW + timedelta(days=3650)
    exp = int((later + timedelta(hours=1)).timestamp())
    assert verify(bearer(nbf=int(later.timestamp()), exp=exp), at=later)


def test_an_unknown_key_is_an_error_of_its_own_so_that_keys_can_be_refreshed():
    with pytest.raises(UnknownKeyError) as unknown:
        verify(bearer(headers={"kid": "k9"}))
    assert unknown.value.kid == "k9"


@pytest.mark.parametrize(("authorization", "cause"), UNAUTHENTICATED)
def test_no_refusal_holds_the_token_or_leads_to_it(authorization: Callable[[], str | None], cause: str):
    sent = authorization()
    with pytest.raises(InboundError) as refused:
        verify(sent)
    shown = f"{refused.value!r} {refused.value} {refused.value.__dict__} {cause}"
    parts = [part for part in (sent or "").removeprefix("Bearer ").split(".") if len(part) > 8]
    assert not [part for part in parts if part in shown]
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


# Key sets ----------------------------------------------------------------------------------


def test_a_key_set_is_read_with_its_endorsements():
    keys = parse_jwks({"keys": [jwk("k1", ["msteams"])]})
    assert keys == {"k1": ChannelKey("k1", keys["k1"].public_key, frozenset({"msteams"}))}


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(jwk("k1", ["msteams"], kid=None), id="no kid"),
        pytest.param(jwk("k1", ["msteams"], kid=""), id="empty kid"),
        pytest.param(jwk("k1", ["msteams"], use="enc"), id="for encryption"),
        pytest.param(jwk("k1", ["msteams"], n="!"), id="unreadable"),
        pytest.param(jwk("k1", ["msteams"], n=None), id="no modulus"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}, id="symmetric"),
        pytest.param(
            json.loads(
                jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
            )
            | {"kid": "k1"},
            id="elliptic curve",
        ),
        pytest.param(
            json.loads(
                jwt.algorithms.RSAAlgorithm.to_jwk(
                    rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()  # noqa: S505 - weak on purpose
                )
            )
            | {"kid": "k1"},
            id="too short",
        ),
        pytest.param("k1", id="not an object"),
    ],
)
def test_a_key_that_can_not_be_used_is_left_out(entry: Any):
    assert list(parse_jwks({"keys": [entry, jwk("k2", ["msteams"])]})) == ["k2"]


@pytest.mark.parametrize("endorsements", [None, "msteams", {"msteams": 1}, [1, None]])
def test_endorsements_of_the_wrong_shape_endorse_nothing(endorsements: Any):
    assert (
        parse_jwks({"keys": [jwk("k1") | {"endorsements": endorsements}]})["k1"].endorsements == frozenset()
    )


def test_a_later_key_can_not_replace_an_earlier_one_of_the_same_id():
    first, impostor = jwk("k1", ["msteams"]), jwk("other", ["msteams"], kid="k1")
    keys = parse_jwks({"keys": [first, impostor]})
    assert keys["k1"].public_key.public_numbers() == private_key("k1").public_key().public_numbers()


@pytest.mark.parametrize("document", [None, [], "keys", {}, {"keys": None}, {"keys": {}}])
def test_what_is_no_key_set_is_refused(document: Any):
    with pytest.raises(ValueError, match="not a JSON Web Key Set"):
        parse_jwks(document)
