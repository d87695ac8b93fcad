"""The pages for whoever opens the app's links: the same for everybody, and deaf to what they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot import consent
from bot.web import about
from manifest.app import App, manifest_of

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
async def client() -> AsyncIterator[TestClient]:
    app = web.Application()
    app.add_routes(about.routes())
    async with TestClient(TestServer(app)) as opened:
        yield opened


def linked_pages() -> list[str]:
    app = App("22222222-2222-4222-8222-222222222222", "bot.example.com", "token.botframework.com", "1.2.3")
    links = [*manifest_of(app)["developer"].values(), consent.redirect_uri("bot.example.com")]
    return [one.removeprefix("https://bot.example.com") for one in links if one.startswith("https://")]


@pytest.mark.parametrize("path", linked_pages())
async def test_every_page_that_package_and_consent_link_lead_to_is_there(
    client: TestClient, path: str
) -> None:
    answer = await client.get(path)
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("query", "title"),
    [
        pytest.param({"admin_consent": "True", "tenant": "t"}, "Consent given", id="given"),
        pytest.param({"error": "access_denied"}, "No consent yet", id="refused"),
        pytest.param({"admin_consent": "True", "error": "server_error"}, "No consent yet", id="both"),
        pytest.param({"admin_consent": "False"}, "No consent yet", id="not given"),
        pytest.param({}, "No consent yet", id="opened by hand"),
    ],
)
async def test_what_entra_says_of_the_consent_is_told(
    client: TestClient, query: dict[str, str], title: str
) -> None:
    assert f"<h1>{title}</h1>" in await (await client.get("/about/consented", params=query)).text()


@pytest.mark.parametrize("path", ["/about", "/about/privacy", "/about/terms", "/about/consented"])
async def test_nothing_that_is_sent_comes_back(client: TestClient, path: str) -> None:
    query = {"error": HOSTILE, "error_description": HOSTILE, "tenant": HOSTILE, "state": HOSTILE}
    answer = await client.get(path, params=query)
    assert "alert" not in await answer.text()
    assert "alert" not in str(answer.headers)


async def test_nothing_else_is_served_there(client: TestClient) -> None:
    assert (await client.get("/about/other")).status == 404
    assert (await client.post("/about/consented")).status == 405
