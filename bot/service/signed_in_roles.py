"""One's own roles where a sign-in stands in between: the act is written down, its answer has the link, and
the token that the sign-in ends in carries out exactly this act, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from pydantic import TypeAdapter

from bot.domain import activation as a
from bot.domain.activation import ActiveRole, EligibleRole, Wish
from bot.domain.content import CardContent
from bot.domain.grammar import render
from bot.domain.model import Actor, PimRequest, UserAssertion
from bot.domain.replies import Activated, GaveBack, Prolonged, Took
from bot.domain.said import Chosen
from bot.domain.typed import Extend, Span
from bot.service.own_roles import RoleDesk
from bot.service.presenting import linked, resumed
from bot.service.signing_in import SigningIn

ACTIVATE: Final = "activate"
DEACTIVATE: Final = "deactivate"
WITHDRAW: Final = "withdraw"
EXTEND: Final = "extend"
_WISH: Final = TypeAdapter(Wish)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SignedInRoles:
    """``ports.OwnRoles``. Made by ``of``, which also says how each act goes on after a sign-in."""

    desk: RoleDesk
    signing_in: SigningIn

    @classmethod
    def of(cls, desk: RoleDesk, signing_in: SigningIn) -> SignedInRoles:
        made = cls(desk, signing_in)
        signing_in.resume[ACTIVATE] = made.resume_activate
        signing_in.resume[DEACTIVATE] = made.resume_deactivate
        signing_in.resume[WITHDRAW] = made.resume_withdraw
        signing_in.resume[EXTEND] = made.resume_extend
        return made

    async def eligible(self, actor: Actor) -> tuple[EligibleRole, ...] | a.Trouble:
        return await self.desk.eligible(actor)

    async def active(self, actor: Actor) -> tuple[ActiveRole, ...] | a.Trouble:
        return await self.desk.active(actor)

    async def pending(self, actor: Actor) -> tuple[PimRequest, ...] | a.Trouble:
        return await self.desk.pending(actor)

    async def activate(self, actor: Actor, wish: Wish) -> a.ActivationOutcome:
        outcome = await self.desk.activate(actor, wish)
        return await self._linked(actor, ACTIVATE, _about(wish), {"wish": _document(wish)}, outcome)

    async def deactivate(
        self, actor: Actor, key: str, scope: str, *, when_possible: bool = False
    ) -> a.DeactivationOutcome:
        outcome = await self.desk.deactivate(actor, key, scope, when_possible=when_possible)
        payload = {"key": key, "scope": scope, "when_possible": when_possible}
        return await self._linked(actor, DEACTIVATE, f"{key} {scope}", payload, outcome)

    async def withdraw(self, actor: Actor, request_id: str | None = None) -> a.WithdrawalOutcome:
        outcome = await self.desk.withdraw(actor, request_id)
        payload = {"request": request_id}
        return await self._linked(actor, WITHDRAW, request_id or "", payload, outcome)

    async def extend(self, actor: Actor, wish: Wish, *, confirmed: bool = False) -> a.ExtensionOutcome:
        outcome = await self.desk.extend(actor, wish, confirmed=confirmed)
        payload = {"wish": _document(wish), "confirmed": confirmed}
        return await self._linked(actor, EXTEND, _about(wish), payload, outcome)

    async def _linked(
        self, actor: Actor, kind: str, subject: str, payload: Mapping[str, Any], outcome: _T
    ) -> _T:
        """The outcome with a link that finishes the act, where a sign-in is what it takes."""
        trouble = await linked(outcome, self.signing_in, actor, kind, subject, payload=payload)
        return outcome if trouble is None else cast("_T", trouble)

    # After the sign-in ----------------------------------------------------------------------

    async def resume_activate(
        self, actor: Actor, payload: Mapping[str, Any], assertion: UserAssertion
    ) -> CardContent:
        """See ``signing_in.Resume``."""
        wish = _WISH.validate_python(payload["wish"])
        with resumed(payload, assertion):
            return Activated(wish, await self.activate(actor, wish))

    async def resume_deactivate(
        self, actor: Actor, payload: Mapping[str, Any], assertion: UserAssertion
    ) -> CardContent:
        """See ``signing_in.Resume``."""
        key, scope = str(payload["key"]), str(payload["scope"])
        with resumed(payload, assertion):
            outcome = await self.deactivate(actor, key, scope, when_possible=bool(payload["when_possible"]))
        match outcome:
            case a.GivenBack(role=role) | a.TooEarly(role=role) | a.WillGiveBack(role=role):
                name = role.display_name
            case _:
                name = key
        return GaveBack(name, outcome, Chosen(key, scope))

    async def resume_withdraw(
        self, actor: Actor, payload: Mapping[str, Any], assertion: UserAssertion
    ) -> CardContent:
        """See ``signing_in.Resume``."""
        request_id = payload["request"]
        with resumed(payload, assertion):
            outcome = await self.withdraw(actor, None if request_id is None else str(request_id))
        return Took(outcome)

    async def resume_extend(
        self, actor: Actor, payload: Mapping[str, Any], assertion: UserAssertion
    ) -> CardContent:
        """See ``signing_in.Resume``."""
        wish = _WISH.validate_python(payload["wish"])
        with resumed(payload, assertion):
            outcome = await self.extend(actor, wish, confirmed=bool(payload["confirmed"]))
        said = Extend(wish.role.display_name, Span(duration=wish.duration), wish.reason)
        return Prolonged(wish, outcome, render(said))


def _about(wish: Wish) -> str:
    """One waiting act a role: asking again replaces the one before."""
    return f"{wish.role.key} {wish.role.scope}"


def _document(wish: Wish) -> Any:
    return _WISH.dump_python(wish, mode="json")
