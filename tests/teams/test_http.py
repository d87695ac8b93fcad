from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from channel_samples import HandClock
from teams_fakes import SCOPE, Answer, Naps, Service, Tokens

from bot.domain.errors import ChannelRefusedError, ChannelUnavailableError
from bot.teams.http import BotHttp, Patience

OK: Answer = (200, {}, {"id": "1"})


@pytest.fixture
def http(session: aiohttp.ClientSession, tokens: Tokens, clock: HandClock, naps: Naps) -> BotHttp:
    return BotHttp(session, tokens, SCOPE, clock, Patience(sleep=naps))


async def call(http: BotHttp, service: Service, payload: Any = None) -> Any:
    return await http.call("POST", f"{service.base}v3/x", payload)


def refused(status: int, code: str = "Code", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, named, {"error": {"code": code, "message": "secret detail"}}


async def test_json_goes_out_with_the_bots_token_and_json_comes_back(
    http: BotHttp, service: Service, tokens: Tokens
):
    assert await call(http, service, {"text": "Grüße"}) == {"id": "1:sent"}
    [sent] = service.calls
    assert (sent.authorization, sent.sent) == ("Bearer app-token-1", {"text": "Grüße"})
    assert tokens.scopes == {SCOPE}


@pytest.mark.parametrize("body", [b"", b"not json"])
async def test_an_answer_without_json_is_none(http: BotHttp, service: Service, body: bytes):
    service.next = [(202, {}, body)]
    assert await call(http, service) is None


@pytest.mark.parametrize("fault", [412, 429, 502, 503, 504, None])
async def test_what_passes_is_waited_for(http: BotHttp, service: Service, naps: Naps, fault: int | None):
    service.next = [refused(fault) if fault else None] * 3
    assert await call(http, service, {}) == {"id": "1:sent"}
    assert (len(service.calls), len(naps.taken)) == (4, 3)
    assert all(0 <= nap <= 2 for nap in naps.taken)


@pytest.mark.parametrize("fault", [429, None])
async def test_what_does_not_pass_is_given_up_after_four_attempts(
    http: BotHttp, service: Service, fault: int | None
):
    service.next = [refused(fault) if fault else None] * 9
    with pytest.raises(ChannelUnavailableError) as error:
        await call(http, service, {})
    assert (len(service.calls), error.value.status) == (4, fault)


@pytest.mark.parametrize(
    "asked", [pytest.param("3", id="seconds"), pytest.param("Mon, 23 Nov 2026 09:00:03 GMT", id="a date")]
)
async def test_retry_after_is_kept_to(http: BotHttp, service: Service, naps: Naps, asked: str):
    service.next = [refused(429, Retry_After=asked)]
    await call(http, service)
    assert 3 <= naps.taken[0] <= 3.25


@pytest.mark.parametrize("asked", ["soon", "-1", "", "٣"])
async def test_a_retry_after_that_says_nothing_is_passed_over(
    http: BotHttp, service: Service, naps: Naps, asked: str
):
    service.next = [refused(429, Retry_After=asked)]
    await call(http, service)
    assert 0 <= naps.taken[0] <= 2


async def test_a_wait_beyond_the_total_time_is_not_begun(http: BotHttp, service: Service, naps: Naps):
    service.next = [refused(429, Retry_After="60")]
    with pytest.raises(ChannelUnavailableError) as error:
        await call(http, service)
    assert (naps.taken, len(service.calls), error.value.retry_after) == ([], 1, 60)


async def test_no_answer_in_time_is_unavailable_and_not_repeated(
    session: aiohttp.ClientSession, tokens: Tokens, clock: HandClock, service: Service
):
    service.hold = asyncio.Event()
    http = BotHttp(session, tokens, SCOPE, clock, Patience(total_seconds=0.05))
    with pytest.raises(ChannelUnavailableError, match="in time"):
        await call(http, service)
    service.hold.set()
    assert len(service.calls) == 1


async def test_a_401_renews_the_token_once(http: BotHttp, service: Service):
    service.next = [refused(401)]
    assert await call(http, service) == {"id": "1:sent"}
    assert [c.authorization for c in service.calls] == ["Bearer app-token-1", "Bearer app-token-2"]


async def test_a_second_401_is_not_for_good_since_somebody_will_renew_the_secret(
    http: BotHttp, service: Service
):
    service.next = [refused(401), refused(401)]
    with pytest.raises(ChannelUnavailableError) as error:
        await call(http, service)
    assert (error.value.status, len(service.calls)) == (401, 2)


async def test_without_a_token_nothing_is_sent(http: BotHttp, service: Service, tokens: Tokens):
    tokens.down = True
    with pytest.raises(ChannelUnavailableError, match="No token"):
        await call(http, service)
    assert service.calls == []


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "ConversationNotFound"), (403, "BotNotInConversationRoster"), (413, "MessageSizeTooBig")],
)
async def test_a_refusal_for_good_names_the_error_code_and_nothing_else(
    http: BotHttp, service: Service, status: int, code: str
):
    service.next = [refused(status, code)]
    with pytest.raises(ChannelRefusedError) as error:
        await call(http, service)
    assert (str(error.value), error.value.status, len(service.calls)) == (f"{code} ({status})", status, 1)


@pytest.mark.parametrize("body", [b"", b"<html>", {"error": "x"}, {"error": {"code": "two words"}}, []])
async def test_a_refusal_without_a_proper_code_is_just_its_status(http: BotHttp, service: Service, body: Any):
    service.next = [(400, {}, body)]
    with pytest.raises(ChannelRefusedError, match=r"^HttpError \(400\)$"):
        await call(http, service)


async def test_a_500_is_left_to_whoever_called(http: BotHttp, service: Service):
    service.next = [refused(500)]
    with pytest.raises(ChannelUnavailableError):
        await call(http, service)
    assert len(service.calls) == 1


async def test_a_redirect_is_not_followed(http: BotHttp, service: Service):
    service.next = [(307, {"Location": "/elsewhere"}, b"")]
    with pytest.raises(ChannelRefusedError) as error:
        await call(http, service)
    assert (error.value.status, len(service.calls)) == (307, 1)


async def test_an_address_that_is_none_is_refused(http: BotHttp):
    with pytest.raises(ChannelRefusedError, match="Not callable"):
        await http.call("GET", "nowhere")
