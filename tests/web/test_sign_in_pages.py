"""The pages of a sign-in in a browser, and what strangers make of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from fakes.values import a_request
from structlog.testing import capture_logs

from bot.domain.content import CardContent, Note, RequestCard
from bot.domain.errors import UnavailableError
from bot.domain.sign_in import PageKey, SignInRefusedError
from bot.service.signing_in import ActInterruptedError, Redirect
from bot.web.sign_in import CALLBACK, PATH, routes
from cards import text

SECRET, COOKIE = "s" * 43, "secondkey-signin"
CARD = RequestCard(a_request(), "https://portal.example/", notice="recorded-approved")
Client = TestClient[web.Request, web.Application]


class FakeSigningIn:
    """Says what it is told to, and remembers what it was given."""

    def __init__(self, start_url: str) -> None:
        self.start_url = start_url
        self.started: list[str] = []
        self.completed: list[tuple[dict[str, str], str | None]] = []
        self.content: CardContent = CARD
        self.fail: Exception | None = None

    async def start(self, secret: str) -> Redirect:
        self.started.append(secret)
        if self.fail is not None:
            raise self.fail
        return Redirect("https://login.example/authorize?state=k.s", "c" * 43, "a1b2")

    async def complete(self, answer: Mapping[str, str], cookie: str | None) -> CardContent:
        self.completed.append((dict(answer), cookie))
        if self.fail is not None:
            raise self.fail
        return self.content


@pytest.fixture
def signing_in() -> FakeSigningIn:
    return FakeSigningIn("https://bot.example/signin")


@pytest.fixture
async def client(signing_in: FakeSigningIn) -> AsyncIterator[Client]:
    app = web.Application()
    app.add_routes(routes(signing_in))  # type: ignore[arg-type]
    async with TestClient(TestServer(app)) as client:
        yield client


async def get(client: Client, path: str, **how: object) -> tuple[int, Mapping[str, str], str]:
    async with client.get(path, allow_redirects=False, **how) as answer:  # type: ignore[arg-type]
        return answer.status, answer.headers, await answer.text()


async def test_a_link_sends_the_browser_on_and_marks_it(client: Client, signing_in: FakeSigningIn) -> None:
    status, headers, _ = await get(client, f"{PATH}?act={SECRET}")
    assert (status, headers["Location"]) == (302, "https://login.example/authorize?state=k.s")
    cookie = headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}-a1b2={'c' * 43};")
    for wanted in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/signin", "Max-Age=600"):
        assert wanted in cookie
    assert signing_in.started == [SECRET]


async def test_on_loopback_without_https_the_cookie_is_not_marked_secure() -> None:
    app = web.Application()
    app.add_routes(routes(FakeSigningIn("http://127.0.0.1:3978/signin")))  # type: ignore[arg-type]
    async with TestClient(TestServer(app)) as client:
        _, headers, _ = await get(client, f"{PATH}?act={SECRET}")
        assert "Secure" not in headers["Set-Cookie"]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="none"),
        pytest.param("?act=", id="empty"),
        pytest.param("?act=short", id="short"),
        pytest.param(f"?act={'x' * 129}", id="long"),
        pytest.param("?act=../../etc/passwd", id="a-path"),
        pytest.param("?act=%00aaaaaaaa", id="a-null"),
        pytest.param("?act=aaaaaaaa%0d%0aX:y", id="a-header"),
    ],
)
async def test_what_can_be_no_link_is_not_looked_up(
    client: Client, signing_in: FakeSigningIn, query: str
) -> None:
    status, _, said = await get(client, f"{PATH}{query}")
    assert (status, text.PAGES[PageKey.UNKNOWN][0] in said) == (404, True)
    assert not signing_in.started


async def test_coming_back_says_what_was_recorded(client: Client, signing_in: FakeSigningIn) -> None:
    headers = {"Cookie": f"{COOKIE}-k.s=mine; {COOKIE}-other=not"}
    status, answered, said = await get(client, f"{CALLBACK}?code=c1&state=k.s&other=1", headers=headers)
    assert status == 200
    assert signing_in.completed == [({"code": "c1", "state": "k.s"}, "mine")]
    assert "you approved this request" in said
    assert answered["Set-Cookie"].startswith(f'{COOKIE}-k.s=""')


async def test_a_page_that_needs_another_sign_in_links_to_it(
    client: Client, signing_in: FakeSigningIn
) -> None:
    signing_in.content = replace(
        CARD, notice="step-up-needed", sign_in_link="https://bot.example/signin?act=x&y=<z>"
    )
    _, _, said = await get(client, f"{CALLBACK}?code=c&state=s")
    assert 'href="https://bot.example/signin?act=x&amp;y=&lt;z&gt;"' in said


async def test_other_content_is_told_in_a_line(client: Client, signing_in: FakeSigningIn) -> None:
    signing_in.content = Note("signed-in")
    assert "You are signed in" in (await get(client, f"{CALLBACK}?code=c&state=s"))[2]


async def test_what_strangers_wrote_is_text_on_the_page(client: Client, signing_in: FakeSigningIn) -> None:
    evil = replace(a_request().role, display_name="<script>alert(1)</script>")
    signing_in.content = replace(CARD, request=a_request(role=evil))
    _, headers, said = await get(client, f"{CALLBACK}?code=c&state=s")
    assert "<script" not in said
    assert "script-src" not in headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("path", [f"{PATH}?act={SECRET}", f"{CALLBACK}?code=c&state=s"])
@pytest.mark.parametrize("page", list(PageKey))
async def test_each_refusal_has_its_page_and_never_a_success_status(
    client: Client, signing_in: FakeSigningIn, path: str, page: PageKey
) -> None:
    signing_in.fail = SignInRefusedError(page)
    status, headers, said = await get(client, path)
    assert 400 <= status < 600
    assert text.PAGES[page][0] in said.replace("&#x27;", "'")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"


async def test_what_failed_half_way_is_not_said_to_have_left_nothing(
    client: Client, signing_in: FakeSigningIn
) -> None:
    signing_in.fail = ActInterruptedError()
    with capture_logs():
        status, _, said = await get(client, f"{CALLBACK}?code=c&state=s")
    assert (status, text.MESSAGES["error"][1][:40] in said) == (500, True)
    assert "Nothing was recorded" not in said


@pytest.mark.parametrize("fault", [UnavailableError("Entra"), ConnectionError("store")])
async def test_what_can_not_be_reached_is_503(
    client: Client, signing_in: FakeSigningIn, fault: Exception
) -> None:
    signing_in.fail = fault
    assert (await get(client, f"{CALLBACK}?code=c&state=s"))[0] == 503


async def test_our_own_fault_is_500_and_tells_a_stranger_nothing(
    client: Client, signing_in: FakeSigningIn
) -> None:
    signing_in.fail = RuntimeError("secret detail")
    with capture_logs():
        status, _, said = await get(client, f"{CALLBACK}?code=c&state=s")
    assert (status, "secret detail" in said) == (500, False)


@pytest.mark.parametrize(
    "query", ["code=a&code=b&state=s", "code=a&state=s&state=t", "code=a&state=" + "x" * 9000]
)
async def test_a_doubled_or_endless_answer_is_not_taken(
    client: Client, signing_in: FakeSigningIn, query: str
) -> None:
    status, _, _ = await get(client, f"{CALLBACK}?{query}")
    assert status == 400
    assert not signing_in.completed


@pytest.mark.parametrize("path", [PATH, CALLBACK])
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
async def test_nothing_but_get_is_answered(
    client: Client, signing_in: FakeSigningIn, path: str, method: str
) -> None:
    async with client.request(method, f"{path}?act={SECRET}&code=c&state=s") as answer:
        assert answer.status == 405
    assert not signing_in.started
    assert not signing_in.completed


async def test_neither_code_nor_secret_is_in_the_log(client: Client, signing_in: FakeSigningIn) -> None:
    signing_in.fail = SignInRefusedError(PageKey.USED)
    with capture_logs() as logs:
        await get(client, f"{PATH}?act={SECRET}")
        await get(client, f"{CALLBACK}?code=the-code&state=k.the-state")
    for hidden in (SECRET, "the-code", "the-state"):
        assert hidden not in repr(logs)
