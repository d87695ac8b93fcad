"""Acts that wait for a sign-in, to be carried out once when it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.domain.errors import SecondKeyError
from bot.domain.model import Actor
from bot.domain.obstacles import Way

ACT_LIFE: Final = timedelta(minutes=10)
"""How long a begun act waits for its sign-in."""


class PageKey(StrEnum):
    """What a sign-in page says when no act was carried out; keys of ``cards.text.PAGES``."""

    UNKNOWN = "unknown"
    USED = "used"
    EXPIRED = "expired"
    OTHER_BROWSER = "other-browser"
    OTHER_ACCOUNT = "other-account"
    DECLINED = "declined"
    CONSENT_DECLINED = "consent-declined"
    NOT_STRONG_ENOUGH = "not-strong-enough"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    NOTHING_LEFT = "nothing-left"


class SignInRefusedError(SecondKeyError):
    """The sign-in can't be used."""

    def __init__(self, page: PageKey, message: str | None = None) -> None:
        super().__init__(message or f"the sign-in can't be used: {page}")
        self.page = page


@dataclass(frozen=True, slots=True)
class PendingAct:
    """Something an actor began and a sign-in will finish. One an actor, kind and subject: beginning
    it again replaces the one before.
    """

    key: str
    """SHA-256 of the secret in the link, in hexadecimal; the secret itself is kept nowhere."""
    actor: Actor
    """As the channel vouched for them when they began it."""
    kind: str
    subject: str
    """What it is about, for instance a request's id."""
    way: Way
    begun_at: datetime
    expires_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)
    """All that is needed to carry it out, in JSON's types."""
    claims: str | None = field(default=None, repr=False)
    """For a step-up: what the sign-in has to bring."""
    flow: Mapping[str, Any] | None = field(default=None, repr=False)
    """A sign-in under way: the authorization request with its state, nonce and PKCE verifier."""
    browser: str | None = field(default=None, repr=False)
    """SHA-256 of the cookie of the browser that the sign-in was started in."""
    used_at: datetime | None = None

    def fault(self, at: datetime) -> PageKey | None:
        """Why it can't be carried out (any more)."""
        if self.used_at is not None:
            return PageKey.USED
        return PageKey.EXPIRED if at >= self.expires_at else None


def started(act: PendingAct, flow: Mapping[str, Any], browser: str) -> PendingAct:
    """A sign-in for it was started; one that was started before counts no more."""
    return replace(act, flow=dict(flow), browser=browser)
