"""The command desk, put together from the settings and what it works with."""

from __future__ import annotations

from bot.domain import separation
from bot.domain.grammar import Options
from bot.domain.picking import Aliases
from bot.domain.tickets import TicketPatterns
from bot.ports import Clock, OwnRoles, Store
from bot.service.activating import Activating
from bot.service.asking import Asking
from bot.service.commands import CommandDesk, SigningIn
from bot.service.facts import FactsReader
from bot.service.picker import Picker
from bot.settings import Settings


def command_desk(
    settings: Settings,
    *,
    own: OwnRoles,
    signing_in: SigningIn,
    store: Store,
    clock: Clock,
    facts: FactsReader,
    rules: separation.Rules,
) -> CommandDesk:
    """``rules``: for telling who could decide, and who could not."""
    picker = Picker(Aliases(settings.aliases), Options(TicketPatterns.of(settings.ticket_patterns)))
    return CommandDesk(
        settings.tenant_id,
        own,
        Activating(own, store, clock, picker, settings.activations_per_hour),
        Asking(own, store, facts, rules, picker),
        picker,
        signing_in,
        clock,
    )
