"""What a failed call as a user means for that user."""

from __future__ import annotations

import pytest

from bot.domain.errors import (
    ClaimsChallengeError,
    DirectoryError,
    InteractionRequiredError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionMissingError,
    RejectedError,
    UnavailableError,
)
from bot.domain.obstacles import _BY_CODE, Obstacle, Way, obstacle_of
from cards.text import NOTICES


@pytest.mark.parametrize(
    ("error", "tag", "way"),
    [
        pytest.param(ClaimsChallengeError(claims="{}"), "step-up-needed", Way.STEP_UP, id="claims"),
        pytest.param(
            InteractionRequiredError(code="AADSTS65001"), "consent-needed", Way.CONSENT, id="no-consent"
        ),
        pytest.param(
            InteractionRequiredError(code="AADSTS90094"), "admin-consent-needed", Way.NONE, id="admin"
        ),
        pytest.param(
            InteractionRequiredError(code="AADSTS700082"), "sign-in-expired", Way.SIGN_IN, id="expired"
        ),
        pytest.param(
            InteractionRequiredError(code="AADSTS50173"), "sign-in-revoked", Way.SIGN_IN, id="revoked"
        ),
        pytest.param(InteractionRequiredError(code=""), "interaction-needed", Way.SIGN_IN, id="interaction"),
        pytest.param(RejectedError(code="AADSTS53003"), "sign-in-blocked", Way.NONE, id="blocked"),
        pytest.param(PermissionMissingError(), "permission-missing", Way.NONE, id="permission"),
        pytest.param(NotFoundError(), "not-open", Way.NONE, id="gone"),
        pytest.param(UnavailableError(), "try-again", Way.NONE, id="unavailable"),
        pytest.param(OutcomeUnknownError(), "try-again", Way.NONE, id="unknown"),
        pytest.param(RejectedError(code="BadRequest"), "rejected", Way.NONE, id="rejected"),
        pytest.param(DirectoryError(), "rejected", Way.NONE, id="anything-else"),
    ],
)
def test_each_failure_has_its_obstacle_and_its_way_on(error: DirectoryError, tag: str, way: Way) -> None:
    found = obstacle_of(error)
    assert (found.tag, found.way) == (tag, way)


def test_a_step_up_carries_what_is_demanded_and_shows_it_to_nobody() -> None:
    found = obstacle_of(ClaimsChallengeError(claims='{"access_token":{}}'))
    assert found.claims == '{"access_token":{}}'
    assert "access_token" not in repr(found)


@pytest.mark.parametrize("obstacle", sorted({o.tag: o for o in _BY_CODE.values()}.items()))
def test_every_obstacle_has_words(obstacle: tuple[str, Obstacle]) -> None:
    assert obstacle[0] in NOTICES
