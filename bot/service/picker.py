"""Which of somebody's own roles is meant, and what to ask when that is not clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from bot.domain import durations
from bot.domain.activation import EligibleRole
from bot.domain.commands import CommandName
from bot.domain.grammar import Options, render
from bot.domain.model import ApprovalRequest, PimRequest
from bot.domain.picking import Aliases, Named, pick, picked
from bot.domain.replies import HowLong, NoneFitting, Option, Reply, WhichOne
from bot.domain.said import Chosen, Filled, Said, role_value
from bot.domain.typed import Activate, Extend, Span
from bot.ports import Transaction

NamedT = TypeVar("NamedT", bound=Named)
_DIGITS: Final = 2
_OFFERED: Final = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))


@dataclass(frozen=True, slots=True)
class Picker:
    """What administrators set about names and tickets, put to use."""

    aliases: Aliases
    options: Options

    def filled(self, command: Activate, roles: Sequence[EligibleRole], said: Said, at: datetime) -> Filled:
        """What the form starts with: whatever was typed already and can be told."""
        found = self.fitting(roles, command.role_text, said, command.scope_text)
        span = command.span.counted_from(command.starts_at or at)
        return Filled(
            role_value(found[0].key, found[0].scope) if len(found) == 1 else "",
            "" if span is None else durations.written(span),
            command.reason,
            command.ticket.number if command.ticket else "",
        )

    def one_of(
        self,
        roles: Sequence[NamedT],
        command: CommandName,
        typed: str,
        said: Said,
        *,
        text: str,
        scope_text: str | None = None,
    ) -> NamedT | Reply:
        """The one role that is meant; otherwise what to answer. ``text``: the command, to be said
        again with a choice.
        """
        found = self.fitting(roles, typed, said, scope_text)
        if len(found) == 1:
            return found[0]
        offered = found or (roles if not typed and said.chosen is None else ())
        return WhichOne(typed, text, options(offered)) if offered else self.none(command, typed, roles)

    def fitting(
        self, roles: Sequence[NamedT], typed: str, said: Said, scope_text: str | None = None
    ) -> tuple[NamedT, ...]:
        """Those that were picked, or are named; none when nothing was said."""
        if said.chosen is None:
            return pick(roles, typed, scope_text, self.aliases)
        chosen = picked(roles, said.chosen)
        return () if chosen is None else (chosen,)

    def none(self, command: CommandName, typed: str, roles: Sequence[Named]) -> NoneFitting:
        names = tuple(dict.fromkeys(role.display_name for role in roles))
        return NoneFitting(command, typed, names, self._with_unit(command, typed, roles))

    def _with_unit(self, command: CommandName, typed: str, roles: Sequence[Named]) -> str | None:
        """``activate SA 2`` wants hours, most likely."""
        name, _, last = typed.rpartition(" ")
        if command is not CommandName.ACTIVATE or not last.isdecimal() or len(last) > _DIGITS:
            return None
        found = pick(roles, name, aliases=self.aliases)
        if len(found) != 1:
            return None
        wanted = Activate(found[0].display_name, span=Span(duration=timedelta(hours=int(last))))
        return render(wanted) if int(last) else None

    def how_long(self, command: Activate | Extend, role: Named) -> HowLong:
        """Ask for the duration of a command that is whole but for it."""
        wanted = (replace(command, span=Span(duration=span)) for span in _OFFERED)
        texts = tuple((span, render(one, self.options)) for span, one in zip(_OFFERED, wanted, strict=True))
        return HowLong(role.display_name, Chosen(role.key, role.scope), texts)


def options(roles: Sequence[Named]) -> tuple[Option, ...]:
    return tuple(
        Option(Chosen(one.key, one.scope), one.display_name, one.scope, getattr(one, "scope_name", None))
        for one in roles
    )


async def asked_for(tx: Transaction, pim: PimRequest) -> tuple[str, ApprovalRequest | None]:
    """What the role of one's own request is called, as far as that is known here, and the request as
    it was taken in, if it was yet.
    """
    known, followed = await tx.request(pim.id), await tx.activation(pim.id)
    names = (known.role.display_name if known else "", followed.role_name if followed else "")
    named = (name for name in names if name and name != pim.role_definition_id)
    return next(named, pim.role_definition_id), known
