"""One example of every card there is, by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.content import (
    ActivationCard,
    CardContent,
    ConductCard,
    OpsCard,
    PingCause,
    RequestCard,
    Viewer,
)
from bot.domain.following import Activation, HowEnded, Stage
from bot.domain.model import (
    ApprovalRequest,
    Choice,
    Claim,
    Danger,
    Decision,
    Identity,
    Person,
    Pool,
    PoolMember,
    Reason,
    Refusal,
    Role,
    SlaPlan,
    State,
    Ticket,
    Unreadable,
    Vote,
)

TENANT = "5ec0de00-0000-4000-8000-000000000001"
GROUP = "00000000-0000-4000-8000-0000000000aa"
PORTAL = "https://portal.example/pim/approve"
ASKED = datetime(2026, 11, 23, 9, 14, 30, 250000, tzinfo=UTC)


def person(number: int, name: str, upn: str | None = None) -> Person:
    return Person(Identity(TENANT, f"00000000-0000-4000-8000-{number:012d}"), name, upn)


ALEX = person(1, "Alex Wilber", "alexw@contoso.example")
ADELE, BIANCA, CARLOS = person(2, "Adele Vance"), person(3, "Bianca Pisani"), person(4, "Carlos Slattery")
POOL = Pool(
    (
        PoolMember(ADELE),
        PoolMember(BIANCA),
        PoolMember(CARLOS),
        PoolMember(person(5, "Diego Siciliani"), (Refusal(Reason.ELIGIBLE_DIRECTLY),)),
        PoolMember(ALEX, (Refusal(Reason.OWN_REQUEST), Refusal(Reason.ELIGIBLE_DIRECTLY))),
    )
)
REQUEST = ApprovalRequest(
    id="61998d6f-0000-4000-8000-000000000042",
    tenant_id=TENANT,
    approval_id="61998d6f-0000-4000-8000-000000000042",
    action="selfActivate",
    requester=ALEX,
    role=Role("62e90394", "Global Administrator", Danger.CRITICAL),
    scope="/",
    justification="Tenant-wide mail flow is down; need to fix the connector, see ticket #1234.",
    ticket=Ticket("CHG0042", "ServiceNow"),
    duration=timedelta(hours=2),
    starts_at=None,
    requested_at=ASKED,
    expires_at=ASKED + timedelta(days=1),
    pool=POOL,
    sla=SlaPlan((timedelta(minutes=5), timedelta(minutes=15)), timedelta(hours=1)),
)
APPROVAL = Decision(Choice.APPROVE, ADELE, "Agreed with the on-call lead", ASKED + timedelta(minutes=3))
DENIAL = Decision(Choice.DENY, BIANCA, "Not on shift today", ASKED + timedelta(minutes=4))
VOTES = (Vote(ADELE, "Agreed with the on-call lead", ASKED + timedelta(minutes=2)),)
CLAIM = Claim("c1", ADELE, "29:adele", Choice.APPROVE, "ok", ASKED + timedelta(minutes=3))
HOSTILE_TEXT = (
    "**APPROVED** by _Adele_ [open](https://evil.example) <at>ops</at> {{DATE(2026-01-01T00:00:00Z)}} "
    "${role} \u202egnikcat\u202c\n\n# Approved\n- [x] | `code` ~~no~~ &lt; www.evil.example " + "🔑" * 600
)


def card(request: ApprovalRequest = REQUEST, **more: Any) -> RequestCard:
    return RequestCard(request, PORTAL, **more)


def like(**changes: Any) -> ApprovalRequest:
    return replace(REQUEST, **changes)


def unable(*reasons: Reason) -> Pool:
    members = (ADELE, BIANCA, CARLOS, ALEX)
    return Pool(tuple(PoolMember(p, (Refusal(r),)) for p, r in zip(members, reasons, strict=False)))


def hostile_request() -> ApprovalRequest:
    evil = person(9, HOSTILE_TEXT, HOSTILE_TEXT)
    members = (*(PoolMember(evil) for _ in range(9)), PoolMember(ALEX, (Refusal(Reason.OWN_REQUEST),)))
    return like(
        requester=evil,
        role=Role("r", HOSTILE_TEXT, Danger.CRITICAL),
        scope=HOSTILE_TEXT,
        justification=HOSTILE_TEXT,
        ticket=Ticket(HOSTILE_TEXT, HOSTILE_TEXT),
        pool=Pool(members, defaulted=True, justification_required=True),
    )


def _refused(*refusals: Refusal, **more: Any) -> RequestCard:
    return card(viewer=Viewer.REFUSED, refusals=refusals, **more)


def _ops(cause: PingCause, rung: int, request: ApprovalRequest = REQUEST) -> OpsCard:
    return OpsCard(request, cause, rung, timedelta(minutes=5), PORTAL)


EMPTY = unable(
    Reason.ELIGIBLE_DIRECTLY, Reason.ELIGIBLE_THROUGH_GROUP, Reason.BREAK_GLASS, Reason.OWN_REQUEST
)
THIN = Pool(
    (
        PoolMember(ADELE),
        PoolMember(BIANCA, (Refusal(Reason.GUEST),)),
        PoolMember(CARLOS, (Refusal(Reason.ELIGIBLE_FOR_GROUP, "Tier 0 Operators"),)),
        PoolMember(person(5, "Diego Siciliani"), (Refusal(Reason.OWNS_GROUP, "Tier 0 Operators"),)),
        PoolMember(person(6, "Erin Deltoro"), (Refusal(Reason.ELIGIBLE_THROUGH_NESTED_GROUPS, "A → B"),)),
    )
)
ELSEWHERE = replace(APPROVAL, justification="")
NIGHT = like(
    role=Role("r2", "Helpdesk Administrator", Danger.ELEVATED),
    scope="/administrativeUnits/0a1b2c3d-0000-4000-8000-000000000007",
    justification="",
    ticket=Ticket("", "Jira"),
    duration=None,
    starts_at=ASKED + timedelta(hours=9),
    pool=Pool(tuple(PoolMember(person(n, f"Approver {n}")) for n in range(10, 18)), defaulted=True),
)

ACTIVATION = Activation(
    request_id=REQUEST.id,
    requester=ALEX,
    key="62e90394",
    role_name="Global Administrator",
    scope="/",
    reason="Tenant-wide mail flow is down; see ticket #1234.",
    ticket=Ticket("CHG0042", "ServiceNow"),
    duration=timedelta(hours=2),
    starts_at=None,
    asked_at=ASKED,
    channel_user_id="29:alex",
)
GRANTED = replace(ACTIVATION, granted_at=APPROVAL.at)
USABLE = replace(
    GRANTED,
    usable_at=APPROVAL.at + timedelta(seconds=42),
    until=APPROVAL.at + timedelta(hours=2, seconds=40),
)


def own(stage: Stage, activation: Activation = ACTIVATION, **more: Any) -> ActivationCard:
    return ActivationCard(activation, stage, PORTAL, **more)


def over(how: HowEnded, stage: Stage = Stage.ENDED) -> ActivationCard:
    return own(stage, replace(USABLE, ended_at=ASKED + timedelta(hours=1), how_ended=how), decision=APPROVAL)


OWN: dict[str, CardContent] = {
    "own-waiting": own(Stage.WAITING, pool=POOL, expires_at=REQUEST.expires_at),
    "own-waiting-empty-pool": own(Stage.WAITING, pool=EMPTY, expires_at=REQUEST.expires_at),
    "own-waiting-unreadable": own(Stage.WAITING, pool=Unreadable("approver policy", "Forbidden")),
    "own-denied": own(Stage.DENIED, decision=DENIAL, closed_at=DENIAL.at),
    "own-withdrawn": own(Stage.WITHDRAWN, closed_at=ASKED + timedelta(minutes=2)),
    "own-expired": own(Stage.EXPIRED, closed_at=REQUEST.expires_at),
    "own-granted": own(Stage.GRANTED, GRANTED, decision=APPROVAL),
    "own-granted-without-approval": own(Stage.GRANTED, replace(GRANTED, ticket=None, reason="")),
    "own-granted-later": own(Stage.GRANTED, replace(GRANTED, starts_at=ASKED + timedelta(hours=5))),
    "own-usable": own(Stage.USABLE, USABLE, decision=APPROVAL),
    "own-usable-until-given-back": own(
        Stage.USABLE, replace(USABLE, give_back_at=ASKED + timedelta(minutes=8)), decision=APPROVAL
    ),
    "own-usable-with-a-hitch": own(Stage.USABLE, replace(USABLE, hitch="give-back-sign-in")),
    "own-ending": own(Stage.ENDING, USABLE, decision=replace(APPROVAL, by=None, justification="")),
    "own-ended": over(HowEnded.LAPSED),
    "own-given-back": over(HowEnded.GIVEN_BACK),
    "own-never-seen": over(HowEnded.NEVER_SEEN),
    "own-cancelled": over(HowEnded.CANCELLED),
    "own-failed": over(HowEnded.FAILED, Stage.FAILED),
}

VARIANTS: dict[str, CardContent] = {
    **OWN,
    "pending": card(refresh_user_ids=("29:adele", "29:bianca")),
    "pending-able": card(viewer=Viewer.ABLE),
    "pending-reason-required": card(like(pool=replace(POOL, justification_required=True))),
    "pending-elevated-unit-future": card(NIGHT),
    "pending-high": card(like(role=Role("r", "Security Administrator", Danger.HIGH), scope="/groups/7")),
    "pending-group": card(like(role=Role(f"group:{GROUP}:member", "Finance *Vault*", Danger.ELEVATED))),
    "pending-group-unreadable": card(
        like(role=Role(f"group:{GROUP}:owner", f"group:{GROUP}:owner", Danger.CRITICAL))
    ),
    "pending-empty-pool": card(like(pool=EMPTY)),
    "pending-thin-pool": card(like(pool=THIN)),
    "pending-no-approvers": card(like(pool=Pool(()))),
    "pending-eligibility-unreadable": card(
        like(pool=replace(POOL, unreadable=Unreadable("eligibility", "Forbidden")))
    ),
    "pending-policy-unreadable": card(like(pool=Unreadable("approver policy", "Forbidden"))),
    "pending-extension": card(like(action="selfExtend")),
    "pending-hostile": card(hostile_request()),
    "pending-denial-needs-reason": card(like(denial_needs_reason=True)),
    "pending-quorum": card(like(quorum=2, votes=VOTES)),
    "vote-counted": card(
        like(quorum=2, votes=VOTES, denial_needs_reason=True), viewer=Viewer.VOTED, notice="vote-counted"
    ),
    "step-up-needed": card(
        viewer=Viewer.ABLE, notice="step-up-needed", sign_in_link="https://bot.example/signin?act=x"
    ),
    "consent-needed": card(
        viewer=Viewer.ABLE, notice="consent-needed", sign_in_link="https://bot.example/signin?act=x"
    ),
    "overdue": card(like(rung=1)),
    "overdue-past-the-ladder": card(like(rung=3, sla=SlaPlan((timedelta(minutes=5),)))),
    "refused-eligible-through-group": _refused(
        Refusal(Reason.ELIGIBLE_THROUGH_GROUP, "Tier 0 *Operators*"), notice="refused"
    ),
    "refused-guest": _refused(Refusal(Reason.GUEST), Refusal(Reason.FACT_UNREADABLE, "account type")),
    "refused-by-way-of-groups": _refused(
        Refusal(Reason.ELIGIBLE_FOR_GROUP, "Tier 0 Operators"),
        Refusal(Reason.ELIGIBLE_THROUGH_NESTED_GROUPS, "Contractors → Tier 0 Operators"),
        Refusal(Reason.OWNS_GROUP, "Contractors → Tier 0 Operators"),
        notice="refused",
    ),
    "refused-own-request": _refused(Refusal(Reason.OWN_REQUEST), Refusal(Reason.ELIGIBLE_DIRECTLY)),
    "refused-unreadable": _refused(Refusal(Reason.FACT_UNREADABLE, "eligibility")),
    "sign-in-needed": card(
        viewer=Viewer.ABLE, notice="sign-in-needed", sign_in_link="https://login.example/start"
    ),
    "try-again": card(viewer=Viewer.ABLE, notice="try-again"),
    "outcome-unknown": card(like(state=State.DECIDING, claim=CLAIM), notice="outcome-unknown"),
    "deciding": card(like(state=State.DECIDING, claim=CLAIM), refresh_user_ids=("29:adele",)),
    "approved": card(
        like(state=State.APPROVED, decision=APPROVAL), notice="recorded-approved", refresh_user_ids=("29:a",)
    ),
    "denied": card(like(state=State.DENIED, decision=DENIAL, ended_at=DENIAL.at)),
    "withdrawn": card(like(state=State.WITHDRAWN, ended_at=ASKED + timedelta(minutes=7))),
    "expired": card(like(state=State.EXPIRED, ended_at=ASKED + timedelta(days=1))),
    "decided-elsewhere": card(like(state=State.DECIDED_ELSEWHERE)),
    "approved-elsewhere": card(like(state=State.DECIDED_ELSEWHERE, decision=ELSEWHERE)),
    "denied-elsewhere-by-nobody-known": card(
        like(state=State.DECIDED_ELSEWHERE, decision=replace(DENIAL, by=None)), notice="already-decided"
    ),
    "failed": card(like(state=State.FAILED, ended_at=ASKED + timedelta(minutes=7))),
    "active": card(like(state=State.ACTIVE, decision=APPROVAL)),
    "active-until": card(
        like(
            state=State.ACTIVE,
            decision=APPROVAL,
            usable_at=ASKED + timedelta(minutes=4),
            usable_until=ASKED + timedelta(hours=2),
        )
    ),
    "ended": card(like(state=State.ENDED, decision=APPROVAL, ended_at=ASKED + timedelta(hours=2))),
    "ops-unanswered": _ops(PingCause.UNANSWERED, 1, like(rung=1)),
    "ops-quorum-bypassed": _ops(
        PingCause.QUORUM_BYPASSED,
        0,
        like(quorum=2, votes=VOTES, state=State.DECIDED_ELSEWHERE, decision=ELSEWHERE),
    ),
    "ops-empty-pool": _ops(PingCause.EMPTY_POOL, 0, like(pool=EMPTY)),
    "conduct": ConductCard(
        person=person(9, "Blake Nakamura"),
        since=ASKED,
        until=ASKED + timedelta(minutes=7, seconds=20),
        refusals=((Reason.ELIGIBLE_DIRECTLY, 5), (Reason.HOLDS_ROLE, 2)),
        forged=1,
        impersonated=1,
        tries=7,
        requests=(REQUEST, NIGHT),
        portal_url=PORTAL,
    ),
    "conduct-unknown-requests": ConductCard(
        person(9, ""), ASKED, ASKED, (), forged=5, impersonated=0, tries=5, requests=(), portal_url=PORTAL
    ),
    "ops-thin-pool": _ops(PingCause.THIN_POOL, 0, like(pool=THIN)),
    "ops-decided-since": _ops(PingCause.UNANSWERED, 1, like(state=State.APPROVED, decision=APPROVAL)),
}
