"""The token of whoever acts, and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.errors import UnavailableError
from bot.domain.model import Actor, SignInNeeded, UserAssertion
from bot.ports import Presented, UserTokens
from bot.service.assertion import belongs_to
from bot.service.stops import StopError, sign_in_first

Credential = Presented | UserAssertion
"""What an actor's client sent along, or the token that a sign-in ended with."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Finds an actor's token. Raises ``StopError``: nobody's token stands in for another's."""

    user_tokens: UserTokens = field(repr=False)

    async def assertion(self, actor: Actor, credential: Credential) -> UserAssertion:
        """The actor's token for this app, its ``oid`` and ``tid`` being the actor's own."""
        if isinstance(credential, UserAssertion):
            return _own(credential, actor)
        try:
            return await self._presented(actor, credential)
        except UnavailableError as error:
            raise StopError("try-again") from error

    async def _presented(self, actor: Actor, presented: Presented) -> UserAssertion:
        user_id = actor.channel_user_id
        if presented.token is not None:
            # Looked at before it is passed on: the token service must not keep it for the wrong user.
            _own(UserAssertion(presented.token), actor)
            kept = await self.user_tokens.exchange(user_id, presented.token)
            return _own(_or_stop(kept, exchange_failed=True), actor)
        if presented.code is not None:
            redeemed = await self.user_tokens.redeem(user_id, presented.code)
            return _own(_or_stop(redeemed, exchange_failed=False), actor)
        held = await self.user_tokens.assertion(user_id)
        return _own(_or_stop(None if isinstance(held, SignInNeeded) else held), actor)


def _or_stop(found: UserAssertion | None, *, exchange_failed: bool = False) -> UserAssertion:
    if found is None:
        raise sign_in_first(exchange_failed=exchange_failed)
    return found


def _own(assertion: UserAssertion, actor: Actor) -> UserAssertion:
    if not belongs_to(assertion, actor.identity):
        raise StopError("assertion-mismatch", impostor=assertion)
    return assertion
