"""Why an act can't go on before anything was sent, and how its actor gets further."""

from __future__ import annotations

import json

from bot.domain.errors import DirectoryError, NotFoundError, SecondKeyError
from bot.domain.model import UserAssertion
from bot.domain.obstacles import SIGN_IN_NEEDED, Obstacle, Way, obstacle_of
from bot.service.assertion import claims_of


class StopError(SecondKeyError):
    """The act can't go on; the card says why."""

    def __init__(
        self,
        obstacle: Obstacle | str,
        *,
        settle: bool = False,
        impostor: UserAssertion | None = None,
        exchange_failed: bool = False,
    ) -> None:
        self.obstacle = obstacle if isinstance(obstacle, Obstacle) else Obstacle(obstacle)
        super().__init__(self.obstacle.tag)
        self.settle = settle
        """Whether the request turned out not to be open, so that Graph has to be asked."""
        self.impostor = impostor
        """Somebody else's token, presented as the actor's."""
        self.exchange_failed = exchange_failed
        """Whether the client sent a token along that was not accepted."""

    @property
    def notice(self) -> str:
        return self.obstacle.tag


def stop_for(error: DirectoryError) -> StopError:
    """What a failed call as the actor comes to."""
    return StopError(obstacle_of(error), settle=isinstance(error, NotFoundError))


def sign_in_first(*, exchange_failed: bool = False) -> StopError:
    return StopError(SIGN_IN_NEEDED, exchange_failed=exchange_failed)


def check_strength(assertion: UserAssertion, context: str | None) -> None:
    """Raises ``StopError`` unless the token carries the authentication context (``acrs``, Entra docs,
    "Developer guidance for Conditional Access authentication context"). Its signature is Entra's to
    check, in the on-behalf-of exchange that follows.
    """
    if context is not None and context not in contexts_of(assertion):
        raise StopError(Obstacle("context-needed", Way.STEP_UP, claims_for(context)))


def claims_for(context: str) -> str:
    """The claims that a sign-in has to ask for, so that its token carries the authentication context."""
    wanted = {"acrs": {"essential": True, "value": context}, "xms_cc": {"values": ["cp1"]}}
    return json.dumps({"access_token": wanted}, separators=(",", ":"))


def contexts_of(assertion: UserAssertion) -> tuple[str, ...]:
    """The authentication contexts that a token says were satisfied."""
    held = claims_of(assertion).get("acrs")
    values = [held] if isinstance(held, str) else held
    return tuple(v for v in values if isinstance(v, str)) if isinstance(values, list) else ()
