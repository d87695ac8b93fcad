"""Every check, in the order of the report."""

from __future__ import annotations

from typing import Final

from bot.doctor.checks import (
    approvals,
    break_glass,
    clock,
    configuration,
    database,
    delegated,
    permissions,
    pools,
    public_url,
    signals,
    teams,
    tokens,
)
from bot.doctor.running import Check

_MANY_READS: Final = 60.0
_EVERY_GROUP: Final = 180.0
"""PIM's settings of groups are to be had group by group only."""
_GRAPH: Final = ("graph-token",)
_BOT: Final = ("bot-token",)

CHECKS: Final = (
    Check("settings", "Settings", configuration.look, "whether they are complete, and wise"),
    Check("clock", "Clock", clock.look, "whether it agrees with Entra's and Graph's"),
    Check(
        "public-url",
        "Public URL",
        public_url.look,
        "DNS, TLS and its certificate's end; whether it is this bot that answers, refuses what is not signed,"
        " and would pass Graph's validation",
    ),
    Check(
        "certificate",
        "Client certificate",
        tokens.look_at_certificate,
        "whether it is readable, and until when",
    ),
    Check("graph-token", "Token for Graph", tokens.look_for_graph, "whether Entra gives the app one"),
    Check("bot-token", "Token for Teams", tokens.look_for_bot, "whether Entra gives the app one"),
    Check(
        "permissions",
        "Graph permissions",
        permissions.look,
        "each application permission, by a call that reads nothing; and those that nobody needs",
        _GRAPH,
        _MANY_READS,
    ),
    Check("approvals", "Approvals API", approvals.look, "whether Graph's beta still has it", _GRAPH),
    Check("channel-keys", "Bot Connector's keys", teams.look_at_keys, "whether they can be fetched"),
    Check(
        "channels",
        "Teams channels",
        teams.look_at_channels,
        "whether each is there and the bot is in its team, by reading its members; nothing is posted",
        _BOT,
    ),
    Check(
        "oauth", "OAuth connection", teams.look_at_oauth, "whether the Azure Bot has it by that name", _BOT
    ),
    Check(
        "delegated",
        "Delegated permissions",
        delegated.look,
        "with `--as`, as that person: what their token is good for, and each call that only reads",
        ("graph-token", "channels", "oauth"),
        _MANY_READS,
    ),
    Check("database", "Database", database.look, "whether it can be reached, and its schema's version"),
    Check("queue", "Effect queue", database.look_at_queue, "what is overdue, and why", ("database",)),
    Check(
        "poll",
        "Signal: poll",
        signals.look_at_poll,
        "whether pending requests can be listed",
        _GRAPH,
        _MANY_READS,
    ),
    Check(
        "subscriptions",
        "Signal: subscriptions",
        signals.look_at_subscriptions,
        "whether they are alive; those that the bot has not made yet are made and deleted again",
        ("graph-token", "public-url"),
        _MANY_READS,
    ),
    Check(
        "pools",
        "Approver pools",
        pools.look,
        "for each role and each managed group that needs approval, whether two can decide by separation of"
        " duties",
        _GRAPH,
        _EVERY_GROUP,
    ),
    Check(
        "break-glass",
        "Break-glass accounts",
        break_glass.look,
        "whether they are there, Global Administrator for good and outside PIM, and in no approver pool",
        _GRAPH,
        _EVERY_GROUP,
    ),
)
