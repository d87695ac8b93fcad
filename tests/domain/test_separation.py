from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.values import ALEX, BLAKE, NOW, RILEY, TENANT, a_pool, a_request, person
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import separation
from bot.domain.model import (
    ApprovalPolicy,
    ApprovalRequest,
    Facts,
    Holders,
    Identity,
    PathKind,
    Pool,
    Reason,
    Refusal,
    RolePath,
    Unreadable,
)
from bot.domain.separation import Allowed, Refused, Rules

RULES = Rules(TENANT)
UNIT = "/administrativeUnits/4d1f5a7e"
CASEY = "bbbbbbbb-0000-4000-8000-000000000004"
APP = "/1f0e5a7e-0000-4000-8000-000000000009"
OTHER_TENANT = "cccccccc-0000-4000-8000-000000000000"


def path(
    who: str = ALEX, kind: PathKind = PathKind.DIRECT, scope: str = "/", via: tuple[str, ...] = ()
) -> RolePath:
    return RolePath(who, kind, scope, via)


def policy(*approvers: str) -> ApprovalPolicy:
    return ApprovalPolicy(True, tuple(person(a) for a in approvers or (ALEX, BLAKE)))


def facts(
    holders: Holders | Unreadable | None = None, approvers: ApprovalPolicy | Unreadable | None = None
) -> Facts:
    return Facts(policy() if approvers is None else approvers, holders or Holders((), ()), NOW)


def reasons(
    who: str = ALEX,
    *,
    request: ApprovalRequest | None = None,
    known: Facts | None = None,
    rules: Rules = RULES,
    tenant: str = TENANT,
) -> list[Refusal]:
    verdict = separation.judge(Identity(tenant, who), request or a_request(), known or facts(), rules)
    return list(verdict.refusals) if isinstance(verdict, Refused) else []


def test_an_approver_without_a_conflict_may_decide() -> None:
    verdict = separation.judge(Identity(TENANT, ALEX), a_request(), facts(), RULES)
    assert verdict == Allowed()


def test_identity_is_compared_without_regard_to_case() -> None:
    assert reasons(ALEX.upper(), tenant=TENANT.upper(), rules=Rules(TENANT.upper())) == []


def test_another_tenants_user_with_the_same_object_id_is_refused() -> None:
    found = {r.reason for r in reasons(tenant=OTHER_TENANT)}
    assert found == {Reason.OTHER_TENANT, Reason.NOT_AN_APPROVER, Reason.NO_LONGER_AN_APPROVER}


def test_nobody_decides_on_their_own_request() -> None:
    request = replace(a_request(), pool=a_pool(RILEY))
    assert reasons(RILEY, request=request, known=facts(approvers=policy(RILEY))) == [
        Refusal(Reason.OWN_REQUEST)
    ]


def test_break_glass_accounts_take_no_part() -> None:
    assert reasons(rules=Rules(TENANT, frozenset({ALEX}))) == [Refusal(Reason.BREAK_GLASS)]


def test_who_was_never_in_the_pool_is_refused() -> None:
    known = facts(approvers=policy(ALEX, CASEY))
    assert reasons(CASEY, known=known) == [Refusal(Reason.NOT_AN_APPROVER)]


def test_who_was_removed_from_the_policy_meanwhile_is_refused() -> None:
    assert reasons(known=facts(approvers=policy(BLAKE))) == [Refusal(Reason.NO_LONGER_AN_APPROVER)]


@pytest.mark.parametrize(
    ("eligible", "expected"),
    [
        pytest.param(path(), Refusal(Reason.ELIGIBLE_DIRECTLY), id="directly"),
        pytest.param(path(ALEX.upper()), Refusal(Reason.ELIGIBLE_DIRECTLY), id="id-in-upper-case"),
        pytest.param(
            path(kind=PathKind.GROUP, via=("sec-admins",)),
            Refusal(Reason.ELIGIBLE_THROUGH_GROUP, "sec-admins"),
            id="through-a-group",
        ),
        pytest.param(
            path(kind=PathKind.GROUP), Refusal(Reason.ELIGIBLE_THROUGH_GROUP), id="through-a-nameless-group"
        ),
        pytest.param(
            path(kind=PathKind.GROUP_ELIGIBLE, via=("sec-admins",)),
            Refusal(Reason.ELIGIBLE_FOR_GROUP, "sec-admins"),
            id="by-activating-membership",
        ),
        pytest.param(
            path(kind=PathKind.NESTED, via=("contractors", "sec-admins")),
            Refusal(Reason.ELIGIBLE_THROUGH_NESTED_GROUPS, "contractors → sec-admins"),
            id="through-groups-in-groups",
        ),
        pytest.param(
            path(kind=PathKind.OWNER, via=("sec-admins",)),
            Refusal(Reason.OWNS_GROUP, "sec-admins"),
            id="as-an-owner",
        ),
    ],
)
def test_who_is_eligible_for_the_role_is_refused_with_the_path(eligible: RolePath, expected: Refusal) -> None:
    assert reasons(known=facts(Holders((eligible,), ()))) == [expected]


def test_somebody_elses_eligibility_is_no_conflict() -> None:
    assert reasons(known=facts(Holders((path(BLAKE),), (path(BLAKE),)))) == []


def test_who_holds_the_role_now_is_refused_unless_a_setting_allows_it() -> None:
    known = facts(Holders((), (path(kind=PathKind.GROUP, via=("on-call",)),)))
    assert reasons(known=known) == [Refusal(Reason.HOLDS_ROLE, "on-call")]
    assert reasons(known=known, rules=Rules(TENANT, active_holders_may_decide=True)) == []


@pytest.mark.parametrize(
    ("wider", "narrower", "expected"),
    [
        ("/", "/", True),
        ("/", UNIT, True),
        (UNIT, UNIT.upper(), True),
        (UNIT, UNIT + "/", True),
        (UNIT, "/", False),
        (UNIT, UNIT + "0", False),
        ("", UNIT, True),
        ("/administrativeUnits", UNIT, True),
        ("//", UNIT, True),
        (" / ", APP, True),
        (f" {APP}//", APP.upper(), True),
        (APP, APP + "0", False),
        (APP, "/", False),
        (APP, UNIT, False),
        (UNIT, APP, True),
        ("/administrativeUnits", "/", False),
        (UNIT, "/administrativeUnits/other", False),
        (UNIT, "/attributeSets/x", False),
        ("/attributeSets/x", APP, False),
        (f"{UNIT}/../other", "/elsewhere/x", True),
        ("/%61", APP, True),
        ("/ a b", "/", True),
        (UNIT, "/ä", True),
    ],
)
def test_a_scope_covers_itself_and_what_lies_below(wider: str, narrower: str, expected: bool) -> None:
    assert separation.covers(wider, narrower) is expected


@given(st.text())
def test_the_whole_directory_covers_everything_and_a_scope_itself(one: str) -> None:
    assert separation.covers("/", one)
    assert separation.covers(one, one)


def test_a_guest_is_refused_unless_guests_may_decide() -> None:
    known = facts(approvers=ApprovalPolicy(True, (replace(person(ALEX), guest=True),)))
    assert reasons(known=known) == [Refusal(Reason.GUEST)]
    assert reasons(known=known, rules=Rules(TENANT, guests_may_decide=True)) == []


def test_of_whom_it_is_not_known_whether_they_are_a_guest_is_refused() -> None:
    known = facts(approvers=ApprovalPolicy(True, (replace(person(ALEX), guest=None),)))
    assert reasons(known=known) == [Refusal(Reason.FACT_UNREADABLE, "account type")]
    assert reasons(known=known, rules=Rules(TENANT, guests_may_decide=True)) == []


def test_the_same_conflict_at_two_scopes_is_told_once() -> None:
    within = replace(a_request(), scope=UNIT)
    known = facts(Holders((path(), path(scope=UNIT)), ()))
    assert reasons(request=within, known=known) == [Refusal(Reason.ELIGIBLE_DIRECTLY)]


def test_facts_about_somebody_else_judge_nobody() -> None:
    about_blake = replace(facts(), about=Identity(TENANT, BLAKE))
    with pytest.raises(ValueError, match="somebody else"):
        reasons(known=about_blake)
    assert reasons(known=replace(facts(), about=Identity(TENANT, ALEX))) == []


def test_eligibility_at_a_narrower_scope_is_no_conflict() -> None:
    assert reasons(known=facts(Holders((path(scope=UNIT),), ()))) == []
    within = replace(a_request(), scope=UNIT)
    assert reasons(request=within, known=facts(Holders((path(scope="/"),), ()))) == [
        Refusal(Reason.ELIGIBLE_DIRECTLY)
    ]


@pytest.mark.parametrize(
    ("request_", "known", "fact"),
    [
        pytest.param(a_request(), facts(Unreadable("eligibility", "503")), "eligibility", id="eligibility"),
        pytest.param(
            a_request(), facts(approvers=Unreadable("approver policy", "403")), "approver policy", id="policy"
        ),
        pytest.param(
            replace(a_request(), pool=Unreadable("approver policy", "504")),
            facts(),
            "approver policy",
            id="pool",
        ),
    ],
)
def test_a_fact_that_cannot_be_read_refuses_and_is_named(
    request_: ApprovalRequest, known: Facts, fact: str
) -> None:
    assert reasons(request=request_, known=known) == [Refusal(Reason.FACT_UNREADABLE, fact)]


def test_every_conflict_is_named_not_just_the_first() -> None:
    known = facts(Holders((path(), path(kind=PathKind.GROUP, via=("g",))), (path(),)), policy(BLAKE))
    assert [r.reason for r in reasons(known=known, rules=Rules(TENANT, frozenset({ALEX})))] == [
        Reason.BREAK_GLASS,
        Reason.NO_LONGER_AN_APPROVER,
        Reason.ELIGIBLE_DIRECTLY,
        Reason.ELIGIBLE_THROUGH_GROUP,
        Reason.HOLDS_ROLE,
    ]


def forecast(holders: Holders | Unreadable, *approvers: str, rules: Rules = RULES) -> Pool:
    return separation.forecast(Identity(TENANT, RILEY), "/", policy(*approvers), holders, rules)


def test_the_forecast_says_who_can_decide_and_why_others_cannot() -> None:
    pool = forecast(Holders((path(BLAKE),), ()), ALEX, BLAKE, RILEY)
    assert [m.person.identity.object_id for m in pool.able] == [ALEX]
    assert [m.refusals for m in pool.members] == [
        (),
        (Refusal(Reason.ELIGIBLE_DIRECTLY),),
        (Refusal(Reason.OWN_REQUEST),),
    ]


def test_nobody_is_able_while_eligibility_cannot_be_read() -> None:
    unreadable = Unreadable("eligibility", "503")
    pool = forecast(unreadable, ALEX, RILEY)
    assert pool.able == ()
    assert pool.unreadable == unreadable
    assert pool.members[1].refusals == (Refusal(Reason.OWN_REQUEST),)


def outlook(who: str, request: ApprovalRequest) -> tuple[Refusal, ...]:
    return separation.outlook(Identity(TENANT, who), request, RULES)


def test_the_outlook_is_what_the_frozen_forecast_says() -> None:
    pool = forecast(Holders((path(BLAKE),), ()), ALEX, BLAKE)
    request = replace(a_request(), pool=pool)
    assert outlook(ALEX, request) == ()
    assert outlook(BLAKE, request) == (Refusal(Reason.ELIGIBLE_DIRECTLY),)
    assert outlook(CASEY, request) == (Refusal(Reason.NOT_AN_APPROVER),)
    assert outlook(RILEY, request) == (Refusal(Reason.OWN_REQUEST), Refusal(Reason.NOT_AN_APPROVER))
    unread = replace(request, pool=Unreadable("approver policy", "503"))
    assert outlook(ALEX, unread) == (Refusal(Reason.FACT_UNREADABLE, "approver policy"),)


PEOPLE = [ALEX, BLAKE, CASEY, RILEY]
scopes = st.sampled_from(["/", UNIT, "/administrativeUnits/other"])
paths = st.lists(
    st.builds(
        RolePath, st.sampled_from(PEOPLE), st.sampled_from(PathKind), scopes, st.sampled_from([(), ("g",)])
    ),
    max_size=6,
).map(tuple)
some = st.lists(st.sampled_from(PEOPLE), max_size=4, unique=True)


@given(
    who=st.sampled_from(PEOPLE),
    pool=some,
    named=some,
    eligible=paths,
    active=paths,
    scope=scopes,
    glass=some,
    lenient=st.booleans(),
)
def test_the_verdict_is_that_of_a_plain_reading_of_the_rules(
    who: str,
    pool: list[str],
    named: list[str],
    eligible: tuple[RolePath, ...],
    active: tuple[RolePath, ...],
    scope: str,
    glass: list[str],
    lenient: bool,
) -> None:
    request = replace(a_request(), scope=scope, pool=Pool(a_pool(*pool).members if pool else ()))
    known = Facts(ApprovalPolicy(True, tuple(person(n) for n in named)), Holders(eligible, active), NOW)
    rules = Rules(TENANT, frozenset(glass), lenient)
    verdict = separation.judge(Identity(TENANT, who), request, known, rules)
    expected = (
        who in pool
        and who in named
        and who != RILEY
        and who not in glass
        and not any(p.object_id == who and p.scope in ("/", scope) for p in eligible)
        and (lenient or not any(p.object_id == who and p.scope in ("/", scope) for p in active))
    )
    assert isinstance(verdict, Allowed) is expected


@given(st.text())
def test_an_identity_is_never_empty(text: str) -> None:
    if text.strip():
        assert Identity(text, text).object_id == text.strip().lower()
    else:
        with pytest.raises(ValueError, match="needs"):
            Identity(TENANT, text)
