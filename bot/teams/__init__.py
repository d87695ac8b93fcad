"""Microsoft Teams, through botbuilder, which only this package may import."""

from bot.teams.assembly import TeamsAdapters, TeamsTurns, open_teams, teams_turns
from bot.teams.config import TeamsConfig

__all__ = ["TeamsAdapters", "TeamsConfig", "TeamsTurns", "open_teams", "teams_turns"]
