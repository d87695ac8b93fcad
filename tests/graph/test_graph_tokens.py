from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from fakes.values import an_approval
from graph.fake_cloud import CLIENT, SECRET, FakeCloud, config_for, entra_error, fails, opened, says

from bot.domain.errors import (
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    RejectedError,
    UnavailableError,
)
from bot.domain.model import UserAssertion
from bot.graph.adapters import GraphAdapters, open_graph
from bot.graph.config import ClientCertificate, ClientSecret, ManagedIdentity
from bot.graph.tokens import _Held

SCOPE = "https://graph.example/.default"
ASSERTION = UserAssertion("the-users-own-token")


async def test_a_token_is_asked_for_once_and_kept(cloud: FakeCloud, graph: GraphAdapters) -> None:
    assert await graph.tokens.token(SCOPE) == await graph.tokens.token(SCOPE) == "token-1"
    (asked,) = cloud.token_requests()
    assert asked["grant_type"] == "client_credentials"
    assert (asked["client_id"], asked["client_secret"], asked["scope"]) == (CLIENT, SECRET, SCOPE)


async def test_many_at_once_ask_for_one_token(cloud: FakeCloud, graph: GraphAdapters) -> None:
    held = await asyncio.gather(*(graph.tokens.token(SCOPE) for _ in range(20)))
    assert set(held) == {"token-1"}
    assert len(cloud.token_requests()) == 1


async def test_each_scope_has_a_token_of_its_own(graph: GraphAdapters) -> None:
    assert await graph.tokens.token(SCOPE) != await graph.tokens.token("https://other.example/.default")


async def test_forgetting_really_asks_entra_again(graph: GraphAdapters) -> None:
    await graph.tokens.token(SCOPE)
    graph.tokens.forget(SCOPE)
    assert await graph.tokens.token(SCOPE) == "token-2"


async def test_a_token_is_renewed_five_minutes_before_its_end_by_the_ports_clock(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    assert await graph.tokens.token(SCOPE) == "token-1"
    cloud.clock.move(3240)
    assert await graph.tokens.token(SCOPE) == "token-1"
    cloud.clock.move(120)
    assert await graph.tokens.token(SCOPE) == "token-2"


async def test_a_short_lived_token_is_still_used_for_most_of_its_life(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on_token(cloud.grants(seconds=60))
    assert await graph.tokens.token(SCOPE) == "token-1"
    cloud.clock.move(30)
    assert await graph.tokens.token(SCOPE) == "token-1"
    cloud.clock.move(30)
    assert await graph.tokens.token(SCOPE) == "token-2"


async def test_the_old_token_is_used_up_while_entra_is_down(cloud: FakeCloud, graph: GraphAdapters) -> None:
    await graph.tokens.token(SCOPE)
    cloud.on_token(fails(503))
    cloud.clock.move(3480)
    assert await graph.tokens.token(SCOPE) == "token-1"
    cloud.clock.move(3000)
    with pytest.raises(UnavailableError):
        await graph.tokens.token(SCOPE)


async def test_a_busy_entra_is_asked_again_after_the_time_it_names(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    cloud.on_token(fails(429, Retry_After="2"), cloud.grants())
    assert await graph.tokens.token(SCOPE) == "token-1"
    assert cloud.slept == [2.0]


async def test_a_wrong_secret_is_rejected_with_its_number_and_without_the_trace(
    cloud: FakeCloud, graph: GraphAdapters
) -> None:
    text = "AADSTS7000215: Invalid client secret provided. Ensure it is right. Trace ID: 77-trace"
    cloud.on_token(entra_error("invalid_client", text, 401))
    with pytest.raises(RejectedError) as caught:
        await graph.tokens.token(SCOPE)
    assert caught.value.code == "AADSTS7000215"
    assert str(caught.value) == "Entra refused a token: AADSTS7000215: Invalid client secret provided."
    assert len(cloud.token_requests()) == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="empty object"),
        pytest.param([], id="list"),
        pytest.param("text", id="text"),
    ],
)
async def test_a_login_answer_without_a_token_is_an_error(
    cloud: FakeCloud, graph: GraphAdapters, body: object
) -> None:
    cloud.on_token(says(body))
    with pytest.raises(DirectoryError):
        await graph.tokens.token(SCOPE)


async def test_a_login_page_instead_of_json_is_an_error(cloud: FakeCloud, graph: GraphAdapters) -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", content_type="text/html")

    cloud.on_token(page)
    with pytest.raises(DirectoryError):
        await graph.tokens.token(SCOPE)


async def test_an_unknown_certificate_authority_is_not_trusted(cloud: FakeCloud, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    async with open_graph(config_for(cloud, ca_bundle=other), cloud.clock) as graph:
        with pytest.raises(UnavailableError):
            await graph.tokens.token(SCOPE)
    assert cloud.seen == []


async def test_a_missing_certificate_or_ca_bundle_is_said_when_opening(
    cloud: FakeCloud, tmp_path: Path
) -> None:
    with pytest.raises(RejectedError, match="certificate"):
        async with opened(cloud, ClientCertificate(tmp_path / "none.pem")):
            pass
    with pytest.raises(RejectedError, match="CA bundle"):
        async with open_graph(config_for(cloud, ca_bundle=tmp_path / "none.pem"), cloud.clock):
            pass


async def test_graph_over_plain_http_off_loopback_is_refused_when_opening(cloud: FakeCloud) -> None:
    with pytest.raises(RejectedError, match="https"):
        async with open_graph(config_for(cloud, graph_url="http://graph.example"), cloud.clock):
            pass


async def test_a_certificate_signs_an_assertion_for_app_and_user(cloud: FakeCloud, tmp_path: Path) -> None:
    pem = tmp_path / "app.pem"
    leaf = trustme.CA().issue_cert("app.example", key_type=trustme.KeyType.RSA)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(pem))
    cloud.on(f"GET {APPROVAL}", fails(404))
    async with opened(cloud, ClientCertificate(pem)) as graph:
        await graph.tokens.token(SCOPE)
        with pytest.raises(DirectoryError):
            await graph.approvals.read(ASSERTION, an_approval("A1"))
    for asked in cloud.token_requests():
        assert asked["client_assertion"].count(".") == 2
        assert "client_secret" not in asked


async def test_a_managed_identity_is_the_assertion_and_there_is_no_secret(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{cloud.graph_url}/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    cloud.on("GET /msi", says({"access_token": "federated", "expires_on": "4102444800", "resource": "x"}))
    cloud.on(f"GET {APPROVAL}", fails(404))
    async with opened(cloud, ManagedIdentity("33333333-3333-4333-8333-333333333333")) as graph:
        await graph.tokens.token(SCOPE)
        with pytest.raises(DirectoryError):
            await graph.approvals.read(ASSERTION, an_approval("A1"))
    identity = next(one for one in cloud.seen if one.path == "/msi")
    assert identity.query["resource"] == "api://AzureADTokenExchange"
    assert identity.query["client_id"] == "33333333-3333-4333-8333-333333333333"
    app, user = cloud.token_requests()
    assert app["client_assertion"] == user["client_assertion"] == "federated"
    assert user["assertion"] == ASSERTION.token


APPROVAL = "/beta/roleManagement/directory/roleAssignmentApprovals/A1"


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        pytest.param(
            entra_error("invalid_grant", "AADSTS65001: No consent. Trace", suberror="consent_required"),
            InteractionRequiredError,
            "AADSTS65001",
            id="consent missing",
        ),
        pytest.param(
            entra_error("invalid_grant", "AADSTS500133: Assertion is not within its valid time range."),
            InteractionRequiredError,
            "AADSTS500133",
            id="assertion expired",
        ),
        pytest.param(
            entra_error("interaction_required", "AADSTS50079: Enrol."),
            InteractionRequiredError,
            "AADSTS50079",
            id="interaction without claims",
        ),
        pytest.param(
            entra_error("interaction_required", "AADSTS50076: MFA.", claims='{"access_token":{}}'),
            ClaimsChallengeError,
            "AADSTS50076",
            id="interaction with claims",
        ),
        pytest.param(
            entra_error("invalid_client", "AADSTS7000222: Expired secret."),
            RejectedError,
            "AADSTS7000222",
            id="ours",
        ),
        pytest.param(fails(503), UnavailableError, "", id="down"),
    ],
)
async def test_a_refused_exchange_says_what_the_user_can_do(
    cloud: FakeCloud, graph: GraphAdapters, answer: object, error: type[DirectoryError], code: str
) -> None:
    cloud.on_token(answer)  # type: ignore[arg-type]
    with pytest.raises(error) as caught:
        await graph.approvals.read(ASSERTION, an_approval("A1"))
    assert caught.value.code == code
    assert cloud.to_graph() == []


async def test_each_call_exchanges_the_assertion_it_was_given(cloud: FakeCloud, graph: GraphAdapters) -> None:
    cloud.on(f"GET {APPROVAL}", says({"id": "A1", "steps": [{"id": "A1", "status": "InProgress"}]}))
    for text in ("first", "second", "second"):
        await graph.approvals.read(UserAssertion(text), an_approval("A1"))
    assert [asked["assertion"] for asked in cloud.token_requests()] == ["first", "second", "second"]
    assert all(asked["requested_token_use"] == "on_behalf_of" for asked in cloud.token_requests())
    assert '"CP1"' in cloud.token_requests()[0]["claims"]
    assert [one.token for one in cloud.to_graph()] == ["token-1", "token-2", "token-3"]


async def test_secrets_and_tokens_are_in_no_repr_error_or_log(
    cloud: FakeCloud, graph: GraphAdapters, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cloud.on("GET /v1.0/users/u", fails(403), fails(500))
    cloud.on(f"GET {APPROVAL}", fails(400))
    told = [repr(config_for(cloud)), repr(ClientSecret(SECRET)), repr(ASSERTION)]
    told.append(repr(_Held("token-1", cloud.clock.now(), cloud.clock.now())))
    for call in (
        graph.directory.person("u"),
        graph.directory.person("u"),
        graph.approvals.read(ASSERTION, an_approval("A1")),
    ):
        with pytest.raises(DirectoryError) as caught:
            await call
        told.append(repr(caught.value))
    cloud.on_token(entra_error("invalid_grant", f"AADSTS1: No. {SECRET} {ASSERTION.token}"))
    with pytest.raises(DirectoryError) as caught:
        await graph.approvals.read(ASSERTION, an_approval("A1"))
    told.append(str(caught.value))
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("azure.identity")]
    everything = "\n".join(told + ours)
    for secret in (SECRET, ASSERTION.token, "token-1", "token-2"):
        assert secret not in everything
