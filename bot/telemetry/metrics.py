"""Every metric there is. ``docs/metrics.md`` is generated from here.

No label is an identity, a role or free text: label values come from enums and tables in the code,
so that whoever may read the metrics learns nothing about anybody, and their number stays bounded.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from bot.telemetry.instruments import Counter, Gauge, Histogram, Instrument

_FAST: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SLOW: Final = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
_KIND: Final = "the effect's kind: `card.sync`, `ops.ping`, `reconcile`, …"


class Outcome(StrEnum):
    """What became of a decision that was sent to Graph."""

    RECORDED = "recorded"
    DECIDED_ELSEWHERE = "decided-elsewhere"
    NOT_TAKEN = "not-taken"
    UNKNOWN = "unknown"


INFO = Gauge(
    name="info",
    tells="Always 1; says what is running.",
    labels={"version": "of Second Key", "cloud": "`SECONDKEY_CLOUD`", "store": "`sqlite`, `postgresql`"},
)
TAKEN_IN = Counter(
    name="requests_taken_in_total",
    tells="Pending PIM requests taken in, by the signal that told of them first.",
    labels={"source": "`poll`, `subscription`, `command`"},
)
CARDS = Counter(
    name="cards_total",
    tells="Cards shown in Teams.",
    labels={"card": "`request`, `ops`, `conduct`", "action": "`posted`, `edited`"},
)
REQUEST_TO_CARD = Histogram(
    name="request_to_card_seconds",
    tells="From a request's creation in PIM to its card in the approver channel.",
    buckets=_SLOW,
)
DECISIONS = Counter(
    name="decisions_total",
    tells="Decisions that were sent to Graph, by what became of them.",
    labels={
        "choice": "`approve`, `deny`",
        "outcome": "`recorded`, `decided-elsewhere` (somebody was quicker), `not-taken` (Graph refused, and"
        " the request is open again), `unknown` (no answer; recovery asks)",
    },
)
DECISION_SECONDS = Histogram(
    name="decision_seconds", tells="From a click that was allowed to Graph's confirmation.", buckets=_FAST
)
REFUSALS = Counter(
    name="refusals_total",
    tells="Clicks refused by separation of duties; a click with several reasons counts for each.",
    labels={"reason": "the rule, as in the audit log: `own-request`, `eligible-directly`, …"},
)
NOT_SENT = Counter(
    name="decisions_not_sent_total",
    tells="Clicks that were allowed but did not reach Graph.",
    labels={"why": "`sign-in-needed`, `step-up-needed`, `reason-required`, `already-decided`, …"},
)
FORGED = Counter(
    name="forged_clicks_total",
    tells="Clicks that no card of ours sends: audited with who sent them, and nothing decided.",
    labels={"cause": "`verbs-differ`, `card-of-another-request`, `unknown-request`, `bad-reason`, …"},
)
COMMANDS = Counter(
    name="commands_total",
    tells="What was typed, pressed or filled in, by how it was answered.",
    labels={
        "command": "the first words of the README's table, or `unread`",
        "answer": "what came of it: `sent`, `needs-change`, `which-one`, `sign-in-needed`, `roles`, …",
    },
)
CONDUCT_REPORTS = Counter(
    name="conduct_reports_total",
    tells="Reports to ops about somebody who kept trying to decide what they may not.",
)
OBO_FAILURES = Counter(
    name="obo_failures_total",
    tells="Exchanges of an approver's token that Entra did not make.",
    labels={"kind": "`claims-challenge`, `interaction-required`, `unavailable`, `rejected`"},
)
PINGS = Counter(
    name="ladder_pings_total",
    tells="Pings to ops.",
    labels={"cause": "`unanswered`, `empty-pool`, …", "rung": "`0` to `3`, `4+`"},
)
SLA_BREACHES = Counter(
    name="sla_breaches_total", tells="Requests that nobody answered before the first rung of the ladder."
)
EFFECTS = Counter(
    name="effects_total",
    tells="Effects carried out.",
    labels={
        "kind": _KIND,
        "result": "`done`, `failed` (tried again soon), `refused` (tried again slowly; a person has to mend"
        " it), `unsettled` (a fault of ours)",
    },
)
ACTIVATIONS = Counter(
    name="activations_total",
    tells="Activations asked of the bot, by what came of it.",
    labels={
        "outcome": "`Sent`, `NeedsChange`, `AlreadyActive`, `StepUpNeeded`, … as in `domain/activation.py`"
    },
)
PROPAGATION_SECONDS = Histogram(
    name="activation_propagation_seconds",
    tells="From an activation's being granted (and due) to its being seen to work in Graph.",
    buckets=_SLOW,
)
EFFECT_SECONDS = Histogram(
    name="effect_seconds",
    tells="How long carrying out an effect took.",
    labels={"kind": _KIND},
    buckets=_FAST,
)
EFFECTS_PENDING = Gauge(
    name="effects_pending",
    tells="Effects written down and not done, due or not. Read from the store at each scrape, so that every"
    " replica tells the same.",
    labels={"kind": _KIND},
)
EFFECTS_OVERDUE = Gauge(
    name="effects_overdue_seconds",
    tells="How long the oldest effect has been due; 0 when none is. For `reconcile`, how long Graph has not"
    " been read.",
    labels={"kind": _KIND},
)
EFFECTS_ATTEMPTS = Gauge(
    name="effects_attempts_max",
    tells="Attempts of the pending effect that was tried most often.",
    labels={"kind": _KIND},
)
STORE_UP = Gauge(name="store_up", tells="Whether the database answered at this scrape: 1 or 0.")
RECONCILE_SECONDS = Histogram(
    name="reconcile_seconds",
    tells="How long a round of reconciliation took.",
    labels={"result": "`done`, `partial` (some groups could not be read), `failed`"},
    buckets=_FAST,
)
UPSTREAM_SECONDS = Histogram(
    name="upstream_seconds",
    tells="Calls to Microsoft's services, each attempt by itself.",
    labels={
        "service": "`graph`, `teams` (connector and token service)",
        "operation": "method and path, ids left out",
        "status": "HTTP status, or `none` when no answer came",
    },
    buckets=_FAST,
)
APP_TOKENS = Counter(
    name="app_tokens_total",
    tells="The bot's own tokens.",
    labels={"result": "`cached`, `fetched`, `kept` (Entra was away, the old one still lives), `failed`"},
)
HTTP_SECONDS = Histogram(
    name="http_seconds",
    tells="Requests to the bot's own endpoints.",
    labels={"endpoint": "the route, or `other`", "status": "HTTP status"},
    buckets=_FAST,
)
INBOUND_REFUSED = Counter(
    name="inbound_refused_total",
    tells="What strangers sent and was not accepted.",
    labels={"cause": "`unknown-kid`, `client-state`, `too-large`, … as in the log's `inbound_refused`"},
)

ALL: Final[tuple[Instrument, ...]] = tuple(
    found for found in dict(globals()).values() if isinstance(found, Instrument)
)
