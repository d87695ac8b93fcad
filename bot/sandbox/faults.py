"""Faults on demand: which of them a request meets."""

from __future__ import annotations

import re

from bot.sandbox.world import Fault, World


def take(world: World, service: str, text: str) -> Fault | None:
    """The first fault for ``METHOD /path?query``, counted down."""
    for fault in world.faults.values():
        if fault.service != service or re.search(fault.match, text) is None:
            continue
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del world.faults[fault.id]
        return fault
    return None
