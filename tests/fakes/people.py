"""People's tokens as the token service holds them, and ids that can be told apart."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from bot.domain.content import CardContent
from bot.domain.model import Identity, PostedCard, SignInNeeded, SignInResource, UserAssertion
from bot.domain.sign_in import PageKey, PendingAct, SignInRefusedError
from bot.ports import SignInStart


def token_of(identity: Identity, **claims: object) -> UserAssertion:
    """An unsigned token with the claims that say whose it is."""
    said = {"oid": identity.object_id, "tid": identity.tenant_id, **claims}
    return UserAssertion(f"e30.{_segment(said)}.sig")


def bearer(assertion: UserAssertion) -> Identity:
    """Whose token it is."""
    payload = assertion.token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return Identity(claims["tid"], claims["oid"])


def _segment(claims: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


class FakeUserTokens:
    """``ports.UserTokens``: whoever's token was ``hold``; everybody else has to sign in."""

    def __init__(self) -> None:
        self.link: str | None = "https://sign-in.example/start"
        self.fail: Exception | None = None
        self.accepts = True
        self.exchanged: list[tuple[str, str]] = []
        self.codes: dict[str, UserAssertion] = {}
        self._held: dict[str, UserAssertion] = {}

    def hold(self, channel_user_id: str, token: UserAssertion) -> None:
        self._held[channel_user_id] = token

    def drop(self, channel_user_id: str) -> None:
        del self._held[channel_user_id]

    async def assertion(self, channel_user_id: str) -> UserAssertion | SignInNeeded:
        if self.fail is not None:
            raise self.fail
        return self._held.get(channel_user_id) or SignInNeeded()

    async def exchange(self, channel_user_id: str, token: str) -> UserAssertion | None:
        if self.fail is not None:
            raise self.fail
        self.exchanged.append((channel_user_id, token))
        if not self.accepts:
            return None
        self._held[channel_user_id] = UserAssertion(token)
        return self._held[channel_user_id]

    async def redeem(self, channel_user_id: str, code: str) -> UserAssertion | None:
        token = self.codes.pop(code, None)
        if token is not None:
            self._held[channel_user_id] = token
        return token

    async def sign_in(self, channel_user_id: str) -> SignInResource:
        return SignInResource("graph", self.link, f"x-{channel_user_id}", "api://botid-app", "p")

    async def sign_out(self, channel_user_id: str) -> None:
        if self.fail is not None:
            raise self.fail
        self._held.pop(channel_user_id, None)


class FakeSignIns:
    """``ports.SignIns``: whoever's token stands under the code that comes back."""

    def __init__(self) -> None:
        self.begun: list[PendingAct] = []
        self.codes: dict[str, UserAssertion] = {}
        self.fail: Exception | None = None

    async def begin(self, act: PendingAct, state: str) -> SignInStart:
        if self.fail is not None:
            raise self.fail
        self.begun.append(act)
        return SignInStart(f"https://login.example/authorize?state={state}", {"state": state, "v": "1"})

    async def redeem(self, flow: Mapping[str, Any], answer: Mapping[str, str]) -> UserAssertion:
        if self.fail is not None:
            raise self.fail
        assert flow["state"] == answer["state"]
        if answer.get("code") not in self.codes:
            raise SignInRefusedError(PageKey.DECLINED)
        return self.codes.pop(answer["code"])


class FakeChat:
    """``ports.PersonalChat``: remembers what it was told to say."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, CardContent]] = []
        self.asked: list[str] = []
        self.fail: Exception | None = None

    async def post(self, channel_user_id: str, content: CardContent) -> PostedCard:
        if self.fail is not None:
            raise self.fail
        self.posted.append((channel_user_id, content))
        return PostedCard(f"a:{channel_user_id}", str(len(self.posted)), "https://chat.example/")

    async def ask_to_sign_in(self, channel_user_id: str, resource: SignInResource) -> None:
        assert resource.connection == "graph"
        if self.fail is not None:
            raise self.fail
        self.asked.append(channel_user_id)


class FakeIds:
    """``ports.Ids``: ``id-1``, ``secret-1``, ``id-2``…"""

    def __init__(self) -> None:
        self._ids = 0
        self._secrets = 0

    def new_id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"

    def new_secret(self) -> str:
        self._secrets += 1
        return f"secret-{self._secrets}"
