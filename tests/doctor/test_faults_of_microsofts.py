"""Nothing wrong, and what can be wrong with Entra and Graph, over HTTP against the sandbox: each fault is
recognised, told with what it breaks and what to do, and nothing else is blamed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.x509 import load_pem_x509_certificate
from doctor.clinic import Clinic

from bot.demo.processes import _free_port
from bot.doctor.findings import Severity, exit_code
from bot.graph.graph_call import Kind
from bot.graph.permissions import asked, calls_of
from bot.sandbox.profiles import LEAST_APP_ROLES

pytestmark = pytest.mark.asyncio(loop_scope="package")

SEGMENT = "Resource not found for the segment 'roleAssignmentApprovals'."


async def test_a_healthy_tenant_is_all_green(clinic: Clinic):
    results = await clinic.examine()
    assert clinic.codes() == set()
    assert exit_code(results) == 0
    assert not [finding for finding in clinic.findings() if finding.code.endswith(".skipped")]


async def test_a_sandbox_that_is_healthy_grants_what_is_asked_for_and_no_more(clinic: Clinic):
    wanted = set(asked(Kind.APPLICATION)) | {"Mail.ReadBasic"}
    assert wanted == LEAST_APP_ROLES, "bot/sandbox/profiles.py grants what the table asks for"
    assert clinic.world.app_roles == LEAST_APP_ROLES


async def test_whatever_is_wrong_says_what_it_breaks_and_what_to_do(clinic: Clinic):
    clinic.world.app_roles = {"RoleManagement.ReadWrite.Directory"}
    clinic.teams.uninstalled.update(clinic.world.channels)
    clinic.fault("token", "", status=503)
    await clinic.examine(break_glass="")
    wrong = [finding for finding in clinic.findings() if finding.severity >= Severity.WARNING]
    assert len(wrong) > 5
    assert [
        finding for finding in wrong if not finding.breaks.endswith(".") or not finding.do.endswith(".")
    ] == []


# Entra -------------------------------------------------------------------------------------


async def test_a_wrong_secret(clinic: Clinic):
    await clinic.examine(client_secret="wrong-secret-of-mine")
    assert clinic.codes() == {"graph-token.refused", "bot-token.refused"}
    (found,) = clinic.findings("graph-token.refused")
    assert "secret is wrong (AADSTS7000215)" in found.says
    assert found.severity is Severity.CRITICAL
    assert "wrong-secret-of-mine" not in str(clinic.results)
    assert clinic.findings("permissions.skipped")


async def test_an_app_that_is_not_in_the_tenant(clinic: Clinic):
    await clinic.examine(client_id="00000000-0000-4000-8000-000000000001")
    assert clinic.codes() == {"graph-token.refused", "bot-token.refused"}
    assert "no such app" in clinic.findings("graph-token.refused")[0].says


async def test_entra_out_of_reach(clinic: Clinic):
    await clinic.examine(login_url=f"https://localhost:{_free_port()}")
    assert clinic.codes() == {"graph-token.unreachable", "bot-token.unreachable"}


def certificate_ending(clinic: Clinic, ends: datetime) -> Path:
    """A certificate that Entra knows, which is good until then."""
    leaf = trustme.CA().issue_cert("bot", key_type=trustme.KeyType.RSA, not_after=ends)
    path = clinic.directory / "other-client.pem"
    path.write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    known = load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).public_key()
    clinic.world.client_certificates = [*clinic.world.client_certificates, known]
    return path


@pytest.mark.parametrize(
    ("days", "code"),
    [
        pytest.param(-1, "certificate.expired", id="expired"),
        pytest.param(7, "certificate.ends", id="soon"),
        pytest.param(365, None, id="not soon"),
    ],
)
async def test_a_client_certificate_that_ends(clinic: Clinic, days: int, code: str | None):
    path = certificate_ending(clinic, clinic.world.now() + timedelta(days=days))
    await clinic.examine(client_secret=None, client_certificate=path)
    assert clinic.codes() == ({code} if code else set())


async def test_a_client_certificate_that_is_none(clinic: Clinic):
    path = clinic.directory / "no-certificate.pem"
    path.write_text("-----BEGIN NOTHING-----")
    await clinic.examine(client_secret=None, client_certificate=path)
    assert "certificate.unreadable" in clinic.codes()


def replaceable(permission: str) -> bool:
    """Whether the others that are granted will do for each of its calls."""
    rest = LEAST_APP_ROLES - {permission}
    return all(
        any(set(needs) <= rest for needs in call.needs) for call in calls_of(permission, Kind.APPLICATION)
    )


@pytest.mark.parametrize("permission", sorted(asked(Kind.APPLICATION)))
async def test_each_application_permission_that_is_missing(clinic: Clinic, permission: str):
    clinic.world.app_roles = set(LEAST_APP_ROLES) - {permission}
    await clinic.examine()
    missing = clinic.findings("permissions.missing")
    assert [permission in finding.says and permission in finding.do for finding in missing] == (
        [] if replaceable(permission) else [True]
    )
    consequences = {
        "poll.refused",
        "poll.groups",
        "pools.unreadable",
        "break-glass.unknown",
        "break-glass.pools-unread",
    }
    assert clinic.codes() <= {"permissions.missing"} | consequences


async def test_a_permission_that_gives_authority_and_is_not_needed(clinic: Clinic):
    clinic.world.app_roles = {*LEAST_APP_ROLES, "RoleManagement.ReadWrite.Directory", "AuditLog.Read.All"}
    await clinic.examine()
    assert clinic.codes() == {"permissions.powerful"}
    assert "AuditLog.Read.All" in clinic.findings("permissions.surplus")[0].says


# Graph -------------------------------------------------------------------------------------


async def test_graph_that_throttles(clinic: Clinic):
    clinic.fault("graph", "", status=429, retry_after=1)
    await clinic.examine()
    assert clinic.codes() == {
        "permissions.busy",
        "approvals.unknown",
        "poll.busy",
        "pools.busy",
        "break-glass.unknown",
    }
    assert exit_code(clinic.results) == 1, "being throttled is no fault of the set-up"


async def test_the_beta_approvals_api_gone(clinic: Clinic):
    clinic.fault("graph", "beta/.*roleAssignmentApprovals", status=400, code="BadRequest", message=SEGMENT)
    await clinic.examine()
    assert clinic.codes() == {"approvals.gone"}
    assert exit_code(clinic.results) == 4


@pytest.mark.parametrize(
    ("minutes", "code"),
    [pytest.param(1, "clock.drifts", id="a minute"), pytest.param(20, "clock.wrong", id="twenty minutes")],
)
async def test_a_clock_that_is_off(clinic: Clinic, minutes: int, code: str):
    clinic.world.offset += timedelta(minutes=minutes)
    await clinic.examine(dangerously_clock_url=None)
    assert code in clinic.codes()
    assert "behind" in clinic.findings(code)[0].says
    assert clinic.codes() - {code} <= {"queue.fails", "queue.stands-still"}
