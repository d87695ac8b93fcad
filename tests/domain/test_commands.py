"""The table of commands: whole, and within what Teams takes."""

from __future__ import annotations

import pytest

from bot.domain.commands import BY_NAME, COMMANDS, MAX_LISTED, CommandInfo, CommandName

every = pytest.mark.parametrize("info", COMMANDS, ids=lambda info: info.name)


def test_every_command_is_in_the_table_once() -> None:
    assert sorted(info.name for info in COMMANDS) == sorted(CommandName)
    assert set(BY_NAME) == set(CommandName)


@every
def test_a_syntax_and_an_example_start_with_the_commands_own_words(info: CommandInfo) -> None:
    assert info.syntax.startswith(info.name)
    assert info.example.startswith(info.name)


@every
def test_teams_has_room_for_the_title_and_the_description(info: CommandInfo) -> None:
    assert len(info.name) <= 32
    assert 0 < len(info.help) <= 128
    assert "\n" not in info.help


def test_teams_list_has_room_for_all_that_are_listed() -> None:
    assert sum(info.listed for info in COMMANDS) <= MAX_LISTED
