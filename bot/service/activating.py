"""Commands about one's own roles: asking for them, giving back, withdrawing, extending, repeating."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

import structlog

from bot.domain import activation
from bot.domain.activation import ActiveRole, EligibleRole, NeedsChange, Wish
from bot.domain.commands import CommandName
from bot.domain.following import Activation
from bot.domain.grammar import render
from bot.domain.model import Actor, Identity, PimRequest
from bot.domain.picking import pick, picked
from bot.domain.replies import (
    Activated,
    FormOffer,
    GaveBack,
    InTrouble,
    NothingBefore,
    Prolonged,
    Reply,
    Took,
    TooMany,
    WhichOne,
)
from bot.domain.said import Chosen, Said
from bot.domain.typed import Activate, Again, Cancel, Deactivate, Extend, Span
from bot.ports import Clock, OwnRoles, Store
from bot.service.picker import Picker, asked_for, options

log = structlog.get_logger(__name__)
_HOUR: Final = timedelta(hours=1)
_LOOKED_AT: Final = 100
"""Activations looked back at."""


OwnCommand = Activate | Again | Extend | Deactivate | Cancel


@dataclass(frozen=True, slots=True)
class Activating:
    """Takes one command each. ``per_hour``: how many activations a user may ask for."""

    own: OwnRoles
    store: Store
    clock: Clock
    picker: Picker
    per_hour: int
    _turns: WeakValueDictionary[Identity, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    """One activation of a user at a time, so that the second of two alike finds the first."""

    async def do(self, actor: Actor, command: OwnCommand, said: Said) -> Reply:
        match command:
            case Activate():
                return await self.activate(actor, command, said)
            case Again():
                return await self.again(actor)
            case Extend():
                return await self.extend(actor, command, said)
            case Deactivate():
                return await self.deactivate(actor, command, said)
            case Cancel():
                return await self.cancel(actor, command, said)

    async def activate(self, actor: Actor, command: Activate, said: Said) -> Reply:
        """Ask for a role; what is missing is asked for."""
        if not command.role_text and said.chosen is None:
            return FormOffer(render(command, self.picker.options))
        roles = await self.own.eligible(actor)
        if not isinstance(roles, tuple):
            return InTrouble(roles)
        found = self.picker.one_of(
            roles,
            CommandName.ACTIVATE,
            command.role_text,
            said,
            text=render(command, self.picker.options),
            scope_text=command.scope_text,
        )
        if not isinstance(found, EligibleRole):
            return found
        span = command.span.counted_from(command.starts_at or self.clock.now())
        if span is None:
            return self.picker.how_long(command, found)
        wish = Wish(found, _whole(span), command.starts_at, command.reason, command.ticket)
        return await self._send(actor, wish)

    async def again(self, actor: Actor) -> Reply:
        """Ask for what was asked for last, starting now."""
        earlier = await self._earlier(actor, 1)
        if not earlier:
            return NothingBefore()
        roles = await self.own.eligible(actor)
        if not isinstance(roles, tuple):
            return InTrouble(roles)
        last = earlier[0]
        role = picked(roles, Chosen(last.key, last.scope))
        if role is None:
            return self.picker.none(CommandName.ACTIVATE, last.role_name, roles)
        if last.duration is None:
            said_before = Activate(role.display_name, reason=last.reason, ticket=last.ticket)
            return self.picker.how_long(said_before, role)
        return await self._send(actor, Wish(role, last.duration, None, last.reason, last.ticket))

    async def deactivate(self, actor: Actor, command: Deactivate, said: Said) -> Reply:
        """Give a role back, now, or when it was confirmed at the first possible moment."""
        roles = await self.own.active(actor)
        if not isinstance(roles, tuple):
            return InTrouble(roles)
        text = render(command)
        role = self.picker.one_of(roles, CommandName.DEACTIVATE, command.role_text, said, text=text)
        if not isinstance(role, ActiveRole):
            return role
        outcome = await self.own.deactivate(actor, role.key, role.scope, when_possible=said.confirmed)
        return GaveBack(role.display_name, outcome, Chosen(role.key, role.scope))

    async def extend(self, actor: Actor, command: Extend, said: Said) -> Reply:
        """Have an active role for longer, for the reason that was given, or given before."""
        active = await self.own.active(actor)
        if not isinstance(active, tuple):
            return InTrouble(active)
        text = render(command)
        role = self.picker.one_of(active, CommandName.EXTEND, command.role_text, said, text=text)
        if not isinstance(role, ActiveRole):
            return role
        span = command.span.counted_from(self.clock.now())
        if span is None:
            return self.picker.how_long(command, role)
        wish = await self._prolonging(actor, role, span, command.reason)
        outcome = await self.own.extend(actor, wish, confirmed=said.confirmed)
        return Prolonged(wish, outcome, text)

    async def cancel(self, actor: Actor, command: Cancel, said: Said) -> Reply:
        """Withdraw the one request that is pending, or the one that is named."""
        pending = await self.own.pending(actor)
        if not isinstance(pending, tuple):
            return InTrouble(pending)
        asked = [_Asked(one.id, await self._name(one), one.scope, one) for one in pending]
        if said.chosen is not None:
            fitting = [one for one in asked if one.key == said.chosen.key]
        elif command.role_text:
            fitting = [*pick(asked, command.role_text, aliases=self.picker.aliases)]
        else:
            fitting = asked
        if len(fitting) > 1:
            return WhichOne(command.role_text, render(Cancel()), options(fitting))
        if not fitting and command.role_text and asked:
            return self.picker.none(CommandName.CANCEL, command.role_text, asked)
        if not fitting:
            return Took(activation.NothingPending())
        return Took(await self.own.withdraw(actor, fitting[0].key), fitting[0].display_name)

    # Sending --------------------------------------------------------------------------------

    async def _send(self, actor: Actor, wish: Wish) -> Reply:
        turn = self._turns.setdefault(actor.identity, asyncio.Lock())
        async with turn:
            too_many = await self._too_many(actor)
            if too_many is not None:
                return too_many
            outcome = await self.own.activate(actor, wish)
        log.info("activation_asked", role=wish.role.key, outcome=type(outcome).__name__)
        instead = outcome.instead if isinstance(outcome, NeedsChange) else None
        return Activated(wish, outcome, None if instead is None else self._said(instead))

    def _said(self, wish: Wish) -> str:
        """A wish as the command that says it; the role goes along as chosen."""
        name, span = wish.role.display_name, Span(duration=wish.duration)
        return render(
            Activate(name, None, span, wish.starts_at, wish.reason, wish.ticket), self.picker.options
        )

    async def _too_many(self, actor: Actor) -> TooMany | None:
        earlier = await self._earlier(actor, self.per_hour)
        if len(earlier) < self.per_hour:
            return None
        again_at = earlier[-1].asked_at + _HOUR
        return TooMany(self.per_hour, again_at) if again_at > self.clock.now() else None

    async def _earlier(self, actor: Actor, count: int) -> tuple[Activation, ...]:
        """The newest activations that the actor asked for here, newest first."""
        async with self.store.transaction() as tx:
            newest = await tx.activations_of(actor.identity, _LOOKED_AT)
        return tuple(one for one in newest if one.channel_user_id is not None)[:count]

    async def _prolonging(self, actor: Actor, role: ActiveRole, span: timedelta, reason: str) -> Wish:
        """With the eligibility that the role was activated by, and the reason given then if none is
        given now.
        """
        eligible = await self.own.eligible(actor)
        chosen = Chosen(role.key, role.scope)
        found = picked(eligible, chosen) if isinstance(eligible, tuple) else None
        through = found or EligibleRole(role.key, role.display_name, role.scope)
        before = [one for one in await self._earlier(actor, _LOOKED_AT) if picked([_as_role(one)], chosen)]
        ticket = self.picker.options.tickets.find(reason) or (before[0].ticket if before else None)
        why = reason or (before[0].reason if before else "")
        return Wish(through, _whole(span), None, why, ticket)

    async def _name(self, pim: PimRequest) -> str:
        async with self.store.transaction() as tx:
            return (await asked_for(tx, pim))[0]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A pending request, to be picked by its role's name; its key is its id."""

    key: str
    display_name: str
    scope: str
    pim: PimRequest


def _as_role(followed: Activation) -> EligibleRole:
    return EligibleRole(followed.key, followed.role_name, followed.scope)


def _whole(span: timedelta) -> timedelta:
    """To the second: PIM takes no fractions."""
    return timedelta(seconds=int(span.total_seconds()))
