from __future__ import annotations

import pytest
from graph.fake_cloud import FakeCloud, fails, says

from bot.clouds import CLOUDS
from bot.graph.database import open_database_tokens

IDENTITY = "33333333-3333-4333-8333-333333333333"
RESOURCE = CLOUDS["public"].database_resource
NEVER, LONG_AGO = "4102444800", "1"


@pytest.fixture(autouse=True)
def _endpoint(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Container Apps offers one."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{cloud.graph_url}/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "the-header")


def granted(token: str, expires_on: str = NEVER) -> dict[str, str]:
    return {"access_token": token, "expires_on": expires_on, "resource": RESOURCE, "token_type": "Bearer"}


async def test_the_token_is_the_named_identitys_for_the_database_and_nothing_else(cloud: FakeCloud) -> None:
    cloud.on("GET /msi", says(granted("for-the-database")))
    async with open_database_tokens(IDENTITY, RESOURCE) as token:
        assert await token() == "for-the-database"
    (asked,) = cloud.seen
    assert asked.query["resource"] == "https://ossrdbms-aad.database.windows.net"
    assert asked.query["client_id"] == IDENTITY


async def test_a_token_is_used_again_while_it_lives(cloud: FakeCloud) -> None:
    cloud.on("GET /msi", says(granted("one")), says(granted("two")))
    async with open_database_tokens(IDENTITY, RESOURCE) as token:
        assert [await token(), await token()] == ["one", "one"]


async def test_an_expired_token_is_not_used_again(cloud: FakeCloud) -> None:
    cloud.on("GET /msi", says(granted("one", LONG_AGO)), says(granted("two")))
    async with open_database_tokens(IDENTITY, RESOURCE) as token:
        assert [await token(), await token()] == ["one", "two"]


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_refusal_is_a_connection_that_can_not_be_made(cloud: FakeCloud, status: int) -> None:
    cloud.on("GET /msi", fails(status, message="no such identity"))
    async with open_database_tokens(IDENTITY, RESOURCE) as token:
        with pytest.raises(ConnectionError, match=IDENTITY):
            await token()


def test_tokens_for_databases_and_federation_are_made_out_to_each_clouds_own() -> None:
    china, public = CLOUDS["china"], CLOUDS["public"]
    assert CLOUDS["usgov"].database_resource == CLOUDS["usdod"].database_resource
    assert len({cloud.database_resource for cloud in CLOUDS.values()}) == 3
    assert (public.federation_audience, china.federation_audience) == (
        "api://AzureADTokenExchange",
        "api://AzureADTokenExchangeChina",
    )
