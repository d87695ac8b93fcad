"""Commands that only ask: one's own roles and requests, what waits for one, who can approve."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.domain import separation
from bot.domain.activation import EligibleRole
from bot.domain.commands import CommandName
from bot.domain.grammar import render
from bot.domain.model import Actor, ApprovalRequest, Identity, PimRequest, Pool, Unreadable
from bot.domain.replies import (
    ApproversReply,
    InTrouble,
    OwnRequest,
    PendingReply,
    Reply,
    RolesReply,
    StatusReply,
    Waiting,
)
from bot.domain.said import Said
from bot.domain.typed import MyRoles, Pending, Status, WhoCanApprove
from bot.ports import OwnRoles, Store
from bot.service.facts import FactsReader
from bot.service.picker import Picker, asked_for

Question = MyRoles | Status | Pending | WhoCanApprove


@dataclass(frozen=True, slots=True)
class Asking:
    """Answers questions; changes nothing."""

    own: OwnRoles
    store: Store
    facts: FactsReader
    rules: separation.Rules
    picker: Picker

    async def do(self, actor: Actor, question: Question, said: Said) -> Reply:
        match question:
            case MyRoles():
                return await self.my_roles(actor)
            case Status():
                return await self.status(actor)
            case Pending():
                return await self.pending(actor)
            case WhoCanApprove():
                return await self.who_can_approve(actor, question, said)

    async def my_roles(self, actor: Actor) -> Reply:
        eligible, active = await asyncio.gather(self.own.eligible(actor), self.own.active(actor))
        if not isinstance(eligible, tuple):
            return InTrouble(eligible)
        return InTrouble(active) if not isinstance(active, tuple) else RolesReply(eligible, active)

    async def status(self, actor: Actor) -> Reply:
        waiting, active = await asyncio.gather(self.own.pending(actor), self.own.active(actor))
        if not isinstance(waiting, tuple):
            return InTrouble(waiting)
        if not isinstance(active, tuple):
            return InTrouble(active)
        return StatusReply(tuple([await self._own(pim) for pim in waiting]), active)

    async def _own(self, pim: PimRequest) -> OwnRequest:
        async with self.store.transaction() as tx:
            return OwnRequest(pim, *await asked_for(tx, pim))

    async def pending(self, actor: Actor) -> Reply:
        """Only requests in whose approver pool the actor is, the oldest first."""
        mine = [request for request in await self._open() if _in_pool(request, actor.identity)]
        mine.sort(key=lambda request: request.requested_at)
        outlook = separation.outlook
        return PendingReply(tuple(Waiting(one, outlook(actor.identity, one, self.rules)) for one in mine))

    async def _open(self) -> tuple[ApprovalRequest, ...]:
        async with self.store.transaction() as tx:
            return await tx.open_requests()

    async def who_can_approve(self, actor: Actor, command: WhoCanApprove, said: Said) -> Reply:
        """Told to those who may ask for the role, and to those whom requests for it wait for. A role
        that the actor has nothing to do with is answered like one that does not exist.
        """
        eligible = await self.own.eligible(actor)
        if not isinstance(eligible, tuple):
            return InTrouble(eligible)
        waiting = [one for one in await self._open() if _in_pool(one, actor.identity)]
        waiting.sort(key=lambda request: request.requested_at, reverse=True)
        # A role's approvers are the same at every scope: one of them stands for all.
        roles = {role.key: role for role in (*map(_role_of, waiting), *eligible)}
        found = self.picker.one_of(
            tuple(roles.values()), CommandName.WHO_CAN_APPROVE, command.role_text, said, text=render(command)
        )
        if not isinstance(found, EligibleRole):
            return found
        # Whoever may not ask for the role asks about the request that waits, of another person: of
        # several, the oldest.
        about = None if found in eligible else next(one for one in waiting[::-1] if _role_of(one) == found)
        return await self._approvers(actor.identity if about is None else about.requester.identity, found)

    async def _approvers(self, requester: Identity, role: EligibleRole) -> ApproversReply:
        facts = await self.facts.live(role.key)
        if isinstance(facts.policy, Unreadable):
            return ApproversReply(role.display_name, facts.policy)
        return ApproversReply(
            role.display_name,
            separation.forecast(requester, role.scope, facts.policy, facts.holders, self.rules),
            facts.policy.approval_required,
        )


def _in_pool(request: ApprovalRequest, who: Identity) -> bool:
    pool = request.pool
    return isinstance(pool, Pool) and any(member.person.identity == who for member in pool.members)


def _role_of(request: ApprovalRequest) -> EligibleRole:
    return EligibleRole(request.role.definition_id, request.role.display_name, request.scope)
