"""Every string a user reads, in English; those of the answers to commands are in ``text_commands``.
Nothing else of the package holds wording.

Templates are filled with ``str.format``, whose arguments are not read as templates again.
Templates that take a stranger's text stand in ``TextRun``s; the others may hold Markdown.
"""

# ruff: noqa: RUF001 - the glyphs are meant: they say in shape what styles say in colour
from __future__ import annotations

from typing import Final

from bot.domain.content import PingCause
from bot.domain.following import HowEnded, Stage
from bot.domain.group_roles import Access
from bot.domain.model import Danger, Reason, State
from bot.domain.sign_in import PageKey

# What a request is -----------------------------------------------------------------------

OVERDUE: Final = "⏰ Overdue"

STATES: Final[dict[State, str]] = {
    State.PENDING: "⏳ Waiting for a decision",
    State.DECIDING: "… A decision is being recorded",
    State.APPROVED: "✔ Approved",
    State.DENIED: "✖ Denied",
    State.WITHDRAWN: "↩ Withdrawn",
    State.EXPIRED: "⌛ Lapsed",
    State.DECIDED_ELSEWHERE: "■ Decided outside this channel",
    State.FAILED: "⚠ Failed",
    State.ACTIVE: "✔ Active",
    State.ENDED: "■ Ended",
}
APPROVED_ELSEWHERE: Final = "✔ Approved outside this channel"
DENIED_ELSEWHERE: Final = "✖ Denied outside this channel"

STATE_NOTES: Final[dict[State, str]] = {
    State.DECIDING: "Nothing is final until Microsoft Graph confirms it.",
    State.APPROVED: "Microsoft Graph confirmed the decision. PIM is switching the role on.",
    State.DENIED: "Microsoft Graph confirmed the decision. The role was not switched on.",
    State.WITHDRAWN: "The request was taken back. There is nothing left to decide.",
    State.EXPIRED: "Nobody decided in time, so PIM closed the request. The requester can ask again.",
    State.DECIDED_ELSEWHERE: "In the PIM portal or another tool, as Microsoft Graph reports.",
    State.FAILED: "PIM could not carry out this request. The PIM portal says why.",
    State.ACTIVE: "Microsoft Graph confirmed the decision. The role is switched on.",
    State.ENDED: "The activation is over.",
}
OVERDUE_NOTE: Final = "Nobody has answered for {waited}. Ops were pinged."
PINGED_NOTE: Final = "Ops were pinged about this request."

DANGERS: Final[dict[Danger, str]] = {
    Danger.CRITICAL: "▲▲▲ Critical role",
    Danger.HIGH: "▲▲ High-risk role",
    Danger.ELEVATED: "▲ Elevated role",
}
DANGER_NOTES: Final[dict[Danger, str]] = {
    Danger.CRITICAL: "can take over the whole organisation",
    Danger.HIGH: "can weaken security or reach other people's access",
    Danger.ELEVATED: "can do more than an ordinary user",
}

# Rows of the card ------------------------------------------------------------------------

WHO: Final = "Who"
ROLE: Final = "Role"
HOW_LONG: Final = "How long"
WHERE: Final = "Where"
WHY: Final = "Their reason"
TICKET: Final = "Ticket"
STARTS: Final = "Starts"
ASKED: Final = "Asked"
APPROVALS: Final = "Approvals"
VOTES: Final = "{n} of {quorum} needed"
TIME_LEFT: Final = "Time left"
WHO_CAN: Final = "Can decide"
APPROVED_BY: Final = "Approved by"
DENIED_BY: Final = "Denied by"
DECIDING_BY: Final = "Sent by"
DECISION: Final = "Decision"
DECIDED_REASON: Final = "Because"
DECIDED_AT: Final = "Decided"
ENDED_AT: Final = "Closed"
TO_DO: Final = "What to do"

NO_NAME: Final = "(no name)"
NO_REASON: Final = "None given"
NO_END: Final = "⚠ No end stated"
TICKET_IN: Final = "{number} in {system}"
GROUP_ROLES: Final[dict[Access, str]] = {
    Access.MEMBER: "Member of {group}",
    Access.OWNER: "Owner of {group}",
}
WHOLE_DIRECTORY: Final = "Whole directory"
ADMINISTRATIVE_UNIT: Final = "One administrative unit ({id})"
OTHER_SCOPE: Final = "One directory object ({scope})"
NOT_SAID_WHO: Final = "Microsoft Graph did not say who"
NOT_SAID_HOW: Final = "Microsoft Graph did not say how, or by whom"

OPS_PINGED_AT: Final = "Ops are pinged at {time}"
LAPSES_AT: Final = "PIM closes the request at {time}"
WHEN: Final = "{time}, {date}"

UNITS: Final = (
    (86400, "1 day", "{n} days"),
    (3600, "1 hour", "{n} hours"),
    (60, "1 minute", "{n} minutes"),
    (1, "1 second", "{n} seconds"),
)
AND: Final = "{first} and {last}"
COMMA: Final = ", "

# Who can decide --------------------------------------------------------------------------

YOU_CAN: Final = "You can decide this."
MORE_PEOPLE: Final = "{n} more"
CANNOT: Final = "{n} can't: {reasons}."
DEFAULTED: Final = "The role names no approvers, so PIM asks every Privileged Role and Global Administrator."
NOBODY: Final = "Nobody"
EMPTY_POOL: Final = "⚠ Nobody in the approver pool may decide this"
UNREADABLE_POOL: Final = "⚠ Nobody can decide here for now: use the PIM portal"
UNREADABLE_NOTE: Final = "Second Key could not read {fact}."
CHECKED_AGAIN: Final = "Conflicts are checked again at each click."

FACTS: Final = {
    "approver policy": "who approves this role",
    "eligibility": "who is eligible for this role",
    "account type": "whether the account is a guest",
}
"""Names of facts (``Unreadable.fact``) in words; an unknown one is shown as it is."""

POOL_REASONS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.OTHER_TENANT: ("1 is from another tenant", "{n} are from another tenant"),
    Reason.OWN_REQUEST: ("1 is the requester", "{n} are requesters"),
    Reason.BREAK_GLASS: ("1 is a break-glass account", "{n} are break-glass accounts"),
    Reason.NOT_AN_APPROVER: ("1 is not an approver", "{n} are not approvers"),
    Reason.NO_LONGER_AN_APPROVER: ("1 is no longer an approver", "{n} are no longer approvers"),
    Reason.GUEST: ("1 is a guest", "{n} are guests"),
    Reason.ELIGIBLE_DIRECTLY: ("1 is eligible for the role", "{n} are eligible for the role"),
    Reason.ELIGIBLE_THROUGH_GROUP: (
        "1 is eligible for the role through a group",
        "{n} are eligible for the role through a group",
    ),
    Reason.ELIGIBLE_FOR_GROUP: (
        "1 can join a group that has the role",
        "{n} can join a group that has the role",
    ),
    Reason.ELIGIBLE_THROUGH_NESTED_GROUPS: (
        "1 can reach the role through groups in groups",
        "{n} can reach the role through groups in groups",
    ),
    Reason.OWNS_GROUP: (
        "1 owns, or can own, a group that leads to the role",
        "{n} own, or can own, a group that leads to the role",
    ),
    Reason.HOLDS_ROLE: ("1 holds the role now", "{n} hold the role now"),
    Reason.FACT_UNREADABLE: ("1 could not be checked", "{n} could not be checked"),
}

# Why somebody may not decide -------------------------------------------------------------

REFUSED: Final = "⛔ You can't decide this"
REASONS: Final[dict[Reason, str]] = {
    Reason.OTHER_TENANT: "Your account belongs to another tenant.",
    Reason.OWN_REQUEST: "This is your own request.",
    Reason.BREAK_GLASS: "Break-glass accounts take no part in approvals.",
    Reason.NOT_AN_APPROVER: "You are not an approver of this request.",
    Reason.NO_LONGER_AN_APPROVER: "You are no longer an approver of this role.",
    Reason.GUEST: "You are a guest in this tenant, and guests take no part in approvals.",
    Reason.ELIGIBLE_DIRECTLY: "You are eligible for this role yourself.",
    Reason.ELIGIBLE_THROUGH_GROUP: "You are eligible for this role through the group {detail}.",
    Reason.ELIGIBLE_FOR_GROUP: "You can activate membership in {detail}, and with it comes this role.",
    Reason.ELIGIBLE_THROUGH_NESTED_GROUPS: "You can reach this role by way of groups: {detail}.",
    Reason.OWNS_GROUP: "As an owner you could add yourself to a group that leads to this role: {detail}.",
    Reason.HOLDS_ROLE: "You hold this role now, through {detail}.",
    Reason.FACT_UNREADABLE: "Second Key could not read {detail}, so it can't rule out a conflict.",
}
REASONS_BARE: Final[dict[Reason, str]] = {
    Reason.ELIGIBLE_THROUGH_GROUP: "You are eligible for this role through a group.",
    Reason.ELIGIBLE_FOR_GROUP: "You can activate membership in a group, and with it comes this role.",
    Reason.ELIGIBLE_THROUGH_NESTED_GROUPS: "You can reach this role by way of groups.",
    Reason.OWNS_GROUP: "As an owner you could add yourself to a group that leads to this role.",
    Reason.HOLDS_ROLE: "You hold this role now.",
    Reason.FACT_UNREADABLE: "Second Key could not read a fact it needs, so it can't rule out a conflict.",
}
"""The same for refusals without a detail."""

# What just happened to a click -----------------------------------------------------------

NOTICES: Final[dict[str, str]] = {
    "recorded-approved": "✔ Recorded: you approved this request, and Microsoft Graph confirmed it.",
    "recorded-denied": "✖ Recorded: you denied this request, and Microsoft Graph confirmed it.",
    "already-decided": "ℹ Your click was not needed: this request was already decided.",
    "being-decided": "ℹ Somebody's decision is being recorded right now. Yours was not sent.",
    "still-working": (
        "… Your click is still being worked on. Don't click again: what comes of it is told in your chat "
        "with me, and this card changes when Graph confirms it."
    ),
    "role-unknown": (
        "⚠ Second Key could not read which role this is, so it doesn't know which rules apply. Nothing was "
        "recorded: try again in a minute, or use the PIM portal."
    ),
    "still-recording": "… Your decision is still being recorded. This card changes when Graph confirms it.",
    "refused": "⛔ Your decision was not accepted. Nothing was sent to PIM.",
    "sign-in-needed": "⚠ Sign in, and your decision is carried out. Nothing is recorded yet.",
    "reason-required": "⚠ This role asks for a reason. Write one, then decide again. Nothing was recorded.",
    "not-open": "ℹ This request is no longer open. Nothing was recorded.",
    "try-again": "⚠ Microsoft Graph can't be reached just now. Nothing was recorded: try again in a minute.",
    "outcome-unknown": "… Graph has not confirmed your decision yet. Don't count on it: it is being checked.",
    "sign-in-expired": (
        "⚠ Your sign-in has expired. Sign in: your decision is then carried out. Nothing is recorded yet."
    ),
    "sign-in-revoked": (
        "⚠ Your sign-in was revoked, for instance by a new password. Sign in again: your decision is then "
        "carried out. Nothing is recorded yet."
    ),
    "interaction-needed": (
        "⚠ Entra wants you to sign in again. Your decision is then carried out. Nothing is recorded yet."
    ),
    "sign-in-blocked": (
        "⛔ Entra does not let you in: a policy or your account's state forbids it. Nothing was recorded. "
        "Your administrator can say why."
    ),
    "step-up-needed": (
        "⚠ Entra asks for a stronger sign-in before you decide. Sign in: your decision is then carried out. "
        "Nothing is recorded yet."
    ),
    "context-needed": (
        "⚠ Approving this role asks for a stronger sign-in. Sign in: your decision is then carried out. "
        "Nothing is recorded yet."
    ),
    "consent-needed": (
        "⚠ Second Key needs your consent to act with your sign-in. Agree: your decision is then carried "
        "out. Nothing is recorded yet."
    ),
    "consent-declined": (
        "⚠ You did not consent, so Second Key can't act with your sign-in. Nothing was recorded. You can "
        "still agree, or decide in the PIM portal."
    ),
    "admin-consent-needed": (
        "⚠ Your administrator has to consent before Second Key can act with your sign-in. Nothing was "
        "recorded. Tell ops; meanwhile, decide in the PIM portal."
    ),
    "denial-reason-required": "⚠ Say why you deny it, then deny again. Nothing was recorded.",
    "vote-counted": (
        "✔ Your approval is counted. This role needs more than one: it goes to PIM with the last."
    ),
    "already-voted": "ℹ You have approved already. Somebody else has to approve too.",
    "permission-missing": (
        "⚠ Second Key lacks a permission it needs to send your decision. Nothing was recorded. "
        "Tell ops; meanwhile, decide in the PIM portal."
    ),
    "rejected": "⚠ Microsoft Graph rejected the decision. Nothing was recorded. See the PIM portal.",
    "not-assigned": "⚠ PIM does not list you as an approver of this request. Nothing was recorded.",
    "not-decidable-here": "ℹ Such requests can only be decided in the PIM portal. Nothing was recorded.",
    "assertion-mismatch": "⛔ The sign-in is another account's than this Teams user. Nothing was recorded.",
}
NOTICE_FALLBACK: Final = "ℹ Your click was received. The state below is what Microsoft Graph has confirmed."
"""For a key that is not in ``NOTICES``: says nothing about the outcome."""

NOT_DECIDABLE: Final = "ℹ Extensions and renewals can't be decided here. Use the PIM portal."

# Inputs and actions ----------------------------------------------------------------------

REASON_LABEL: Final = "Your reason"
REASON_LABEL_OPTIONAL: Final = "Your reason (optional)"
REASON_PLACEHOLDER: Final = "For example: agreed with the on-call lead"
DENIAL_REASON_LABEL: Final = "Why you deny it"
DENIAL_REASON_MISSING: Final = "Say why, so that the requester knows what to do."
REASON_MISSING: Final = "This role asks approvers for a reason."
APPROVE: Final = "✔ Approve"
DENY: Final = "✖ Deny"
DENY_OPEN: Final = "✖ Deny …"
OPEN_PORTAL: Final = "Open in PIM"
SIGN_IN: Final = "Sign in"
SIGN_IN_ASKED: Final = "Sign in, so that Second Key can act as you and never as itself."
EXCHANGE_FAILED: Final = "Your sign-in could not be taken over. Use the button to sign in."

# Sign-in pages in the browser -------------------------------------------------------------

PAGE_TITLE: Final = "Second Key"
PAGE_CLOSE: Final = "You can close this page and go back to Teams."
_AGAIN: Final = "Nothing was recorded. Go back to Teams and click again to get a new link."
PAGES: Final[dict[PageKey, tuple[str, ...]]] = {
    PageKey.UNKNOWN: ("This link leads nowhere", _AGAIN),
    PageKey.USED: (
        "This link has been used",
        "A link counts once, and a newer one replaces it. The card in Teams shows what is confirmed.",
    ),
    PageKey.EXPIRED: ("This link has expired", "Links live for ten minutes.", _AGAIN),
    PageKey.OTHER_BROWSER: (
        "This sign-in was begun in another browser",
        "For your safety it counts only where it was begun.",
        _AGAIN,
    ),
    PageKey.OTHER_ACCOUNT: (
        "That is another account",
        "You signed in as somebody else than the person who clicked in Teams. No decision was recorded, "  # noqa: ISC004
        "and the attempt is in the audit log. Open the link again with your own account.",
    ),
    PageKey.DECLINED: (
        "You did not sign in",
        "Nothing was recorded. The link on your card still works until it is ten minutes old.",
    ),
    PageKey.CONSENT_DECLINED: (
        "You did not consent",
        "Without your consent Second Key can't act as you. Nothing was recorded. The link on your card "  # noqa: ISC004
        "still works until it is ten minutes old, or decide in the PIM portal.",
    ),
    PageKey.NOT_STRONG_ENOUGH: (
        "The stronger sign-in did not succeed",
        "Nothing was recorded. Try again with the link on your card, or ask your administrator which sign-in "  # noqa: ISC004
        "methods are accepted.",
    ),
    PageKey.FAILED: ("That sign-in could not be used", _AGAIN),
    PageKey.UNAVAILABLE: (
        "Entra or Second Key can't be reached just now",
        "Nothing was recorded. Try again in a minute; the link on your card still works until it is ten "  # noqa: ISC004
        "minutes old.",
    ),
    PageKey.NOTHING_LEFT: ("You are signed in", "There was nothing left to carry out."),
}

# Pings to ops ----------------------------------------------------------------------------

PINGS: Final[dict[PingCause, str]] = {
    PingCause.UNANSWERED: "⏰ Ping {rung}: nobody has answered for {waited}",
    PingCause.EMPTY_POOL: "⚠ Nobody in the approver pool may decide this request",
    PingCause.QUORUM_BYPASSED: "⛔ Approved elsewhere with {votes} of {quorum} approvals",
    PingCause.THIN_POOL: "⚠ Only one approver may decide this request",
    PingCause.BELOW_QUORUM: "⚠ Fewer approvers may decide this request than the {quorum} it takes",
}
PINGS_TO_DO: Final[dict[PingCause, str]] = {
    PingCause.QUORUM_BYPASSED: (
        "Find out who approved it, and why: the PIM portal tells. If nobody else agrees, have the assignment "
        "removed: it is in force now."
    ),
    PingCause.UNANSWERED: "Reach somebody who can decide. The request's card is in the approver channel.",
    PingCause.EMPTY_POOL: (
        "Have an administrator add an approver without a conflict, or decide in the PIM portal. "
        "Then have the requester ask again if PIM has closed the request."
    ),
    PingCause.BELOW_QUORUM: (
        "Have an administrator add approvers without a conflict, or lower the quorum, and have the requester "
        "ask again: on this request only those decide who were approvers when it was made."
    ),
    PingCause.THIN_POOL: (
        "Make sure that this approver is there. Have an administrator add another one without a conflict, "
        "for the next request: on this one only those decide who were approvers when it was made."
    ),
}
PING_BYPASSED: Final = "PIM takes the first approval and can't enforce that this role needs more than one."
PING_LAPSES: Final = "Without action PIM lets the request lapse at {time}, {date}."

# Reports to ops about somebody ------------------------------------------------------------

CONDUCT: Final = "⚠ Somebody keeps trying to decide what they may not"
CONDUCT_NOTE: Final = "Every try was refused. Nothing was sent to PIM."
CONDUCT_TRIES: Final = "Tries"
CONDUCT_COUNT: Final = "{n} within {span}"
CONDUCT_WHY: Final = "Refused for"
CONDUCT_ON: Final = "On"
CONDUCT_WHEN: Final = "When"
CONDUCT_SPAN: Final = "From {since} to {until}"
CONDUCT_TIMES: Final = "{what}: {n} ×"
CONDUCT_REQUEST: Final = "{role}, asked for by {name}"
CONDUCT_FORGED: Final = "Clicks that no card sends"
CONDUCT_IMPERSONATED: Final = "The sign-in of another account"
CONDUCT_REASONS: Final[dict[Reason, str]] = {
    Reason.OTHER_TENANT: "An account of another tenant",
    Reason.OWN_REQUEST: "Their own request",
    Reason.BREAK_GLASS: "A break-glass account",
    Reason.NOT_AN_APPROVER: "Not an approver of the request",
    Reason.NO_LONGER_AN_APPROVER: "No longer an approver of the role",
    Reason.ELIGIBLE_DIRECTLY: "Eligible for the role themselves",
    Reason.GUEST: "A guest",
    Reason.ELIGIBLE_THROUGH_GROUP: "Eligible for the role through a group",
    Reason.ELIGIBLE_FOR_GROUP: "Able to join a group that has the role",
    Reason.ELIGIBLE_THROUGH_NESTED_GROUPS: "Able to reach the role by way of groups",
    Reason.OWNS_GROUP: "Owner, or could be, of a group that leads to the role",
    Reason.HOLDS_ROLE: "Holding the role",
    Reason.FACT_UNREADABLE: "A fact that could not be read",
}
CONDUCT_TO_DO: Final = (
    "Ask them what they meant to do. If it was not they who clicked, revoke their sessions. "
    "The audit log has each try."
)

# One's own activation, from request to end ------------------------------------------------

STAGES: Final[dict[Stage, str]] = {
    Stage.WAITING: "⏳ Waiting for an approval",
    Stage.DENIED: "✖ Denied",
    Stage.WITHDRAWN: "↩ Withdrawn",
    Stage.EXPIRED: "⌛ Lapsed without an answer",
    Stage.FAILED: "⚠ PIM could not switch the role on",
    Stage.GRANTED: "… Granted, and not usable yet",
    Stage.USABLE: "✔ Usable now",
    Stage.ENDING: "⏰ Ending soon",
    Stage.ENDED: "■ Ended",
}
STAGE_NOTES: Final[dict[Stage, str]] = {
    Stage.WAITING: "The approvers have its card. This card changes as soon as there is news.",
    Stage.DENIED: "Microsoft Graph confirmed the decision. The role was not switched on.",
    Stage.WITHDRAWN: "The request was taken back. Nothing was switched on.",
    Stage.EXPIRED: "Nobody decided in time, so PIM closed the request. You can ask again.",
    Stage.FAILED: "The PIM portal says why. You can ask again.",
    Stage.GRANTED: "PIM is switching the role on. Wait for this card: it says when the role really works.",
    Stage.USABLE: (
        "Still refused somewhere? Sign out and in again there, or refresh the page: apps go on using "
        "the token they got before."
    ),
    Stage.ENDING: "Save your work. To keep the role, extend it now.",
    Stage.ENDED: "",
}
GRANTED_LATER: Final = "… Granted, and starting later"
GRANTED_LATER_NOTE: Final = "PIM switches the role on when its time comes."
HOW_ENDED: Final[dict[HowEnded, str]] = {
    HowEnded.LAPSED: "Its time was over.",
    HowEnded.GIVEN_BACK: "The role was given back, or taken away, before its time was over.",
    HowEnded.NEVER_SEEN: "Its time was over before the role was ever seen to work. Tell ops.",
    HowEnded.CANCELLED: "It was cancelled before it began.",
    HowEnded.FAILED: "PIM could not carry it out.",
}
OWN_WHY: Final = "Your reason"
OPENS: Final = "Open until"
USABLE_AFTER: Final = "Took"
USABLE_AFTER_VALUE: Final = "{span} from the decision until it worked"
UNTIL: Final = "Until"
USABLE_SINCE: Final = "Usable since"
WILL_BE_GIVEN_BACK: Final = "Give-back"
WILL_BE_GIVEN_BACK_AT: Final = "At {time}, the first moment PIM takes it"
HITCHES: Final = {
    "give-back-sign-in": "⚠ Not given back: sign in again, then give it back",
    "give-back-failed": "⚠ Not given back: PIM did not take it. Try again, or use the PIM portal",
    "extend-sign-in": "⚠ Not extended: sign in again, then extend it again",
    "extend-failed": "⚠ Given back, but PIM did not take the new request: ask again",
}
HITCH_FALLBACK: Final = "⚠ Something that was to be done later could not be done"
WITHDRAW: Final = "Withdraw"
GIVE_BACK: Final = "Give back"
EXTEND: Final = "Extend"
ASK_AGAIN: Final = "Ask again"
SUMMARY_OWN: Final = "{state}: {role}"

# The card in one line --------------------------------------------------------------------

SUMMARY_PENDING: Final = "Approval needed: {name} asks for {role} ({danger}), {duration}"
SUMMARY_OVERDUE: Final = "Overdue: {name} asks for {role} ({danger}), {duration}"
SUMMARY_STATE: Final = "{state}: {name}, {role}"
SUMMARY_PING: Final = "{ping}: {name} asks for {role}"
SUMMARY_CONDUCT: Final = "{name} tried {n} times to decide what they may not, and was refused each time"
SUMMARY_DANGERS: Final[dict[Danger, str]] = {
    Danger.CRITICAL: "critical",
    Danger.HIGH: "high risk",
    Danger.ELEVATED: "elevated",
}
SUMMARY_NO_END: Final = "no end stated"
FALLBACK: Final = "{summary}. Your Teams client can't show this card: use a newer one, or the PIM portal."

# Answers to clicks that belong to no request ---------------------------------------------

MESSAGES: Final = {
    "act-failed": (
        "⚠ Something went wrong after your click",
        "It is not certain whether it was done. The card in the approver channel shows what is confirmed. "  # noqa: ISC004
        "If it still waits, click again.",
    ),
    "signed-in": ("✔ You are signed in", "Second Key acts as you from now on, and never as itself."),
    "signed-out": ("✔ You are signed out", "Your next decision starts with a sign-in."),
    "sign-in-code-wrong": ("⚠ That sign-in could not be used", "Try again, or click again on the card."),
    "sign-in-failed": (
        "⚠ Teams could not sign you in by itself",
        "Use the button of the sign-in card, or click again on the request's card and follow its link.",
    ),
    "unknown-request": (
        "ℹ This request is not known here",
        "It may be very old. Nothing was recorded. Look it up in the PIM portal.",
    ),
    "malformed": ("⚠ That click could not be read", "Nothing was recorded. Reload the card and try again."),
    "error": (
        "⚠ Something went wrong",
        "It is not certain what was recorded. The card in the approver channel shows what is confirmed. "  # noqa: ISC004
        "If it still waits for a decision, try again.",
    ),
}
