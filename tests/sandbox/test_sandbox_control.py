from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from graph_house import APPROVALS, REQUESTS, House, house

from bot.sandbox.server import running

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


WISH = {"user": "riley", "role": "Security Administrator", "justification": "patching", "duration": "PT1H"}


async def test_the_portal_asks_through_the_same_door_as_graph(at: House) -> None:
    made = await at.post("/_sandbox/portal/activate", WISH | {"ticket": "INC-7"})
    listed = (await at.get(REQUESTS, at.app())).body["value"]
    assert made.status == 201
    assert [entry["id"] for entry in listed] == [made.body["id"]]
    assert listed[0]["ticketInfo"] == {"ticketNumber": "INC-7", "ticketSystem": "ServiceDesk"}
    again = await at.post("/_sandbox/portal/activate", WISH)
    assert (again.status, again.code) == (400, "PendingRoleAssignmentRequest")


async def test_a_portal_decision_shows_who_reviewed(at: House) -> None:
    request_id = await at.activate()
    body = {"user": "emery", "request": request_id, "result": "Deny", "justification": "not now"}
    assert (await at.post("/_sandbox/portal/decide", body)).status == 200
    seen = (await at.get(f"/_sandbox/requests/{request_id}")).body
    assert seen["status"] == "Denied"
    assert seen["approval"]["reviewedBy"]["id"] == at.id("emery")
    assert (await at.decide(request_id, "alex")).status == 409


async def test_the_portal_withdraws(at: House) -> None:
    request_id = await at.activate()
    got = await at.post("/_sandbox/portal/cancel", {"request": request_id})
    assert got.body["status"] == "Canceled"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("portal/activate", WISH | {"user": "nobody"}, id="unknown user"),
        pytest.param("portal/activate", WISH | {"role": "Janitor"}, id="unknown role"),
        pytest.param("portal/activate", {}, id="nothing said"),
        pytest.param("portal/activate", [], id="not an object"),
        pytest.param("clock/advance", {"seconds": -1}, id="back in time"),
        pytest.param("clock/advance", {"seconds": "many"}, id="not a number"),
        pytest.param("faults", {"service": "weather"}, id="unknown service"),
        pytest.param("faults", {"service": "graph", "colour": "red"}, id="unknown fault field"),
        pytest.param("keys/rotate", {"which": "front door"}, id="unknown keys"),
    ],
)
async def test_a_mistake_in_a_script_is_a_400(at: House, path: str, body: Any) -> None:
    assert (await at.post(f"/_sandbox/{path}", body)).status == 400


async def test_an_unknown_request_is_a_404(at: House) -> None:
    assert (await at.get("/_sandbox/requests/nothing")).status == 404
    assert (await at.post("/_sandbox/portal/cancel", {"request": "nothing"})).status == 404


async def test_the_clock_moves_on_and_tells_its_stream(at: House) -> None:
    before = datetime.fromisoformat((await at.get("/_sandbox/clock")).body["now"])
    async with at.session.get(f"{at.sandbox.http}/_sandbox/clock/stream") as stream:
        first = json.loads(await stream.content.readline())
        await at.post("/_sandbox/clock/advance", {"seconds": 300})
        second = json.loads(await asyncio.wait_for(stream.content.readline(), timeout=5))
    assert (first["offset_seconds"], second["offset_seconds"]) == (0, 300)
    assert (datetime.fromisoformat(second["now"]) - before).total_seconds() >= 300


async def test_the_log_can_be_waited_on(at: House) -> None:
    seen = (await at.get("/_sandbox/log", since="0")).body["next"]
    waiting = asyncio.create_task(at.get("/_sandbox/log", since=str(seen), wait="20"))
    request_id = await at.activate()
    got = (await asyncio.wait_for(waiting, timeout=10)).body
    assert got["lines"][0]["seq"] == seen + 1
    everything = (await at.get("/_sandbox/log", since=str(seen))).body["lines"]
    assert any(line.get("request") == request_id for line in everything)
    nothing_more = (await at.get("/_sandbox/log", since="99999", wait="0.01")).body
    assert nothing_more["lines"] == []


async def test_the_state_shows_everything_but_secrets(at: House) -> None:
    await at.activate()
    got = await at.get("/_sandbox/state")
    assert len(got.body["requests"]) == 1
    assert len(got.body["users"]) == 12
    assert at.world.client_secret not in json.dumps(got.body)
    assert at.world.client_secret not in repr(at.sandbox)


@pytest.mark.parametrize(("status", "after"), [(429, None), (503, "2"), (504, None)])
async def test_a_fault_answers_instead_and_then_is_gone(at: House, status: int, after: str | None) -> None:
    fault = {"service": "graph", "match": "GET .*ScheduleRequests", "status": status}
    await at.post("/_sandbox/faults", fault | ({"retry_after": int(after)} if after else {}))
    first, second = [await at.get(REQUESTS, at.app()) for _ in range(2)]
    assert (first.status, first.headers.get("Retry-After"), second.status) == (status, after, 200)


async def test_a_fault_leaves_other_services_and_paths_alone(at: House) -> None:
    await at.post("/_sandbox/faults", {"service": "login", "match": ".", "status": 503})
    await at.post("/_sandbox/faults", {"service": "graph", "match": "/users/", "status": 503})
    assert (await at.get(REQUESTS, at.app())).status == 200
    assert len((await at.get("/_sandbox/faults")).body["faults"]) == 2
    await at.call("DELETE", "/_sandbox/faults")
    assert (await at.get("/_sandbox/faults")).body["faults"] == []


async def test_a_fault_after_the_act_loses_only_the_answer(at: House) -> None:
    request_id = await at.activate()
    await at.post("/_sandbox/faults", {"service": "graph", "match": "PATCH ", "status": 504, "after": True})
    assert (await at.decide(request_id, "alex")).status == 504
    assert await at.status(request_id) == "Provisioned"
    assert (await at.decide(request_id, "alex")).status == 409


@pytest.mark.parametrize(("after", "status"), [(False, "PendingApprovalProvisioning"), (True, "Provisioned")])
async def test_a_dropped_connection_before_or_after_the_act(at: House, after: bool, status: str) -> None:
    request_id = await at.activate()
    fault = {"service": "graph", "match": "PATCH ", "drop": True, "after": after}
    await at.post("/_sandbox/faults", fault)
    # A session of its own: on a pooled connection the client would repeat the request by itself.
    url = f"{at.sandbox.http}{APPROVALS}/{request_id}/steps/{request_id}"
    headers = {"Authorization": f"Bearer {at.on_behalf_of('alex')}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        with pytest.raises(aiohttp.ClientError):
            await session.patch(url, json={"reviewResult": "Approve", "justification": "x"})
    assert await at.status(request_id) == status


async def test_a_slow_fault_delays_and_then_answers_truly(at: House) -> None:
    await at.post("/_sandbox/faults", {"service": "graph", "match": "", "delay_seconds": 0.2})
    assert (await at.get(REQUESTS, at.app())).status == 200
    (line,) = [line for line in at.world.log if line["event"] == "http"]
    assert line["ms"] >= 200


async def test_permissions_consent_and_pages_change_while_it_runs(at: House) -> None:
    changes = {
        "app_roles": ["Mail.Read"],
        "page_size": 5,
        "consented": ["alex"],
        "require_claims": {"blake": {"access_token": {}}},
        "pending_status": "PendingApproval",
    }
    got = await at.call("PATCH", "/_sandbox/world", json=changes)
    assert got.status == 200
    assert (at.world.app_roles, at.world.page_size) == ({"Mail.Read"}, 5)
    assert at.world.consented == {at.id("alex")}
    assert at.world.require_claims == {at.id("blake"): {"access_token": {}}}
    made = await at.post(REQUESTS, at.wish(), at.on_behalf_of("riley"))
    assert made.body["status"] == "PendingApproval"
    assert (await at.call("PATCH", "/_sandbox/world", json={"weather": 1})).status == 400


async def test_policies_eligibilities_and_groups_change_while_it_runs(at: House) -> None:
    policy = {
        "approver_users": ["sam"],
        "approver_groups": ["Security Operations"],
        "maximum_duration": "PT1H",
    }
    assert (await at.call("PATCH", "/_sandbox/policies/global_reader", json=policy)).status == 200
    role = at.role("global_reader")
    assert at.world.tenant.policies[role].approver_users == [at.id("sam")]
    made = await at.post("/_sandbox/eligibilities", {"user": "sam", "role": "global_reader"})
    assert at.world.tenant.is_eligible(at.id("sam"), role, at.world.now())
    await at.call("DELETE", f"/_sandbox/eligibilities/{made.body['id']}")
    assert not at.world.tenant.is_eligible(at.id("sam"), role, at.world.now())
    await at.call("PATCH", "/_sandbox/groups/Security Operations", json={"members": ["sam"]})
    assert at.world.tenant.is_eligible(at.id("sam"), at.role("security_administrator"), at.world.now())


async def test_the_environment_names_every_endpoint(at: House) -> None:
    env = at.sandbox.env
    assert env["SECONDKEY_CLOUD"] == "custom"
    assert env["SECONDKEY_LOGIN_URL"].startswith("https://localhost:")
    assert env["SECONDKEY_CONNECTOR_URL"] == f"{at.sandbox.http}/connector/"
    assert env["SECONDKEY_BREAK_GLASS"].split(",") == [at.id("bg1"), at.id("bg2")]
    metadata = await at.get(env["SECONDKEY_BOT_OPENID_URL"].removeprefix(at.sandbox.http))
    assert metadata.body["issuer"] == env["SECONDKEY_BOT_ISSUER"]


async def test_only_loopback_is_listened_on(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a loopback"):
        async with running(tmp_path, host="192.0.2.1"):
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_process_announces_itself_on_one_line_and_stops_on_a_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.sandbox",
        "--dir",
        str(tmp_path),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), timeout=30))
    assert ready["ready"] is True
    assert ready["users"]["riley"]["name"] == "Riley Okafor"
    assert set(ready["channels"]) == {"approvers", "ops"}
    assert "security_administrator" in ready["roles"]
    assert ready["ca_bundle"] == str(tmp_path / "ca.pem")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{ready['http']}/_sandbox/clock/stream") as stream,
    ):
        await stream.content.readline()
        process.send_signal(number)
        rest, errors = await asyncio.wait_for(process.communicate(), timeout=10)
    assert (process.returncode, rest, errors) == (0, b"", b"")
