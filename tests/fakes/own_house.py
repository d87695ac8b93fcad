"""The services of one's own roles joined as ``bot.bootstrap`` joins them, over fakes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from fakes.channel import FakeChannel
from fakes.house import PORTAL, FakeHouse
from fakes.people import token_of
from fakes.self_service import ELIGIBLE, FakePim
from fakes.values import RILEY, an_actor

from bot.domain.activation import Wish
from bot.domain.content import ActivationCard, CardContent
from bot.domain.errors import ChannelRefusedError
from bot.domain.following import Activation
from bot.domain.model import Actor, PostedCard, Ticket
from bot.ports import LeasedEffect
from bot.service.activate import Activations
from bot.service.followed import OWN_CARD, WATCH
from bot.service.living import LivingCards
from bot.service.own_roles import RoleDesk
from bot.service.watch import Watcher


def a_wish(**changes: object) -> Wish:
    values: dict[str, object] = {
        "role": ELIGIBLE,
        "duration": timedelta(hours=2),
        "starts_at": None,
        "reason": "ticket 1234",
        "ticket": Ticket("1234"),
    }
    return Wish(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class FakePersonalChat:
    """``ports.PersonalChat``, posting into the channel fake so that it can be edited there."""

    channel: FakeChannel
    refused: bool = False

    async def post(self, channel_user_id: str, content: CardContent) -> PostedCard:
        if self.refused:
            raise ChannelRefusedError("not installed", status=403)
        return await self.channel.post(f"chat:{channel_user_id}", content)


@dataclass
class OwnHouse(FakeHouse):
    """Riley is eligible for the role and signed in."""

    chat: FakePersonalChat = field(init=False)
    pim: FakePim = field(init=False)

    def __post_init__(self) -> None:
        self.chat = FakePersonalChat(self.channel)
        self.pim = FakePim(self.graph, self.clock)
        super().__post_init__()
        self.tokens.hold(self.riley.channel_user_id, token_of(self.riley.identity))

    def restart(self) -> None:
        super().restart()
        activations = Activations(
            self.pim, self.pim, self.tokens, self.intake, self.store, self.clock, "Tickets"
        )
        self.desk = RoleDesk.of(activations)
        self.watcher = Watcher(self.store, self.pim, self.graph, self.clock)
        self.living = LivingCards(self.store, self.chat, self.channel, self.clock, PORTAL)
        self.handlers = {
            WATCH: self.watcher.watch,
            OWN_CARD: self.living.sync,
            **self.desk.handlers,
        }

    @property
    def riley(self) -> Actor:
        return an_actor(RILEY)

    def followed(self) -> Activation:
        """The newest activation."""
        return max(self.store.state.activations.values(), key=lambda one: (one.asked_at, one.request_id))

    async def work(self) -> int:
        """Carry out whatever is due of one's own roles; how many effects that were."""
        done = 0
        while leased := await self.store.claim_effects("me", list(self.handlers), 10, 30):
            for effect in leased:
                await self.handlers[effect.kind](effect)
                done += 1
        return done

    async def due(self, kind: str) -> LeasedEffect:
        return await self.lease(kind)

    def shown(self) -> ActivationCard:
        """What Riley's chat shows last."""
        found = [c for c in self.channel.showing.values() if isinstance(c, ActivationCard)]
        return found[-1]
