from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import (
    CertificateCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    OnBehalfOfCredential,
)
from graph_house import REQUESTS, Answer, House, house

from bot.sandbox import managed_identity, tokens

STEP_UP = {"access_token": {"acrs": {"essential": True, "value": "c1"}}}


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


def options(at: House) -> dict[str, Any]:
    return {"authority": at.sandbox.login, "connection_verify": str(at.sandbox.ca_bundle), "retry_total": 0}


def on_behalf_of(at: House, assertion: str) -> OnBehalfOfCredential:
    world = at.world
    return OnBehalfOfCredential(
        world.tenant_id,
        world.client_id,
        client_secret=world.client_secret,
        user_assertion=assertion,
        **options(at),
    )


def scope(at: House) -> str:
    return f"{at.sandbox.http}/.default"


async def token_post(at: House, **form: str) -> Answer:
    world = at.world
    trusted = ssl.create_default_context(cafile=str(at.sandbox.ca_bundle))
    full = {
        "client_id": world.client_id,
        "client_secret": world.client_secret,
        "grant_type": "client_credentials",
        "scope": scope(at),
        **form,
    }
    url = f"{at.sandbox.login}/{world.tenant_id}/oauth2/v2.0/token"
    return await at.call("POST", url, data=full, ssl=trusted)


async def test_azure_identity_gets_an_app_token_that_graph_accepts(at: House) -> None:
    world = at.world
    async with ClientSecretCredential(
        world.tenant_id, world.client_id, world.client_secret, **options(at)
    ) as credential:
        token = (await credential.get_token(scope(at))).token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["iss"] == f"https://sts.windows.net/{world.tenant_id}/"
    assert claims["roles"] == sorted(world.app_roles)
    assert "scp" not in claims
    assert (await at.get(REQUESTS, token)).status == 200


async def test_the_client_certificate_works_instead_of_the_secret(at: House) -> None:
    world = at.world
    async with CertificateCredential(
        world.tenant_id, world.client_id, str(at.sandbox.client_certificate), **options(at)
    ) as credential:
        token = (await credential.get_token(scope(at))).token
    assert (await at.get(REQUESTS, token)).status == 200


async def test_an_assertion_signed_by_somebody_else_is_no_client(at: House) -> None:
    stranger = at.world.channel_keys[-1]
    audience = f"{at.sandbox.login}/{at.world.tenant_id}/v2.0"
    claims = {"aud": audience, "iss": at.world.client_id, "sub": at.world.client_id}
    got = await token_post(
        at,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion=at.world.sign(claims, stranger),
    )
    assert (got.status, got.body["error"], got.body["error_codes"]) == (401, "invalid_client", [700027])


async def as_federated(at: House, assertion: str) -> Answer:
    return await token_post(
        at,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion=assertion,
    )


async def test_a_federated_identity_may_stand_for_the_app(at: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", at.sandbox.http + managed_identity.PATH)
    monkeypatch.setenv("IDENTITY_HEADER", at.world.identity.header)
    async with ManagedIdentityCredential(client_id=at.world.identity.client_id) as credential:
        assertion = (await credential.get_token("api://AzureADTokenExchange/.default")).token
    assert (await as_federated(at, assertion)).status == 200


@pytest.mark.parametrize(
    "changed",
    [pytest.param({"sub": "another"}, id="subject"), pytest.param({"iss": "https://x"}, id="issuer")],
)
async def test_another_identity_of_the_tenant_may_not(at: House, changed: dict[str, str]) -> None:
    issuer = f"{at.sandbox.login}/{at.world.tenant_id}/v2.0"
    right = {"aud": "api://AzureADTokenExchange", "iss": issuer, "sub": at.world.identity.principal_id}
    assert (await as_federated(at, tokens.issue(at.world, right))).status == 200
    got = await as_federated(at, tokens.issue(at.world, {**right, **changed}))
    assert (got.status, got.body["error_codes"]) == (401, [700213])


async def test_a_token_for_the_database_is_no_proof_of_the_app(at: House) -> None:
    issuer = f"{at.sandbox.login}/{at.world.tenant_id}/v2.0"
    claims = {"aud": managed_identity.DATABASE, "iss": issuer, "sub": at.world.identity.principal_id}
    assert (await as_federated(at, tokens.issue(at.world, claims))).status == 401


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        pytest.param({}, {}, 200, id="as it should be"),
        pytest.param({}, {"X-IDENTITY-HEADER": "guessed"}, 401, id="from outside"),
        pytest.param({"client_id": "another"}, {}, 400, id="another identity"),
        pytest.param({"resource": "https://vault.azure.net"}, {}, 400, id="another resource"),
    ],
)
async def test_the_identity_endpoint_serves_its_own_container_alone(
    at: House, query: dict[str, str], headers: dict[str, str], status: int
) -> None:
    identity = at.world.identity
    asked = {"resource": managed_identity.DATABASE, "client_id": identity.client_id, **query}
    sent = {"X-IDENTITY-HEADER": identity.header, **headers}
    url = at.sandbox.http + managed_identity.PATH
    async with at.session.get(url, params=asked, headers=sent) as got:
        assert got.status == status
        assert ("access_token" in await got.json()) == (status == 200)


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        pytest.param({"client_secret": "wrong"}, 401, "invalid_client", 7000215, id="wrong secret"),
        pytest.param({"client_id": "someone"}, 400, "unauthorized_client", 700016, id="unknown app"),
        pytest.param(
            {"scope": "https://other.example/.default"}, 400, "invalid_resource", 500011, id="resource"
        ),
        pytest.param({"scope": "User.Read"}, 400, "invalid_scope", 1002012, id="no default scope"),
        pytest.param({"grant_type": "password"}, 400, "unsupported_grant_type", 70003, id="grant"),
        pytest.param(
            {"grant_type": "refresh_token", "refresh_token": "made up"},
            400,
            "invalid_grant",
            700082,
            id="refresh",
        ),
    ],
)
async def test_refusals_have_entras_shape(
    at: House, form: dict[str, str], status: int, error: str, number: int
) -> None:
    got = await token_post(at, **form)
    assert (got.status, got.body["error"], got.body["error_codes"]) == (status, error, [number])
    assert got.body["error_description"].startswith(f"AADSTS{number}: ")
    assert at.world.client_secret not in json.dumps(got.body)


async def test_another_tenant_does_not_exist(at: House) -> None:
    trusted = ssl.create_default_context(cafile=str(at.sandbox.ca_bundle))
    got = await at.call("POST", f"{at.sandbox.login}/contoso/oauth2/v2.0/token", data={}, ssl=trusted)
    assert got.body["error_codes"] == [90002]


async def test_on_behalf_of_yields_a_token_of_the_user_for_graph(at: House) -> None:
    alex = at.world.user("alex")
    async with on_behalf_of(at, tokens.user_assertion(at.world, alex)) as credential:
        token = (await credential.get_token(scope(at), enable_cae=True)).token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["oid"], claims["appid"]) == (alex.object_id, at.world.client_id)
    assert claims["scp"].split() == sorted(at.world.delegated_scopes)
    assert claims["xms_cc"] == ["cp1"]
    assert (await at.get("/v1.0/me", token)).body["id"] == alex.object_id


async def test_without_consent_on_behalf_of_says_so(at: House) -> None:
    at.world.consented = {at.id("blake")}
    async with on_behalf_of(at, tokens.user_assertion(at.world, at.world.user("alex"))) as credential:
        with pytest.raises(ClientAuthenticationError, match="AADSTS65001"):
            await credential.get_token(scope(at))


async def test_a_step_up_is_demanded_with_claims_and_met_by_a_new_assertion_only(at: House) -> None:
    alex = at.world.user("alex")
    first = on_behalf_of(at, tokens.user_assertion(at.world, alex))
    async with first:
        await first.get_token(scope(at))
        at.world.require_claims[alex.object_id] = STEP_UP
        with pytest.raises(ClientAuthenticationError) as raised:
            await first.get_token(scope(at), claims=json.dumps(STEP_UP))
    body = json.loads(raised.value.response.text())
    assert (body["error"], json.loads(body["claims"])) == ("interaction_required", STEP_UP)
    async with on_behalf_of(at, tokens.user_assertion(at.world, alex, acrs=["c1"])) as stepped_up:
        token = (await stepped_up.get_token(scope(at))).token
    assert jwt.decode(token, options={"verify_signature": False})["acrs"] == ["c1"]


async def test_with_offline_access_the_second_exchange_of_an_assertion_is_a_refresh(at: House) -> None:
    async with on_behalf_of(at, tokens.user_assertion(at.world, at.world.user("alex"))) as credential:
        await credential.get_token(scope(at), "offline_access")
        await credential.get_token(scope(at), "offline_access", claims=json.dumps(STEP_UP))
    grants = [line["grant"] for line in at.world.log if line["service"] == "login"]
    assert grants == ["urn:ietf:params:oauth:grant-type:jwt-bearer", "refresh_token"]


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        pytest.param({"aud": "api://another"}, 50013, id="for another app"),
        pytest.param({"uti": "unknown", "exp": 1_000_000_000}, 500133, id="expired"),
        pytest.param({"uti": "unknown", "tid": "another"}, 50013, id="another tenant"),
        pytest.param({"oid": "nobody"}, 50034, id="unknown user"),
    ],
)
async def test_a_bad_assertion_is_exchanged_for_nothing(
    at: House, changed: dict[str, Any], number: int
) -> None:
    world = at.world
    good = jwt.decode(tokens.user_assertion(world, world.user("alex")), options={"verify_signature": False})
    assertion = world.sign(good | changed, world.entra_keys[-1])
    got = await token_post(
        at,
        grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
        requested_token_use="on_behalf_of",
        assertion=assertion,
    )
    assert (got.status, got.body["error"], got.body["error_codes"]) == (400, "invalid_grant", [number])


async def test_published_keys_verify_issued_tokens_also_after_a_rotation(at: House) -> None:
    trusted = ssl.create_default_context(cafile=str(at.sandbox.ca_bundle))
    await at.post("/_sandbox/keys/rotate", {"which": "entra"})
    base = f"{at.sandbox.login}/{at.world.tenant_id}/v2.0/.well-known/openid-configuration"
    metadata = (await at.call("GET", base, ssl=trusted)).body
    keys = (await at.call("GET", metadata["jwks_uri"], ssl=trusted)).body["keys"]
    token = tokens.user_assertion(at.world, at.world.user("alex"))
    key = next(key for key in keys if key["kid"] == jwt.get_unverified_header(token)["kid"])
    assert len(keys) == 2
    assert jwt.decode(
        token, jwt.PyJWK(key, "RS256"), audience=f"api://{at.world.client_id}", issuer=metadata["issuer"]
    )


async def test_a_retired_key_is_trusted_no_more(at: House) -> None:
    token = at.app()
    assert (await at.get(REQUESTS, token)).status == 200
    await at.post("/_sandbox/keys/rotate", {"which": "entra", "retire": True})
    assert (await at.get(REQUESTS, token)).status == 401


def forged(at: House, kind: str) -> str | None:
    world = at.world
    good = jwt.decode(at.app(), options={"verify_signature": False})
    key = world.entra_keys[-1]
    match kind:
        case "none":
            return None
        case "garbage":
            return "not.a.token"
        case "unsigned":
            return jwt.encode(good, "", algorithm="none", headers={"kid": key.kid})
        case "foreign key":
            return world.sign(good, world.channel_keys[-1])
        case "foreign key under a known name":
            return jwt.encode(
                good, world.channel_keys[-1].private, algorithm="RS256", headers={"kid": key.kid}
            )
        case "other audience":
            return tokens.app_token(world, tokens.BOT_FRAMEWORK)
        case _:
            return world.sign({**good, "uti": "x", "exp": 1_000_000_000}, key)


@pytest.mark.parametrize(
    "kind",
    [
        "none",
        "garbage",
        "unsigned",
        "foreign key",
        "foreign key under a known name",
        "other audience",
        "expired",
    ],
)
async def test_graph_answers_401_to_a_token_that_is_not_good(at: House, kind: str) -> None:
    got = await at.get(REQUESTS, forged(at, kind))
    assert (got.status, got.code) == (401, "InvalidAuthenticationToken")
    assert got.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_expiring_tokens_voids_those_issued_before_and_none_after(at: House) -> None:
    before = at.app()
    await at.post("/_sandbox/tokens/expire")
    after = at.app()
    assert (await at.get(REQUESTS, before)).status == 401
    assert (await at.get(REQUESTS, after)).status == 200


async def test_a_voided_token_can_be_answered_with_a_claims_challenge(at: House) -> None:
    before = at.app()
    await at.post("/_sandbox/tokens/expire", {"challenge": True})
    got = await at.get(REQUESTS, before)
    assert 'error="insufficient_claims", claims="' in got.headers["WWW-Authenticate"]


async def test_moving_the_clock_by_a_day_spares_tokens_that_caches_still_hold(at: House) -> None:
    token = at.app()
    await at.post("/_sandbox/clock/advance", {"seconds": 90_000})
    assert (await at.get(REQUESTS, token)).status == 200


async def test_a_token_dies_when_its_real_hour_is_over(at: House) -> None:
    token = at.app()
    real = at.world.real_now
    at.world.real_now = lambda: real() + timedelta(minutes=61)
    assert (await at.get(REQUESTS, token)).status == 401
