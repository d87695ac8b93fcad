"""What the services need from the outside, as protocols. Adapters implement them, bootstrap
joins them; nothing here is vendor-specific.
"""

from bot.ports.basics import Clock, Ids
from bot.ports.graph import (
    Approvals,
    AppTokens,
    Directory,
    GraphSubscription,
    RoleFacts,
    SelfService,
    SignIns,
    SignInStart,
    Subscriptions,
)
from bot.ports.services import (
    NOTHING_PRESENTED,
    Commands,
    Continuation,
    Desk,
    LoginAsked,
    OwnRoles,
    Presented,
)
from bot.ports.store import (
    AuditEntry,
    CardRow,
    Effect,
    LeasedEffect,
    OwnCardRow,
    Store,
    SubscriptionRow,
    Transaction,
)
from bot.ports.teams import Channel, PersonalChat, TurnAnswer, Turns, UserTokens

__all__ = [
    "NOTHING_PRESENTED",
    "AppTokens",
    "Approvals",
    "AuditEntry",
    "CardRow",
    "Channel",
    "Clock",
    "Commands",
    "Continuation",
    "Desk",
    "Directory",
    "Effect",
    "GraphSubscription",
    "Ids",
    "LeasedEffect",
    "LoginAsked",
    "OwnCardRow",
    "OwnRoles",
    "PersonalChat",
    "Presented",
    "RoleFacts",
    "SelfService",
    "SignInStart",
    "SignIns",
    "Store",
    "SubscriptionRow",
    "Subscriptions",
    "Transaction",
    "TurnAnswer",
    "Turns",
    "UserTokens",
]
