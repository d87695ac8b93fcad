"""Every string of the answers to commands, in English; see ``cards.text``."""

# ruff: noqa: RUF001 - the glyphs are meant: they say in shape what styles say in colour
from __future__ import annotations

from typing import Final

from bot.domain import activation as a
from bot.domain.model import SignInNeeded
from bot.domain.replies import FormFault, Notice
from bot.domain.typed import Unread

# Help and what can't be read ---------------------------------------------------------------

HELP: Final = "What you can type"
HELP_NOTE: Final = "I act with your own sign-in. Approvals are decided on the cards in the approver channel."
HELP_EXAMPLE: Final = "For example:"

UNREAD: Final[dict[Unread, str]] = {
    Unread.NO_COMMAND: "I don't know that command",
    Unread.LEFT_OVER: "I can't place all of that",
    Unread.TWO_DURATIONS: "I read more than one duration",
    Unread.BAD_DURATION: "I can't tell for how long",
    Unread.BAD_TIME: "I can't tell which time you mean, or it is over",
}
NEAREST: Final = "Did you mean this?"
NEAREST_HELP: Final = "Type help to see what I understand."
DO_IT: Final = "Do that"

# Which role --------------------------------------------------------------------------------

WHICH: Final = "Which one do you mean?"
WHICH_TYPED: Final = "More than one fits “{typed}”."
WHICH_UNSAID: Final = "Pick one."
MORE: Final = "{n} more fit: type more of the name."
OPTION_AT: Final = "{role} ({scope})"
NONE_FITS: Final = "None of your roles fits “{typed}”"
NONE_NAMED: Final = "You have no role for that"
YOURS: Final = "You can choose from: {names}."
NO_ACTIVE_FITS: Final = "No active role of yours fits “{typed}”"
NO_ACTIVE: Final = "You have no active role"
YOUR_ACTIVE: Final = "Active are: {names}."
NOTHING_ACTIVE: Final = "None of your roles is active."
NO_WAITING_FITS: Final = "None of your waiting requests fits “{typed}”"
YOUR_WAITING: Final = "For these roles, requests of yours wait for an approval: {names}."
NONE_YOURS: Final = (
    "You are eligible for no role here. Eligibility is granted in PIM, by whoever administers it."
)
HOW_LONG: Final = "For how long?"
HOW_LONG_NOTE: Final = "Pick a duration, or type the command with one."

# One's own roles and requests ---------------------------------------------------------------

MY_ROLES: Final = "Your roles"
ACTIVE: Final = "Active now"
ELIGIBLE: Final = "You can ask for"
NONE_ACTIVE: Final = "None"
UNTIL: Final = "until"
ELIGIBLE_UNTIL: Final = "eligible until"
NO_END: Final = "with no end"
AND_MORE: Final = "… and {n} more"
STATUS: Final = "Your requests"
WAITING: Final = "Waiting for an approval"
NOTHING_WAITING: Final = "Nothing waits for an approval."
ASKED_AT: Final = "asked"
CAN_DECIDE: Final = "Can decide: {names}"
NOBODY_CAN: Final = "Nobody can decide it here for now"
PENDING: Final = "Requests that wait for you"
NOTHING_PENDING: Final = "No request waits for you as an approver."
PENDING_LINE: Final = "{name} asks for {role}, {duration}"
CANT_DECIDE: Final = "You can't decide it: {reason}"
SHOW: Final = "Show"
APPROVERS: Final = "Who can approve {role}"
NO_APPROVAL: Final = "No approval is needed for this role."
SEPARATED: Final = "Whoever is eligible for the role, or holds it, can't approve it."

# The form -----------------------------------------------------------------------------------

FORM: Final = "Ask for a role"
FORM_OFFER: Final = "Fill in the form, or type it in one line:"
FORM_OPEN: Final = "Open the form"
FORM_ROLE: Final = "Role"
FORM_ROLE_MISSING: Final = "Pick a role."
FORM_DURATION: Final = "For how long"
FORM_DURATION_HINT: Final = "2h, 90m, 1h30"
FORM_DURATION_MISSING: Final = "Say for how long."
FORM_REASON: Final = "Reason"
FORM_REASON_HINT: Final = "What you need it for"
FORM_TICKET: Final = "Ticket"
FORM_TICKET_HINT: Final = "If the role asks for one"
FORM_SEND: Final = "Send"
FORM_FAULTS: Final[dict[FormFault, str]] = {
    FormFault.ROLE: "⚠ Pick one of your roles",
    FormFault.DURATION: "⚠ I can't read that duration: write it like 2h, 90m or 1h30",
}

# What came of it ----------------------------------------------------------------------------

SENT: Final = "✔ Sent to PIM"
SENT_NOTE: Final = "Your card in this chat follows it, until the role ends."
NEEDS_CHANGE: Final = "✖ Not sent: PIM would refuse it"
TOO_LONG: Final = "The role can be active for {limit} at most."
TOO_SHORT: Final = "It needs a duration of at least a second."
OUTLASTS: Final = "Your eligibility ends before that, at"
REASON_MISSING: Final = "The role asks for a reason: add because and why."
REASON_TOO_LONG: Final = "A reason has at most {limit} characters."
TICKET_MISSING: Final = "The role asks for a ticket: add ticket and its number."
USE: Final = "Use {duration}"
FILL_IN: Final = "Add it in the form"
ALREADY_ACTIVE: Final = "ℹ That role is active already"
ACTIVE_UNTIL: Final = "Active until"
ALREADY_PENDING: Final = "ℹ You have asked for that role already"
ALREADY_PENDING_NOTE: Final = "That request still waits for an approval. Nothing more was sent."
NOT_ELIGIBLE: Final = "✖ You are not eligible for that role there"
NOT_ELIGIBLE_NOTE: Final = (
    "Eligibility is what lets you ask. It is granted in PIM, by whoever administers it; "
    "it is not what an approver decides."
)
POLICY_REFUSED: Final = "✖ PIM refused: the role's rules are not met"
RULES: Final = {
    "ExpirationRule": "It would be active for longer than the role allows.",
    "JustificationRule": "The role asks for a reason.",
    "TicketingRule": "The role asks for a ticket.",
    "MfaRule": "The role asks for multi-factor authentication.",
    "EligibilityRule": "You are not eligible for the role.",
    "ApprovalRule": "The role asks for an approval.",
    "AuthenticationContextRule": "The role asks for a stronger sign-in.",
}
RULE: Final = "Its rule {name} is not met."
TOO_MANY: Final = "⏳ You have asked for roles {limit} times within an hour"
TOO_MANY_NOTE: Final = "That is as often as your organisation allows. You can ask again at"
NOTHING_BEFORE: Final = "ℹ There is nothing to repeat"
NOTHING_BEFORE_NOTE: Final = "You have not asked me for a role yet."

GIVEN_BACK: Final = "✔ {role} was given back"
NOT_ACTIVE: Final = "ℹ {role} is not active"
TOO_EARLY: Final = "⏳ {role} can't be given back yet"
TOO_EARLY_NOTE: Final = "PIM takes a role back after five minutes at the earliest, that is at"
GIVE_BACK_THEN: Final = "Give it back then"
WILL_GIVE_BACK: Final = "✔ {role} will be given back at"
WITHDRAWN: Final = "↩ Withdrawn"
WITHDRAWN_NOTE: Final = "Your request was taken back. Its card in the approver channel is closed."
NOTHING_TO_WITHDRAW: Final = "ℹ None of your requests waits for an approval"
NOT_WITHDRAWABLE: Final = "ℹ That request no longer waits"
NOT_WITHDRAWABLE_NOTE: Final = "It was decided meanwhile, or it has ended."
EXTENDED: Final = "✔ {role} was extended"
EXTENSION_COSTS: Final = "⚠ Extending {role} means giving it back first"
EXTENSION_STEPS: Final = (
    "PIM takes no second request while a role is active. It would be given back, and asked for again "
    "for {duration}."
)
EXTENSION_APPROVAL: Final = "The new request needs an approval again."
EXTENSION_GONE: Final = "Lately it took {duration} from asking until the role worked."
EXTENSION_UNKNOWN: Final = "How long the role would be gone is not known."
EXTENSION_FROM: Final = "PIM takes it back at the earliest at"
EXTENSION_YES: Final = "Give back and ask again"

TROUBLES: Final[dict[type[a.Trouble], tuple[str, str]]] = {
    SignInNeeded: ("⚠ Sign in first", "I act with your own sign-in only. Sign in, then say it again."),
    a.StepUpNeeded: (
        "⚠ Entra asks for a stronger sign-in",
        "Nothing was done, and signing in here does not bring what it asks for. Use the PIM portal.",
    ),
    a.SignInExpired: (
        "⚠ Your sign-in has expired",
        "Nothing was done. Type sign out, then sign in, and say it again.",
    ),
    a.SignInRevoked: (
        "⚠ Your sign-in was revoked",
        (
            "A new password can be why, for instance. Nothing was done. Type sign out, then sign in, and "
            "say it again."
        ),
    ),
    a.SignInBlocked: (
        "⛔ Entra does not let you in",
        (
            "A policy or your account's state forbids it, and signing in again does not change that. Nothing "
            "was done. Your administrator can say why."
        ),
    ),
    a.ConsentNeeded: (
        "⚠ Consent is missing",
        "You, or your administrator, have to allow Second Key to act with your sign-in. Nothing was done.",
    ),
    a.ConsentDeclined: (
        "⚠ You did not consent",
        "Without it, Second Key can't act with your sign-in. Nothing was done. Use the PIM portal.",
    ),
    a.AdminConsentNeeded: (
        "⚠ Your administrator has to consent",
        (
            "Until then, Second Key can't act with your sign-in. Nothing was done. Tell ops; meanwhile, use "
            "the PIM portal."
        ),
    ),
    a.AnotherAccount: (
        "⛔ The sign-in is another account's",
        "It does not belong to this Teams user, so nothing was done. Sign out, and in again.",
    ),
    a.NotPermitted: ("⚠ A permission is missing", "Second Key lacks a permission in Graph. Tell ops."),
    a.LicenceMissing: ("✖ No licence for PIM", "Your tenant's licence does not cover it. Tell ops."),
    a.RoleGone: ("✖ PIM no longer knows that role", "The role, its scope or the group is gone."),
    a.ResourceLocked: ("⚠ PIM is changing that role just now", "Nothing was done: try again in a minute."),
    a.Unavailable: ("⚠ Microsoft Graph can't be reached", "Nothing was done: try again in a minute."),
    a.OutcomeUnknown: (
        "… It is not certain what became of it",
        "Graph's answer got lost. Type status to see how it stands before you ask again.",
    ),
    a.Rejected: ("✖ Microsoft Graph refused", "The PIM portal may say more. Nothing was done."),
}
TROUBLE_LINKED: Final = (
    "Nothing was done yet. Sign in with the button, within ten minutes: what you asked for is then done."
)
TROUBLE_FALLBACK: Final = ("⚠ That did not work", "Nothing is known to have been done.")
CODE: Final = "Graph says: {code}"

NOTICES: Final[dict[Notice, tuple[str, str]]] = {
    Notice.ASKED_TO_SIGN_IN: ("Sign in with the card I sent you", "Your client may do it by itself."),
    Notice.SIGNED_OUT: ("✔ Signed out", "Second Key holds no sign-in of yours any more."),
    Notice.SIGN_IN_UNAVAILABLE: ("⚠ Signing in or out is not possible just now", "Try again later."),
    Notice.IN_OUR_CHAT: ("ℹ I answered in our own chat", "It concerns only you."),
    Notice.NO_CHAT: (
        "⚠ I can't write to you yet",
        "Add the Second Key app for yourself, then ask me in our own chat. It concerns only you.",
    ),
    Notice.STILL_AT_IT: ("… Still at it", "I answer in our own chat as soon as it is done."),
    Notice.FAILED: (
        "⚠ Something went wrong",
        "It is not certain what was done. Type status to see how it stands.",
    ),
    Notice.OTHER_TENANT: ("⛔ Your account belongs to another tenant", "I can't act for it here."),
}
