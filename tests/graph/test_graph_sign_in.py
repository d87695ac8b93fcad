"""Sign-ins by authorization code and PKCE, against the sandbox's Entra over https."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from structlog.testing import capture_logs
from test_graph_against_sandbox import SandboxClock

from bot.domain.errors import UnavailableError
from bot.domain.model import Actor, Identity
from bot.domain.obstacles import Way
from bot.domain.sign_in import PageKey, PendingAct, SignInRefusedError
from bot.graph.adapters import GraphAdapters, open_graph
from bot.graph.config import AppCredential, ClientCertificate, ClientSecret, GraphConfig
from bot.sandbox.server import Sandbox, running

CALLBACK = "http://127.0.0.1:3978/signin/callback"
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"},"xms_cc":{"values":["cp1"]}}}'


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running(tmp_path) as made:
        made.world.messaging_endpoint = "http://127.0.0.1:3978/api/messages"
        yield made


@asynccontextmanager
async def opened(sandbox: Sandbox, **changes: Any) -> AsyncIterator[GraphAdapters]:
    world = sandbox.world
    credential: AppCredential = changes.pop("credential", ClientSecret(world.client_secret))
    config = GraphConfig(
        tenant_id=world.tenant_id,
        client_id=world.client_id,
        credential=credential,
        login_url=changes.pop("login_url", sandbox.login),
        graph_url=sandbox.http,
        graph_scope=f"{sandbox.http}/.default",
        notification_url="http://127.0.0.1:9/api/notifications",
        lifecycle_url="http://127.0.0.1:9/api/lifecycle",
        redirect_uri=CALLBACK,
        api_scope=f"api://botid-{world.client_id}/access_as_user",
        ca_bundle=sandbox.ca_bundle,
    )
    async with open_graph(config, SandboxClock(sandbox)) as graph:
        yield graph


def act(way: Way = Way.SIGN_IN, claims: str | None = None) -> PendingAct:
    actor = Actor(Identity("t", "o"), "Alex", "29:alex")
    return PendingAct("k1", actor, "decide", "r1", way, AT, AT + timedelta(minutes=10), {}, claims)


async def browse(sandbox: Sandbox, url: str, user: str = "alex", **how: str) -> dict[str, str]:
    """What comes back to the callback."""
    wish = {"user": user, "url": url, "stop_before": CALLBACK, **how}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sandbox.http}/_sandbox/browser", json=wish) as answer,
    ):
        seen = await answer.json()
    return {name: values[0] for name, values in parse_qs(urlsplit(seen["url"]).query).items()}


def said(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


async def test_a_code_becomes_the_users_token_for_this_app(sandbox: Sandbox) -> None:
    async with opened(sandbox) as graph:
        begun = await graph.sign_ins.begin(act(), "k1.s1")
        query = parse_qs(urlsplit(begun.url).query)
        assert query["code_challenge_method"] == ["S256"]
        assert query["state"] == ["k1.s1"]
        assert query["redirect_uri"] == [CALLBACK]
        assert "prompt" not in query
        assertion = await graph.sign_ins.redeem(begun.flow, await browse(sandbox, begun.url))
    claims = said(assertion.token)
    assert claims["oid"] == sandbox.world.user("alex").object_id
    assert claims["aud"] == f"api://botid-{sandbox.world.client_id}"
    assert assertion.claims is None


async def test_a_certificate_proves_the_app_as_well(sandbox: Sandbox) -> None:
    async with opened(sandbox, credential=ClientCertificate(sandbox.client_certificate)) as graph:
        begun = await graph.sign_ins.begin(act(), "k1.s1")
        assert await graph.sign_ins.redeem(begun.flow, await browse(sandbox, begun.url))


async def test_a_step_up_asks_for_the_claims_and_its_token_carries_them_on_behalf(sandbox: Sandbox) -> None:
    sandbox.world.tenant.policies["194ae4cb-b126-40b2-bd5b-6091b380977d"].approval_required = True
    async with opened(sandbox) as graph:
        begun = await graph.sign_ins.begin(act(Way.STEP_UP, CLAIMS), "k1.s1")
        assert json.loads(parse_qs(urlsplit(begun.url).query)["claims"][0]) == json.loads(CLAIMS)
        assertion = await graph.sign_ins.redeem(begun.flow, await browse(sandbox, begun.url))
    assert said(assertion.token)["acrs"] == ["c1"]
    assert json.loads(assertion.claims or "") == json.loads(CLAIMS)


async def test_a_consent_names_what_is_done_in_graph_and_is_given_anew(sandbox: Sandbox) -> None:
    sandbox.world.consented = set()
    async with opened(sandbox) as graph:
        begun = await graph.sign_ins.begin(act(Way.CONSENT), "k1.s1")
        query = parse_qs(urlsplit(begun.url).query)
        assert query["prompt"] == ["consent"]
        scopes = query["scope"][0].split()
        assert f"{sandbox.http}/PrivilegedAccess.ReadWrite.AzureAD" in scopes
        assertion = await graph.sign_ins.redeem(begun.flow, await browse(sandbox, begun.url))
    assert said(assertion.token)["aud"] == f"api://botid-{sandbox.world.client_id}"
    assert sandbox.world.consented == {sandbox.world.user("alex").object_id}


@pytest.mark.parametrize(
    ("how", "page"),
    [
        pytest.param({"consent": "cancel"}, PageKey.CONSENT_DECLINED, id="declined"),
        pytest.param({}, PageKey.NOT_STRONG_ENOUGH, id="not-strong-enough"),
    ],
)
async def test_what_entra_answers_instead_of_a_code_has_its_page(
    sandbox: Sandbox, how: dict[str, str], page: PageKey
) -> None:
    sandbox.world.no_step_up = {sandbox.world.user("alex").object_id}
    way = act(Way.CONSENT) if how else act(Way.STEP_UP, CLAIMS)
    async with opened(sandbox) as graph:
        begun = await graph.sign_ins.begin(way, "k1.s1")
        answer = await browse(sandbox, begun.url, **how)
        await refused(graph, begun.flow, answer, page)


async def test_a_code_of_another_flow_a_used_or_a_made_up_one_is_refused(sandbox: Sandbox) -> None:
    async with opened(sandbox) as graph:
        first = await graph.sign_ins.begin(act(), "k1.s1")
        second = await graph.sign_ins.begin(act(), "k1.s2")
        answer = await browse(sandbox, first.url)
        await refused(graph, second.flow, answer, PageKey.FAILED)  # another state
        await refused(graph, second.flow, {**answer, "state": "k1.s2"}, PageKey.FAILED)  # another verifier
        third = await browse(sandbox, first.url)
        await graph.sign_ins.redeem(first.flow, third)
        await refused(graph, first.flow, third, PageKey.FAILED)
        await refused(graph, first.flow, {"code": "made-up", "state": "k1.s1"}, PageKey.FAILED)
        await refused(graph, first.flow, {"state": "k1.s1"}, PageKey.FAILED)


async def test_an_entra_that_can_not_be_reached_is_unavailable(sandbox: Sandbox) -> None:
    async with opened(sandbox, login_url="https://localhost:9") as graph:
        with pytest.raises(UnavailableError):
            await graph.sign_ins.begin(act(), "k1.s1")


async def test_an_entra_in_trouble_is_unavailable_and_no_refusal(sandbox: Sandbox) -> None:
    async with opened(sandbox) as graph:
        begun = await graph.sign_ins.begin(act(), "k1.s1")
        answer = {"error": "temporarily_unavailable", "error_description": "later", "state": "k1.s1"}
        with pytest.raises(UnavailableError):
            await graph.sign_ins.redeem(begun.flow, answer)


async def test_no_token_code_or_verifier_is_in_logs_errors_or_reprs(sandbox: Sandbox) -> None:
    async with opened(sandbox) as graph:
        with capture_logs() as logs:
            begun = await graph.sign_ins.begin(act(Way.STEP_UP, CLAIMS), "k1.s1")
            answer = await browse(sandbox, begun.url)
            assertion = await graph.sign_ins.redeem(begun.flow, answer)
            with pytest.raises(SignInRefusedError) as error:
                await graph.sign_ins.redeem(begun.flow, answer)
    shown = repr([logs, begun, assertion, error.value, str(error.value)])
    for hidden in (assertion.token, answer["code"], begun.flow["code_verifier"], begun.flow["nonce"]):
        assert hidden not in shown


async def refused(graph: GraphAdapters, flow: Any, answer: dict[str, str], page: PageKey) -> None:
    with pytest.raises(SignInRefusedError) as error:
        await graph.sign_ins.redeem(flow, answer)
    assert error.value.page is page
