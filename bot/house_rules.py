"""The settings as the domain takes them, for the house and for whoever looks at it."""

from __future__ import annotations

from datetime import timedelta

from bot.domain import separation, sla
from bot.domain.model import SlaPlan
from bot.settings import Settings


def house_rules(settings: Settings) -> separation.Rules:
    """What separation of duties depends on."""
    return separation.Rules(
        settings.tenant_id.lower(),
        frozenset(object_id.lower() for object_id in settings.break_glass),
        settings.active_holders_may_decide,
        settings.guests_may_decide,
    )


def ladder(settings: Settings) -> SlaPlan:
    """When ops are pinged."""
    return sla.plan(
        timedelta(seconds=settings.sla_seconds),
        tuple(timedelta(seconds=s) for s in settings.sla_further_seconds),
        timedelta(seconds=settings.sla_repeat_seconds),
    )
