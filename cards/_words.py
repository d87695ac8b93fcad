"""Domain values in words: durations, times, people, scopes, the pool, refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.domain import group_roles, lifecycle
from bot.domain.model import (
    ApprovalRequest,
    Person,
    Pool,
    Reason,
    Refusal,
    Role,
    Unreadable,
)
from cards._safe import plain
from cards.localised import text

NAME, ROLE, UPN, GROUP, SCOPE, TICKET, PROSE = 80, 100, 113, 80, 100, 60, 500
"""Characters shown of each kind of text; PIM takes justifications of up to 500."""

_NAMES_SHOWN: Final = 5
_AU: Final = "/administrativeunits/"


def duration(span: timedelta) -> str:
    """The two largest units: ``1 hour and 30 minutes``. Less than a second is ``0 seconds``."""
    left = max(0, int(span.total_seconds()))
    parts: list[str] = []
    for seconds, one, many in text.UNITS:
        n, left = divmod(left, seconds)
        if n:
            parts.append(one if n == 1 else many.format(n=n))
    return listed(parts[:2]) if parts else text.UNITS[-1][2].format(n=0)


def time(at: datetime) -> str:
    """An Adaptive Cards function: each viewer's client shows its own local time."""
    return f"{{{{TIME({_rfc3339(at)})}}}}"


def date(at: datetime) -> str:
    """As ``time``, the day: ``Mon, Nov 23, 2026``."""
    return f"{{{{DATE({_rfc3339(at)}, SHORT)}}}}"


def when(at: datetime) -> str:
    return text.WHEN.format(time=time(at), date=date(at))


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``. Of nothing: the empty string."""
    if len(items) < 2:  # noqa: PLR2004 - a list needs two
        return "".join(items)
    return text.AND.format(first=text.COMMA.join(items[:-1]), last=items[-1])


def name(person: Person) -> str:
    """Somebody's name, or else whatever tells them apart."""
    for candidate in (person.display_name, person.upn or "", person.identity.object_id):
        if shown := plain(candidate, NAME):
            return shown
    return text.NO_NAME


def role(asked: Role) -> str:
    """A role by its name; membership or ownership of a group as such."""
    group = group_roles.parse(asked.definition_id)
    if group is None:
        return plain(asked.display_name, ROLE) or plain(asked.definition_id, ROLE) or text.NO_NAME
    known = "" if asked.display_name == asked.definition_id else plain(asked.display_name, GROUP)
    return text.GROUP_ROLES[group.access].format(group=known or plain(group.group_id, GROUP))


def scope(directory_scope: str) -> str:
    """A ``directoryScopeId`` in words."""
    if directory_scope == "/":
        return text.WHOLE_DIRECTORY
    if directory_scope.lower().startswith(_AU):
        return text.ADMINISTRATIVE_UNIT.format(id=plain(directory_scope[len(_AU) :], SCOPE))
    return text.OTHER_SCOPE.format(scope=plain(directory_scope, SCOPE))


def fact(name_of_fact: str) -> str:
    return text.FACTS.get(name_of_fact) or plain(name_of_fact, GROUP)


def refusal(why: Refusal) -> str:
    """One reason, to the person it concerns."""
    detail = fact(why.detail) if why.reason is Reason.FACT_UNREADABLE else plain(why.detail, GROUP)
    if not detail and why.reason in text.REASONS_BARE:
        return text.REASONS_BARE[why.reason]
    return text.REASONS[why.reason].format(detail=detail)


def able(pool: Pool) -> str:
    """Who can decide, by name; the empty string when nobody can."""
    names = [name(member.person) for member in pool.able]
    more = len(names) - _NAMES_SHOWN
    if more > 0:
        names = [*names[:_NAMES_SHOWN], text.MORE_PEOPLE.format(n=more)]
    return listed(names)


def unable(pool: Pool) -> str:
    """How many of the pool can't, and why, each counted under their first reason."""
    firsts = Counter(member.refusals[0].reason for member in pool.members if member.refusals)
    reasons = [_counted(reason, firsts[reason]) for reason in Reason if firsts[reason]]
    return text.CANNOT.format(n=firsts.total(), reasons=text.COMMA.join(reasons)) if reasons else ""


def _counted(reason: Reason, n: int) -> str:
    one, many = text.POOL_REASONS[reason]
    return one if n == 1 else many.format(n=n)


def unreadable(pool: Pool | Unreadable) -> str:
    """The fact for whose want nobody can decide here; the empty string when none is missing."""
    missing = pool if isinstance(pool, Unreadable) else pool.unreadable
    return "" if missing is None else text.UNREADABLE_NOTE.format(fact=fact(missing.fact))


def is_open(request: ApprovalRequest) -> bool:
    return request.state in lifecycle.OPEN
