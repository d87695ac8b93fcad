"""The token that a sign-in has just ended in, for whatever is done because of it.

The token service may hold none, or one that lacks what a step-up brought.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.domain import activation as a
from bot.domain.model import Actor, UserAssertion
from bot.service.signing_in import SigningIn
from bot.service.troubles import obstacle_for


@dataclass(frozen=True, slots=True)
class JustSignedIn:
    """``again``: it was not the first sign-in for the same act."""

    assertion: UserAssertion
    again: bool


AGAIN: Final = "again"
"""In an act's payload: a sign-in for it has been tried before."""

_JUST: Final[ContextVar[JustSignedIn | None]] = ContextVar("just_signed_in", default=None)


def just_signed_in() -> JustSignedIn | None:
    """The sign-in that what runs now goes on after, if it does."""
    return _JUST.get()


@contextmanager
def presenting(assertion: UserAssertion, *, again: bool) -> Iterator[None]:
    """Whatever is done inside is done by this token, where it is the actor's own."""
    before = _JUST.set(JustSignedIn(assertion, again))
    try:
        yield
    finally:
        _JUST.reset(before)


def resumed(payload: Mapping[str, Any], assertion: UserAssertion) -> AbstractContextManager[None]:
    """``presenting``, for an act that was kept with this payload."""
    return presenting(assertion, again=bool(payload.get(AGAIN)))


async def linked(
    outcome: object,
    signing_in: SigningIn,
    actor: Actor,
    kind: str,
    subject: str,
    *,
    payload: Mapping[str, Any],
) -> a.Curable | None:
    """What came of an act, with a link that finishes it, where one more sign-in is what it takes; None
    where it is not. It is asked for in the actor's own chat too, and not over and over.
    """
    if not isinstance(outcome, a.Curable) or outcome.link is not None or not helps(outcome):
        return None
    again = just_signed_in() is not None
    link = await signing_in.begin(
        actor, kind, subject, {**payload, AGAIN: again}, obstacle_for(outcome), ask=not again
    )
    return replace(outcome, link=link)


def helps(trouble: a.Curable) -> bool:
    """Whether one more sign-in may mend it: not one that has just been tried in vain."""
    just = _JUST.get()
    if just is None:
        return True
    if isinstance(trouble, a.StepUpNeeded):
        return just.assertion.claims != trouble.claims
    return not just.again
