"""Sign-ins, and what was begun before them: carried out once, without a second click.

An act that lacks a token is written down with the secret of its link. Three ways lead on: the link
(our own ``/signin``, in a browser), a token that the client sends after an OAuth card in the
personal chat, or the code of that card's button. A step-up goes by the link only, and the token it
ends in serves that one act.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from bot.domain.audit import AuditEvent
from bot.domain.content import CardContent, Note
from bot.domain.errors import ChannelRefusedError, SecondKeyError, UnavailableError
from bot.domain.model import Actor, UserAssertion
from bot.domain.obstacles import Obstacle, Way
from bot.domain.sign_in import ACT_LIFE, PageKey, PendingAct, SignInRefusedError, started
from bot.ports import Clock, Effect, Ids, LeasedEffect, PersonalChat, SignIns, Store, UserTokens
from bot.service import evidence
from bot.service.assertion import belongs_to
from bot.service.common import entry, finish
from bot.service.stops import contexts_of

SIGN_IN_ASK: Final = "sign-in.ask"
ACT_CHECK: Final = "act.check"
_CHECK_AFTER: Final = timedelta(seconds=60)
"""Longer than any act takes (``sending``: 25 s)."""
_KEY: Final = re.compile(r"[0-9a-f]{64}")

Resume = Callable[[Actor, Mapping[str, Any], UserAssertion], Awaitable[CardContent | None]]
"""Carries out an act of one kind: who, with what payload, by which token. The answer is what they
are shown; None when there is nothing left to act on.
"""

log = structlog.get_logger(__name__)


class ActInterruptedError(SecondKeyError):
    """Something failed while an act was carried out: it may or may not have been done."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a browser goes next, and the cookie it is known by afterwards."""

    url: str
    cookie: str = field(repr=False)
    act: str
    """Tells the cookies of several sign-ins in one browser apart."""


@dataclass(frozen=True, slots=True)
class SigningIn:
    """``start_url``: our own ``/signin``. ``resume`` is filled in as services are made."""

    store: Store
    sign_ins: SignIns
    user_tokens: UserTokens
    chat: PersonalChat
    clock: Clock
    ids: Ids
    start_url: str
    resume: dict[str, Resume] = field(default_factory=dict)

    # Before: an act is begun ----------------------------------------------------------------

    async def begin(
        self,
        actor: Actor,
        kind: str,
        subject: str,
        payload: Mapping[str, Any],
        obstacle: Obstacle,
        *,
        ask: bool = True,
    ) -> str:
        """Write an act down and return the link that finishes it, good for ten minutes and for this
        actor only. ``ask``: also ask in the actor's personal chat, where it needs no more than that.
        """
        secret, now = self.ids.new_secret(), self.clock.now()
        act = PendingAct(
            key=_digest(secret),
            actor=actor,
            kind=kind,
            subject=subject,
            way=obstacle.way,
            begun_at=now,
            expires_at=now + ACT_LIFE,
            payload=dict(payload),
            claims=obstacle.claims,
        )
        async with self.store.transaction() as tx:
            await tx.save_act(act)
            if ask and act.way is Way.SIGN_IN:
                await tx.enqueue(Effect(f"{SIGN_IN_ASK}:{act.key}", SIGN_IN_ASK, now, {"act": act.key}))
        log.info("act_begun", kind=kind, subject=subject, way=act.way.value)
        return f"{self.start_url}?act={secret}"

    async def ask(self, effect: LeasedEffect) -> None:
        """Effect handler: ask for a token in the personal chat, while the act still waits. A repeat
        asks twice, and whichever answer comes first counts. Raises ``ChannelError``.
        """
        async with self.store.transaction() as tx:
            act = await tx.act(str(effect.payload["act"]))
        if act is not None and act.fault(self.clock.now()) is None:
            try:
                resource = await self.user_tokens.sign_in(act.actor.channel_user_id)
                await self.chat.ask_to_sign_in(act.actor.channel_user_id, resource)
            except ChannelRefusedError as error:
                # Not installed for them: the link on their card is there all the same.
                log.info("personal_chat_refused", status=error.status)
        async with self.store.transaction() as tx:
            await finish(tx, effect)

    # By the link, in a browser --------------------------------------------------------------

    async def start(self, secret: str) -> Redirect:
        """Somebody opened a link. Opening it changes nothing but which browser may finish it, so
        that a scanner that follows links does no harm. Raises ``SignInRefusedError``,
        ``UnavailableError``.
        """
        act = await self._waiting(_digest(secret))
        begun = await self.sign_ins.begin(act, f"{act.key}.{self.ids.new_secret()}")
        cookie = self.ids.new_secret()
        async with self.store.transaction() as tx:
            if not await tx.start_act(started(act, begun.flow, _digest(cookie))):
                raise SignInRefusedError(PageKey.USED)
        return Redirect(begun.url, cookie, short(act.key))

    async def complete(self, answer: Mapping[str, str], cookie: str | None) -> CardContent:
        """The browser came back from Entra: redeem the code, see whose token it is, and carry out
        the act. Raises ``SignInRefusedError``, ``UnavailableError``.
        """
        act = await self._answered(answer, cookie)
        assertion = await self.sign_ins.redeem(act.flow or {}, answer)
        await self._must_be_theirs(act, assertion)
        content = await self._carry_out(act, assertion)
        if content is None:
            raise SignInRefusedError(PageKey.NOTHING_LEFT)
        return content

    async def _waiting(self, key: str) -> PendingAct:
        async with self.store.transaction() as tx:
            act = await tx.act(key)
        if act is None:
            raise SignInRefusedError(PageKey.UNKNOWN)
        if (fault := act.fault(self.clock.now())) is not None:
            raise SignInRefusedError(fault)
        return act

    async def _answered(self, answer: Mapping[str, str], cookie: str | None) -> PendingAct:
        """The act that an answer belongs to; its state counts once, whatever comes of it."""
        state = answer.get("state", "")
        key = state.partition(".")[0]
        if not _KEY.fullmatch(key):
            raise SignInRefusedError(PageKey.UNKNOWN)
        act = await self._waiting(key)
        expected = str((act.flow or {}).get("state", ""))
        if not expected or not hmac.compare_digest(expected.encode(), state.encode()):
            raise SignInRefusedError(PageKey.USED)
        if act.browser is None or not hmac.compare_digest(act.browser, _digest(cookie or "")):
            # Somebody was sent a link that another browser was sent to: the act is not theirs.
            raise SignInRefusedError(PageKey.OTHER_BROWSER)
        async with self.store.transaction() as tx:
            if not await tx.end_flow(act):
                raise SignInRefusedError(PageKey.USED)
        return act

    async def _must_be_theirs(self, act: PendingAct, assertion: UserAssertion) -> None:
        if belongs_to(assertion, act.actor.identity):
            return
        await self._audit(AuditEvent.IMPERSONATION, act, {"kind": act.kind, **evidence.of_token(assertion)})
        log.error("sign_in_of_another_user", kind=act.kind, actor=act.actor.identity.object_id)
        raise SignInRefusedError(PageKey.OTHER_ACCOUNT)

    # By the client --------------------------------------------------------------------------

    async def finish_all(self, actor: Actor, assertion: UserAssertion) -> tuple[CardContent, ...]:
        """The token service has this actor's token now: carry out whatever they began that needs no
        more than that. ``assertion`` must be theirs. What can't be done is logged, and keeps nothing
        else from being done.
        """
        async with self.store.transaction() as tx:
            acts = await tx.acts_of(actor.identity)
        now, shown = self.clock.now(), list[CardContent]()
        for act in acts:
            if act.way is not Way.SIGN_IN or act.fault(now) is not None:
                continue
            try:
                content = await self._carry_out(act, assertion, keep=False)
            except SignInRefusedError:
                continue
            except Exception as error:
                # Each on its own: neither the others nor what was done already may be lost over it.
                log.exception("act_failed", kind=act.kind, subject=act.subject, error=type(error).__name__)
                content = Note("act-failed")
            if content is not None:
                shown.append(content)
        return tuple(shown)

    async def sign_out(self, actor: Actor) -> None:
        """Forget the actor's token, and whatever they began. Raises ``UnavailableError``."""
        await self.user_tokens.sign_out(actor.channel_user_id)
        async with self.store.transaction() as tx:
            for act in await tx.acts_of(actor.identity):
                await tx.use_act(act.key, self.clock.now())
            await tx.audit(entry(self.clock, AuditEvent.SIGNED_OUT, None, actor.identity))

    async def report_impostor(self, actor: Actor, assertion: UserAssertion) -> None:
        """Somebody else's token came as this actor's."""
        log.error("token_of_another_user", actor=actor.identity.object_id)
        async with self.store.transaction() as tx:
            facts = evidence.of_token(assertion)
            await tx.audit(entry(self.clock, AuditEvent.IMPERSONATION, None, actor.identity, facts))

    # Carrying out ---------------------------------------------------------------------------

    async def _carry_out(
        self, act: PendingAct, assertion: UserAssertion, *, keep: bool = True
    ) -> CardContent | None:
        """Once: whoever marks the act used carries it out. Raises ``SignInRefusedError``."""
        facts = {
            "kind": act.kind,
            "way": act.way.value,
            "contexts": list(contexts_of(assertion)),
            **evidence.of_token(assertion),
        }
        async with self.store.transaction() as tx:
            if not await tx.use_act(act.key, self.clock.now()):
                raise SignInRefusedError(PageKey.USED)
            await tx.audit(entry(self.clock, AuditEvent.SIGNED_IN, act.subject, act.actor.identity, facts))
            await tx.enqueue(_check(act, self.clock.now()))
        if keep and act.way is not Way.STEP_UP:
            await self._keep(act, assertion)
        log.info("act_resumed", kind=act.kind, subject=act.subject, way=act.way.value)
        try:
            content = await self.resume[act.kind](act.actor, act.payload, assertion)
            async with self.store.transaction() as tx:
                await tx.cancel(_check(act, self.clock.now()).key)
        except (UnavailableError, ConnectionError) as error:
            # From here on nobody may say that nothing was recorded.
            raise ActInterruptedError from error
        return content

    async def check(self, effect: LeasedEffect) -> None:
        """Effect handler: somebody's act was taken up a minute ago, and its end was not noted: the bot
        was stopped, or its store failed. It is not repeated; its owner is told to look.
        """
        async with self.store.transaction() as tx:
            act = await tx.act(str(effect.payload["act"]))
        if act is not None:
            log.error("act_interrupted", kind=act.kind, subject=act.subject)
            try:
                await self.chat.post(act.actor.channel_user_id, Note("act-failed"))
            except ChannelRefusedError as error:
                log.info("personal_chat_refused", status=error.status)
        async with self.store.transaction() as tx:
            await finish(tx, effect)

    async def _keep(self, act: PendingAct, assertion: UserAssertion) -> None:
        """Have the token service remember, so that the next click needs no sign-in. Not needed for
        this act, so that a failure only costs another sign-in.
        """
        try:
            kept = await self.user_tokens.exchange(act.actor.channel_user_id, assertion.token)
        except UnavailableError as error:
            log.warning("sign_in_not_kept", why=str(error))
            return
        if kept is None:
            log.info("sign_in_not_kept", why="the token service does not accept the token")

    async def _audit(self, event: AuditEvent, act: PendingAct, facts: Mapping[str, Any]) -> None:
        async with self.store.transaction() as tx:
            await tx.audit(entry(self.clock, event, act.subject, act.actor.identity, facts))


def short(key: str) -> str:
    """The beginning of an act's key, or of a sign-in's state, which begins with one."""
    return key[:16]


def _check(act: PendingAct, now: datetime) -> Effect:
    return Effect(f"{ACT_CHECK}:{act.key}", ACT_CHECK, now + _CHECK_AFTER, {"act": act.key})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
