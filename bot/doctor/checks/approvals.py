"""Whether the beta approvals API is still there: without it nothing can be decided from Teams.

The app itself may not read approvals, so that being refused is the good answer: only an API that exists
refuses. Graph's answer when it is gone is 400 ``Resource not found for the segment`` (as v1.0 has it now),
or 404 and 410 without an approval in sight. This call is not in the permissions table, because nothing is
gained from it but the refusal.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from bot.doctor.findings import Finding, critical, ok, warning
from bot.doctor.probing import Answer, ask
from bot.doctor.tools import NOBODY, Tools

PATH: Final = f"beta/roleManagement/directory/roleAssignmentApprovals/{NOBODY}"
_GONE: Final = "resource not found for the segment"
_BREAKS: Final = "No decision can be recorded from Teams. Requests are still found, posted and escalated."


async def look(tools: Tools) -> Iterable[Finding]:
    url = f"{tools.settings.endpoints.graph_url}/{PATH}"
    return [judge(await ask(tools.session, url, token=await tools.graph_token()))]


def is_gone(answer: Answer) -> bool:
    """Whether what was called is no longer an API of Graph's."""
    return _GONE in answer.error.lower() or answer.status == HTTPStatus.GONE


def judge(answer: Answer) -> Finding:
    if is_gone(answer):
        return critical(
            "approvals.gone",
            f"the approvals API is gone from Graph's beta: {answer.error or answer.status}",
            _BREAKS,
            "Approvers use the PIM portal. Look for a newer release of Second Key.",
        )
    if answer.busy:
        return warning(
            "approvals.unknown",
            f"Graph's beta gave no answer about the approvals API ({answer.status})",
            "Whether decisions can be recorded is not known.",
            "Run the doctor again in a minute.",
        )
    return ok("approvals.there", f"Graph's beta has it (and refuses it to the app itself: {answer.status})")
