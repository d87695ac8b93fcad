"""People's tokens as the token service holds them, and ids that can be told apart."""

from __future__ import annotations

import base64
import json

from bot.domain.model import Identity, SignInNeeded, UserAssertion


def token_of(identity: Identity, **more: object) -> UserAssertion:
    """An unsigned token with the claims that say whose it is."""
    claims = {"oid": identity.object_id, "tid": identity.tenant_id, **more}
    return UserAssertion(f"e30.{_segment(claims)}.")


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
        self._held: dict[str, UserAssertion] = {}

    def hold(self, channel_user_id: str, token: UserAssertion) -> None:
        self._held[channel_user_id] = token

    def drop(self, channel_user_id: str) -> None:
        del self._held[channel_user_id]

    async def assertion(self, channel_user_id: str) -> UserAssertion | SignInNeeded:
        if self.fail is not None:
            raise self.fail
        return self._held.get(channel_user_id) or SignInNeeded(self.link)


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
