"""Delegated permissions, tried as one person who asked for it: what their token says, and calls that read.

The way is that of a click: the token service's sign-in, exchanged on behalf of the person for a token for
Graph. Nobody's sign-in is used whom the operator has not named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from http import HTTPStatus
from typing import Final

from bot.doctor.checks.approvals import is_gone
from bot.doctor.checks.permissions import Tried, is_granted, missing, needed, try_all
from bot.doctor.checks.teams import channels_of, heard_from
from bot.doctor.findings import Finding, critical, error, info, ok, warning
from bot.doctor.tools import Tools
from bot.domain.errors import DirectoryError, UnavailableError
from bot.domain.model import Identity, SignInNeeded, UserAssertion
from bot.domain.obstacles import Way, obstacle_of
from bot.graph.graph_call import Kind
from bot.service.assertion import belongs_to, claims_in
from bot.teams.roster import Roster

_SIGN_IN: Final = "Type `my roles` to the bot in Teams, sign in, and run the doctor again."
_UNTRIED: Final = "Whether approvers and requesters can be acted for is not known."
_NO_DECISION: Final = "Nobody can decide or ask here; they are told why."


async def look(tools: Tools) -> Iterable[Finding]:
    if tools.person is None:
        return [
            info(
                "delegated.not-tried",
                "they can only be tried as somebody who is signed in to the bot",
                "Type `my roles` to the bot in Teams and sign in; then: secondkey doctor --as OBJECT_ID,"
                " with your own object id.",
            )
        ]
    teams_id = await _teams_id(tools, tools.person)
    if teams_id is None:
        return [
            warning(
                "delegated.unknown-person",
                f"no member of the bot's channels has the object id {tools.person}",
                _UNTRIED,
                "Name a member of the approvers' or the ops' team.",
            )
        ]
    try:
        assertion = await tools.user_tokens.assertion(teams_id)
    except UnavailableError as failed:
        return [_unavailable(str(failed))]
    return await _as_person(tools, tools.person, assertion)


async def _teams_id(tools: Tools, object_id: str) -> str | None:
    channels = channels_of(tools.settings)
    heard = await heard_from(tools, channels)
    roster = Roster(tools.clock)
    for channel in channels:
        members = await roster.members(tools.conversations(heard.get(channel)), channel)
        if (found := members.get(object_id.lower())) is not None:
            return found
    return None


async def _as_person(
    tools: Tools, object_id: str, assertion: UserAssertion | SignInNeeded
) -> Iterable[Finding]:
    if isinstance(assertion, SignInNeeded):
        says = f"{object_id} is not signed in to the bot"
        return [warning("delegated.not-signed-in", says, _UNTRIED, _SIGN_IN)]
    if not belongs_to(assertion, Identity(tools.settings.tenant_id, object_id)):
        return [_of_another(object_id)]
    try:
        token = await tools.graph.on_behalf.token(assertion)
    except DirectoryError as failed:
        return [judge_exchange(failed)]
    scopes = str(claims_in(token).get("scp", "")).split()
    return judge(await try_all(tools, Kind.DELEGATED, user_token=token), scopes)


def judge_exchange(failed: DirectoryError) -> Finding:
    """Of a refused exchange for a token to Graph."""
    obstacle = obstacle_of(failed)
    if isinstance(failed, UnavailableError):
        return _unavailable(str(failed))
    if obstacle.way is Way.CONSENT or obstacle.tag == "admin-consent-needed":
        return error(
            "delegated.no-consent",
            f"nobody has consented to the delegated permissions ({failed.code})",
            _NO_DECISION,
            "Have an administrator consent for everybody: `secondkey consent-link` prints the link.",
        )
    if obstacle.way is Way.STEP_UP:
        return info(
            "delegated.step-up",
            "Entra asks this person for a stronger sign-in; at a click the bot leads them through it",
            "Click once as this person, and run the doctor again.",
        )
    if obstacle.way is Way.SIGN_IN:
        return _ended(failed.code)
    return error(
        "delegated.refused-exchange",
        f"Entra exchanges no token on behalf of this person: {failed}",
        _NO_DECISION,
        "Look the code up among Microsoft's AADSTS codes; the OAuth connection has to give tokens for the bot"
        " (scope access_as_user), not for Graph.",
    )


def judge(tried: Collection[Tried], scopes: Collection[str]) -> Iterator[Finding]:
    """``scopes``: what the person's token says it is good for. Calls that write are told by it alone."""
    lacking = [call for call in needed(Kind.DELEGATED) if not is_granted(call, scopes)]
    yield from missing(lacking)
    faults = [found for one in tried if one.call not in lacking for found in _judge_one(one)]
    yield from {(fault.code, fault.says): fault for fault in faults}.values()
    if not lacking and not faults:
        yield ok("delegated.granted", f"every delegated permission is there ({len(tried)} calls tried)")


def _judge_one(one: Tried) -> Iterator[Finding]:
    """Only what is there to be read, or is not there but could be, proves that it may be asked for."""
    answer = one.answer
    if answer is None or answer.busy:
        yield _unavailable("no answer about some of the calls")
    elif answer.status == HTTPStatus.UNAUTHORIZED:
        yield _ended(answer.error or "401")
    elif answer.status == HTTPStatus.FORBIDDEN:
        yield error(
            "delegated.refused",
            "Graph refuses a call although the token has the permission that is documented for it:"
            f" {answer.error or 403}",
            f"Not to be had: {one.call.why}.",
            f"Compare docs/permissions.md for {one.call.path} with what the answer names, and report it.",
        )
    elif not (answer.good or (answer.status == HTTPStatus.NOT_FOUND and not is_gone(answer))):
        yield warning(
            "delegated.unexpected",
            f"Graph answers {answer.status} to {one.call.path}: {answer.error or 'without a word'}",
            f"Perhaps not to be had: {one.call.why}.",
            "Run the doctor again. If it stays so, look for a newer release of Second Key, or report it.",
        )


def _ended(why: str) -> Finding:
    says = f"this person's sign-in has ended or does not suffice ({why})"
    return warning("delegated.sign-in-ended", says, _UNTRIED, _SIGN_IN)


def _of_another(object_id: str) -> Finding:
    return critical(
        "delegated.token-of-another",
        f"the token service gave a token that is not {object_id}'s",
        "The bot refuses such tokens, so that this person can't decide.",
        "Treat it as a security incident: docs/operations.md, SecondKeyTokenOfAnother.",
    )


def _unavailable(why: str) -> Finding:
    return warning(
        "delegated.busy",
        f"a service throttles or fails: {why}",
        _UNTRIED,
        "Run the doctor again in a minute.",
    )
