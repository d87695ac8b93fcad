"""``secondkey doctor --sandbox``: a healthy tenant in a box and a bot, for the doctor to look at."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from bot.demo.processes import DemoError, stage
from bot.demo.town import Town

_FAILED: Final = 4
_PERSON: Final = "alex"


def examine_sandbox(arguments: Sequence[str], person: UUID | None = None) -> int:
    """Start both, run ``secondkey doctor`` with these arguments beside them, and return its exit code.
    ``person``: whom it tries delegated permissions as; by default an approver of the tenant.
    """
    return asyncio.run(_examine(arguments, person))


async def _examine(arguments: Sequence[str], person: UUID | None) -> int:
    with tempfile.TemporaryDirectory(prefix="secondkey-doctor-") as directory:
        try:
            async with stage(Path(directory), profile="healthy") as set_up:
                await set_up.bot.start(set_up.session)
                doctor = await asyncio.create_subprocess_exec(
                    *(
                        sys.executable,
                        "-m",
                        "bot",
                        "doctor",
                        *arguments,
                        "--as",
                        str(person or Town.of(set_up).id_of(_PERSON)),
                    ),
                    env=dict(set_up.bot.env),
                    cwd=directory,
                )
                return await doctor.wait()
        except DemoError as error:
            print(f"The sandbox and its bot did not start: {error}", file=sys.stderr)
            return _FAILED
