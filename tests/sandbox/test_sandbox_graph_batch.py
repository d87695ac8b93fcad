"""Several requests to Graph in one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graph_house import Answer, House, house

from bot.sandbox.world import Fault


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


def asks(name: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "method": "GET", "url": url, **more}


async def batch(at: House, *asked: Any, token: str | None = None) -> Answer:
    return await at.post("/v1.0/$batch", {"requests": list(asked)}, token or at.app())


async def answers(at: House, *asked: Any) -> dict[str, Any]:
    got = await batch(at, *asked)
    assert got.status == 200, got.body
    return {one["id"]: one for one in got.body["responses"]}


async def test_each_request_has_its_own_answer(at: House) -> None:
    at.world.app_roles.remove("Directory.Read.All")
    found = await answers(
        at,
        asks("user", f"/users/{at.id('riley')}?$select=id,userType"),
        asks("none", "users/nobody"),
        asks("denied", f"/directoryObjects/{at.id('riley')}"),
        asks("rows", "/roleManagement/directory/roleDefinitions?$filter=isBuiltIn eq true"),
    )
    assert {name: one["status"] for name, one in found.items()} == {
        "user": 200,
        "none": 404,
        "denied": 403,
        "rows": 200,
    }
    assert found["user"]["body"]["userType"] == "Member"
    assert len(found["rows"]["body"]["value"]) == 10
    assert found["denied"]["body"]["error"]["code"] == "Authorization_RequestDenied"


async def test_a_request_can_be_throttled_while_the_batch_is_not(at: House) -> None:
    at.world.faults["busy"] = Fault("busy", "graph", "GET /v1.0/users/", 429, retry_after=7)
    at.world.faults["gone"] = Fault("gone", "graph", "GET /v1.0/groups/", drop=True, times=None)
    found = await answers(at, asks("1", f"/users/{at.id('sam')}"), asks("2", "/groups/x"))
    assert (found["1"]["status"], found["1"]["headers"]["Retry-After"]) == (429, "7")
    assert found["2"]["status"] == 504


async def test_the_log_tells_the_batch_from_what_is_in_it(at: House) -> None:
    await answers(at, asks("1", f"/users/{at.id('sam')}"), asks("2", "/me"))
    lines = [line for line in at.world.log if line["service"] == "graph"]
    assert [line.get("batched", False) for line in lines] == [True, True, False]
    assert lines[-1]["path"] == "/v1.0/$batch"


async def test_what_depends_on_a_failure_is_not_done(at: House) -> None:
    found = await answers(
        at,
        asks("1", "/users/nobody"),
        asks("2", f"/users/{at.id('sam')}", dependsOn=["1"]),
        asks("3", f"/users/{at.id('sam')}"),
        asks("4", f"/users/{at.id('sam')}", dependsOn=["3"]),
    )
    assert [found[name]["status"] for name in "1234"] == [404, 424, 200, 200]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param([], id="nothing"),
        pytest.param(["x"], id="no objects"),
        pytest.param([asks(str(n), "/me") for n in range(21)], id="more than twenty"),
        pytest.param([asks("1", "/me"), asks("1", "/me")], id="an id twice"),
        pytest.param([asks("", "/me")], id="no id"),
        pytest.param([{"id": "1", "method": "GET"}], id="no url"),
        pytest.param([{"id": "1", "method": "LIST", "url": "/me"}], id="no such method"),
        pytest.param([asks("1", "https://elsewhere.example/me")], id="a url of another host"),
    ],
)
async def test_a_batch_that_makes_no_sense_is_not_begun(at: House, asked: list[Any]) -> None:
    got = await batch(at, *asked)
    assert (got.status, got.code) == (400, "BadRequest")


async def test_a_batch_needs_a_token(at: House) -> None:
    assert (await batch(at, asks("1", "/me"), token="nonsense")).status == 401
