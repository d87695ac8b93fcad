"""Delegated permissions, tried as somebody who is signed in."""

from __future__ import annotations

import pytest
from doctor.clinic import Clinic

from bot.doctor.checks.delegated import judge_exchange
from bot.doctor.findings import Severity
from bot.domain.errors import ClaimsChallengeError, DirectoryError, InteractionRequiredError, RejectedError
from bot.graph.graph_call import Kind
from bot.graph.permissions import asked, calls_of

pytestmark = pytest.mark.asyncio(loop_scope="package")

LEAST = frozenset(asked(Kind.DELEGATED))


def tokens_asked_for(clinic: Clinic) -> int:
    return sum(str(one.get("path")).endswith("/usertoken/GetToken") for one in clinic.world.log)


async def test_without_a_person_nobodys_sign_in_is_used(clinic: Clinic):
    before = tokens_asked_for(clinic)
    await clinic.examine()
    (finding,) = clinic.findings("delegated.not-tried")
    assert finding.severity is Severity.INFO
    assert "--as" in finding.do
    assert tokens_asked_for(clinic) == before
    await clinic.examine(person=clinic.user("alex"))
    assert tokens_asked_for(clinic) == before + 1


async def test_a_person_who_is_signed_in_and_may_everything(clinic: Clinic):
    await clinic.examine(person=clinic.user("alex"))
    assert clinic.codes() == set()
    assert clinic.findings("delegated.granted")


async def test_with_the_permissions_that_are_asked_for_and_no_more(clinic: Clinic):
    clinic.world.delegated_scopes = set(LEAST)
    await clinic.examine(person=clinic.user("alex"))
    assert clinic.codes() == set()
    assert clinic.findings("delegated.granted")


@pytest.mark.parametrize("permission", sorted(LEAST))
async def test_each_delegated_permission_that_is_missing(clinic: Clinic, permission: str):
    clinic.world.delegated_scopes = set(LEAST) - {permission}
    await clinic.examine(person=clinic.user("alex"))
    rest = LEAST - {permission}
    replaceable = all(
        any(set(needs) <= rest for needs in call.needs) for call in calls_of(permission, Kind.DELEGATED)
    )
    told = [finding.says for finding in clinic.findings("delegated.missing")]
    assert any(permission in says for says in told) == (not replaceable)
    assert clinic.codes() <= {"delegated.missing"}


async def test_nobody_consented(clinic: Clinic):
    clinic.world.consented = set()
    await clinic.examine(person=clinic.user("alex"))
    assert clinic.codes() == {"delegated.no-consent"}
    assert "secondkey consent-link" in clinic.findings("delegated.no-consent")[0].do


async def test_somebody_who_is_not_signed_in(clinic: Clinic):
    clinic.teams.signed_in[clinic.user("alex")] = False
    await clinic.examine(person=clinic.user("alex"))
    assert clinic.codes() == {"delegated.not-signed-in"}


async def test_somebody_who_is_in_no_channel(clinic: Clinic):
    await clinic.examine(person="00000000-0000-4000-8000-000000000009")
    assert clinic.codes() == {"delegated.unknown-person"}


async def test_channels_that_can_not_be_read_are_not_told_as_a_person_who_is_not_there(clinic: Clinic):
    clinic.fault("connector", "pagedmembers", status=503)
    await clinic.examine(person=clinic.user("alex"))
    assert clinic.codes() == {"channels.unreachable"}
    assert clinic.findings("delegated.skipped")


async def test_the_token_of_another(clinic: Clinic):
    clinic.teams.mixed_up["alex"] = "blake"
    await clinic.examine(person=clinic.user("alex"))
    assert clinic.codes() == {"delegated.token-of-another"}


async def test_a_call_that_graph_refuses_though_it_is_permitted(clinic: Clinic):
    clinic.fault("graph", "roleEligibilityScheduleInstances/filter", status=403, code="UnknownError")
    await clinic.examine(person=clinic.user("alex"))
    assert clinic.codes() == {"delegated.refused"}
    assert "roleEligibilityScheduleInstances" in clinic.findings("delegated.refused")[0].do


async def test_graph_that_does_not_answer_a_person(clinic: Clinic):
    clinic.fault("graph", "filterByCurrentUser", status=503)
    await clinic.examine(person=clinic.user("alex"))
    assert clinic.codes() == {"delegated.busy"}


async def test_a_token_service_that_does_not_answer(clinic: Clinic):
    clinic.fault("token", "GetToken\\?", status=503)
    await clinic.examine(person=clinic.user("alex"))
    assert clinic.codes() == {"delegated.busy"}


@pytest.mark.parametrize(
    ("failed", "code", "severity"),
    [
        (ClaimsChallengeError(claims="{}"), "delegated.step-up", Severity.INFO),
        (InteractionRequiredError(code="AADSTS50173"), "delegated.sign-in-ended", Severity.WARNING),
        (InteractionRequiredError(code="AADSTS90094"), "delegated.no-consent", Severity.ERROR),
        (RejectedError(code="AADSTS50013"), "delegated.sign-in-ended", Severity.WARNING),
        (RejectedError(code="AADSTS500131"), "delegated.refused-exchange", Severity.ERROR),
    ],
)
async def test_an_exchange_that_is_refused(failed: DirectoryError, code: str, severity: Severity):
    finding = judge_exchange(failed)
    assert (finding.code, finding.severity) == (code, severity)
    assert finding.do
