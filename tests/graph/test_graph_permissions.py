"""The permissions table, and that nothing is sent to Graph which is not in it."""

from __future__ import annotations

import re
import ssl
from typing import Any

import httpx
import pytest
from graph import graph_source
from graph.fake_cloud import FakeCloud, says
from hypothesis import given
from hypothesis import strategies as st
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from structlog.testing import capture_logs

from bot.clock import SystemClock
from bot.graph.calls import GraphCalls
from bot.graph.client import Graph, open_http
from bot.graph.errors import Call
from bot.graph.graph_call import Feature, GraphCall, Kind, UndeclaredCallError
from bot.graph.guard import calls_in, check
from bot.graph.permissions import CALLS, WITHOUT, asked, calls_of
from bot.graph.retries import Retries

BASE = "https://graph.microsoft.com"
USER = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def client() -> Any:
    return graph_source.sdk()


# The table


def test_no_call_is_in_the_table_twice() -> None:
    keys = [(c.method, c.version, re.sub(r"\{.*?\}", "{}", c.path), c.kind, c.only) for c in CALLS]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path} {call.kind.value}")
def test_a_row_says_everything(call: GraphCall) -> None:
    assert call.method in {"GET", "POST", "PATCH", "PUT", "DELETE"}
    assert call.version in {"v1.0", "beta"}
    assert not call.path.startswith("/")
    assert all(need and all(re.fullmatch(r"[\w.-]+", one) for one in need) for need in call.needs)
    assert len(set(call.needs)) == len(call.needs) > 0
    assert call.why
    assert call.source


def test_each_permission_that_is_asked_for_says_what_breaks_without_it_and_no_other_does() -> None:
    for kind in Kind:
        assert set(WITHOUT[kind]) == set(asked(kind, Feature)), f"put them right in WITHOUT[{kind}]"


def test_the_app_is_not_given_by_default_what_would_let_it_give_itself_a_role() -> None:
    dangerous = {"RoleAssignmentSchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory"}
    written = {one for one in asked(Kind.APPLICATION) if "Write" in one}
    assert (written, dangerous & set(asked(Kind.APPLICATION))) == (set(), set())


def test_what_is_asked_for_by_feature_adds_up_to_everything() -> None:
    for kind in Kind:
        together = {one for feature in Feature for one in asked(kind, [feature])}
        assert together == set(asked(kind, Feature)) >= set(asked(kind))


def test_only_what_a_call_prefers_is_asked_for_it() -> None:
    for kind in Kind:
        for permission in asked(kind, Feature):
            assert all(permission in call.asks for call in calls_of(permission, kind))


# Which calls are in it


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        pytest.param("GET", "/v1.0/users/x?$select=id", Kind.APPLICATION, id="with a query"),
        pytest.param("GET", f"/v1.0/users/{USER}", Kind.APPLICATION, id="an id"),
        pytest.param("GET", "/v1.0/users/a%2Fb", Kind.APPLICATION, id="an encoded slash stays in the id"),
        pytest.param(
            "PATCH",
            "/beta/roleManagement/directory/roleAssignmentApprovals/a/steps/b",
            Kind.DELEGATED,
            id="decision",
        ),
    ],
)
def test_a_call_in_the_table_is_found(method: str, path: str, kind: Kind) -> None:
    assert check(method, BASE + path, kind).method == method


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        pytest.param("GET", "/v1.0/me", Kind.APPLICATION, id="another path"),
        pytest.param("DELETE", "/v1.0/users/x", Kind.APPLICATION, id="another method"),
        pytest.param("GET", "/beta/users/x", Kind.APPLICATION, id="another version"),
        pytest.param("GET", "/v1.0/users/x", Kind.DELEGATED, id="as another"),
        pytest.param("GET", "/v1.0/users/x", None, id="as nobody knows whom"),
        pytest.param("GET", "/v1.0/users/", Kind.APPLICATION, id="an empty id"),
        pytest.param("GET", "/v1.0/users/x/manager", Kind.APPLICATION, id="further down"),
        pytest.param("GET", "/v1.0/users/delta()", Kind.APPLICATION, id="a function in an id's place"),
        pytest.param("GET", "/v1.0", Kind.APPLICATION, id="nothing"),
        pytest.param("GET", "/", Kind.APPLICATION, id="no version"),
        pytest.param("GET", "", Kind.APPLICATION, id="no path"),
        pytest.param(
            "PATCH",
            "/beta/roleManagement/directory/roleAssignmentApprovals/a/steps/b",
            Kind.APPLICATION,
            id="deciding as the app",
        ),
    ],
)
def test_a_call_not_in_the_table_is_refused_with_the_row_to_add(
    method: str, path: str, kind: Kind | None
) -> None:
    with pytest.raises(UndeclaredCallError, match="Add this row to CALLS") as refused:
        check(method, BASE + path, kind)
    assert f'GraphCall("{method}"' in str(refused.value)


@given(st.text(max_size=60), st.sampled_from(["GET", "PATCH", "DELETE"]), st.sampled_from(list(Kind)))
def test_no_path_makes_the_check_fail_otherwise_or_lets_an_app_decide(
    tail: str, method: str, kind: Kind
) -> None:
    try:
        found = check(method, f"{BASE}/beta/{tail}", kind)
    except UndeclaredCallError:
        return
    assert (found.method, found.kind) == (method, kind)


# What is sent


def calls_on(graph: Graph) -> GraphCalls:
    async def token() -> str:
        return "token"

    async def challenged(_: str) -> str:
        return "token"

    return GraphCalls(graph.adapter(token, challenged), Call.APP, SystemClock(), Retries(attempts=1))


def info_of(cloud: FakeCloud, path: str, method: Method = Method.GET) -> RequestInformation:
    return RequestInformation(method, "{+graph}" + path, {"graph": cloud.graph_url})


@pytest.fixture
def tls(cloud: FakeCloud) -> Any:
    return ssl.create_default_context(cafile=cloud.ca)


async def test_a_call_in_the_table_is_sent(cloud: FakeCloud, tls: Any) -> None:
    cloud.on(f"GET /v1.0/users/{USER}", says({"id": USER}))
    async with open_http(cloud.graph_url, tls) as graph:
        assert await calls_on(graph).read(info_of(cloud, f"/v1.0/users/{USER}")) == {"id": USER}


@pytest.mark.parametrize("call", [Call.APP, Call.DELEGATED, Call.DECISION, Call.CREATION])
async def test_a_call_not_in_the_table_is_not_sent_and_the_error_names_the_row(
    cloud: FakeCloud, tls: Any, call: Call
) -> None:
    async with open_http(cloud.graph_url, tls) as graph:
        kind = "DELEGATED" if call.delegated else "APPLICATION"
        with (
            capture_logs() as logged,
            pytest.raises(UndeclaredCallError, match=rf'"PUT", "beta", "secrets/all", Kind\.{kind}'),
        ):
            await calls_on(graph).once(info_of(cloud, "/beta/secrets/all", Method.PUT), call, 5.0)
    assert cloud.seen == []
    assert [one["event"] for one in logged] == ["graph_call_not_in_table"]


@pytest.mark.parametrize("call", [Call.DELEGATED, Call.DECISION])
async def test_what_the_app_may_call_is_not_sent_as_a_user(cloud: FakeCloud, tls: Any, call: Call) -> None:
    async with open_http(cloud.graph_url, tls) as graph:
        with pytest.raises(UndeclaredCallError):
            await calls_on(graph).once(info_of(cloud, f"/v1.0/users/{USER}"), call, 5.0)
    assert cloud.seen == []


async def test_a_next_page_outside_the_table_is_not_fetched(cloud: FakeCloud, tls: Any) -> None:
    page = {"value": [], "@odata.nextLink": f"{cloud.graph_url}/v1.0/me/messages"}
    cloud.on(f"GET /v1.0/groups/{USER}/transitiveMembers", says(page))
    async with open_http(cloud.graph_url, tls) as graph:
        with pytest.raises(UndeclaredCallError, match="me/messages"):
            await calls_on(graph).read_all(info_of(cloud, f"/v1.0/groups/{USER}/transitiveMembers"))
    assert len(cloud.to_graph()) == 1


async def test_a_request_made_around_the_adapters_is_not_sent_either(cloud: FakeCloud, tls: Any) -> None:
    async with open_http(cloud.graph_url, tls) as graph:
        http: httpx.AsyncClient = graph._http
        with pytest.raises(UndeclaredCallError, match="nobody said as whom"):
            await http.get(f"{cloud.graph_url}/v1.0/users/{USER}")
    assert cloud.seen == []


async def test_a_batch_is_sent_only_if_each_call_in_it_is_declared() -> None:
    def batch(*asked: object) -> httpx.Request:
        return httpx.Request("POST", f"{BASE}/v1.0/$batch", json={"requests": asked})

    declared = {"id": "1", "method": "GET", "url": "/users/x?$select=id"}
    assert calls_in(batch(declared)) == [("GET", f"{BASE}/v1.0/users/x?$select=id")]
    (_, (method, undeclared)) = calls_in(batch(declared, {"method": "DELETE", "url": "users/x"}))
    with pytest.raises(UndeclaredCallError):
        check(method, undeclared, Kind.APPLICATION)
    for odd in (batch("x"), batch({"method": "GET"}), httpx.Request("POST", f"{BASE}/v1.0/$batch")):
        with pytest.raises(UndeclaredCallError, match="batch"):
            calls_in(odd)


# What the source speaks of


def is_declared(path: str) -> bool:
    """Whether a row is for this path, or for one that goes on from it."""
    version, *segments = path.split("/")
    return any(is_start_of(call, version, segments) for call in CALLS)


def is_start_of(call: GraphCall, version: str, segments: list[str]) -> bool:
    rest = call.path.split("/")[len(segments) :]
    return call.is_call(call.method, version, (*segments, *rest))


def test_every_path_in_the_source_is_in_the_table(client: Any) -> None:
    missing = [f"{file}: {path}" for file, path in graph_source.paths_of_all(client) if not is_declared(path)]
    assert missing == [], "add a row for each to CALLS in bot/graph/permissions.py"


def test_every_row_is_spoken_of_in_the_source() -> None:
    files = [file for file in graph_source.FOLDER.glob("*.py") if not file.name.startswith("permissions")]
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    idle = [call.path for call in CALLS if not all(is_in(source, one) for one in literals(call))]
    assert idle == [], "nothing calls these any more: remove their rows, so that nobody consents to them"


def literals(call: GraphCall) -> list[str]:
    return [segment for segment in call.path.split("/") if not segment.startswith("{")]


def is_in(source: str, segment: str) -> bool:
    return segment in source or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", segment).lower() in source


@pytest.mark.parametrize(
    ("source", "path"),
    [
        pytest.param('X = "{+graph}/beta/secrets/{one}?$top=1"', "beta/secrets/-", id="template"),
        pytest.param('def f():\n    return f"{ROOT}/steps/{{step}}"', "beta/things/-/steps/-", id="f-string"),
        pytest.param('X = "/v1.0/users/{id}"', "v1.0/users/-", id="path"),
        pytest.param(
            "class A:\n def f(self):\n  return self._graph.me.messages.to_get_request_information()",
            "v1.0/users/-/messages",
            id="chain",
        ),
        pytest.param(
            "class A:\n def f(self):\n  me = self._graph.me\n  g(me.messages.by_message_id('x'))",
            "v1.0/users/-/messages/-",
            id="handed on, by a local name",
        ),
        pytest.param(
            "class A:\n @property\n def m(self):\n  return self._graph.me\n"
            " def f(self):\n  return self.m.manager.to_get_request_information()",
            "v1.0/users/-/manager",
            id="by a property",
        ),
    ],
)
def test_the_reading_of_the_source_would_notice(client: Any, source: str, path: str) -> None:
    found = graph_source.paths_in(source, {"ROOT": "{+graph}/beta/things/{thing}"}, client)
    assert path in found
    assert not is_declared("beta/secrets/-")
