"""The command desk, put together from the settings and what it works with."""

from __future__ import annotations

from bot.domain import separation
from bot.domain.grammar import Options
from bot.domain.picking import Aliases
from bot.domain.tickets import TicketPatterns
from bot.graph.adapters import GraphAdapters
from bot.ports import Clock, Store, UserTokens
from bot.service.activate import Activations
from bot.service.activating import Activating
from bot.service.asking import Asking
from bot.service.commands import CommandDesk
from bot.service.desk import ApproverDesk
from bot.service.facts import FactsReader
from bot.service.intake import Intake
from bot.service.own_roles import RoleDesk
from bot.service.picker import Picker
from bot.service.resuming import ResumedCommands
from bot.service.signed_in_roles import SignedInRoles
from bot.service.signing_in import SigningIn
from bot.settings import Settings


def own_roles(
    settings: Settings,
    graph: GraphAdapters,
    tokens: UserTokens,
    intake: Intake,
    *,
    store: Store,
    clock: Clock,
) -> RoleDesk:
    """Acts on one's own roles, by the tokens that are held."""
    return RoleDesk.of(
        Activations(
            graph.self_service, graph.role_facts, tokens, intake, store, clock, settings.ticket_system
        )
    )


def command_desk(
    settings: Settings,
    *,
    roles: RoleDesk,
    desk: ApproverDesk,
    signing_in: SigningIn,
    store: Store,
    clock: Clock,
    facts: FactsReader,
    rules: separation.Rules,
) -> ResumedCommands:
    """``rules``: for telling who could decide, and who could not."""
    picker = Picker(Aliases(settings.aliases), Options(TicketPatterns.of(settings.ticket_patterns)))
    own = SignedInRoles.of(roles, signing_in)
    commands = CommandDesk(
        settings.tenant_id,
        own,
        Activating(own, store, clock, picker, settings.activations_per_hour),
        Asking(own, store, facts, rules, picker),
        picker,
        desk,
        clock,
    )
    return ResumedCommands.of(commands, signing_in)
