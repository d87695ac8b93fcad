"""Which of somebody's own roles a command is about: by name and scope, or by what was picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from bot.domain import group_roles
from bot.domain.role_names import Candidate, NoneFits, Rule, resolve
from bot.domain.said import Chosen

_DIRECTORY = ("whole directory", "directory", "tenant", "everything", "/")


class Named(Protocol):
    """A role at a scope: ``EligibleRole``, ``ActiveRole``."""

    @property
    def key(self) -> str: ...

    @property
    def display_name(self) -> str: ...

    @property
    def scope(self) -> str: ...


T = TypeVar("T", bound=Named)


@dataclass(frozen=True, slots=True)
class Aliases:
    """Further names of roles, by role key or display name in lower case."""

    of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def names(self, role: Named) -> tuple[str, ...]:
        """Everything a role is called, its own name first. The group's name alone is that of both
        its roles, so that it is asked which of them is meant.
        """
        shown = role.display_name
        more = (*self.of.get(role.key.lower(), ()), *self.of.get(shown.lower(), ()))
        group = group_roles.parse(role.key)
        if group is None:
            return (shown, *more)
        name = shown.removesuffix(group_roles.OWNER_SUFFIX)
        return (shown, name, f"{group.access.value} of {name}", *more)


def pick(
    roles: Sequence[T], role_text: str, scope_text: str | None = None, aliases: Aliases | None = None
) -> tuple[T, ...]:
    """Those that fit; exactly one is what is meant. A name that holds ``on`` is tried whole first.

    The same role at several scopes is several roles, told apart by ``scope_text``: the scope's
    name, or the last part of its path.
    """
    known = aliases or Aliases()
    candidates = [Candidate(role.key, known.names(role)) for role in roles]
    if scope_text is not None:
        whole = resolve(f"{role_text} on {scope_text}", candidates)
        if not isinstance(whole, NoneFits) and whole.rule is Rule.WHOLE:
            return _of(roles, whole.keys)
    named = _of(roles, resolve(role_text, candidates).keys)
    if scope_text is None or not named:
        return named
    scopes = [Candidate(role.scope, _scope_names(role)) for role in named]
    fitting = resolve(scope_text, scopes).keys
    return tuple(role for role in named if role.scope in fitting)


def picked(roles: Sequence[T], chosen: Chosen) -> T | None:
    """The one that was picked from a list; None when it is none of these (any more)."""
    return next(
        (role for role in roles if role.key == chosen.key and role.scope == chosen.scope),
        None,
    )


def _of(roles: Sequence[T], keys: tuple[str, ...]) -> tuple[T, ...]:
    return tuple(role for role in roles if role.key in keys)


def _scope_names(role: Named) -> tuple[str, ...]:
    if role.scope == "/":
        return _DIRECTORY
    name = getattr(role, "scope_name", None)
    return tuple(filter(None, (name, role.scope.rstrip("/").rpartition("/")[2], role.scope)))
