"""What is typed is done, as its user meant it and nobody else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from command_house import CommandHouse
from fakes.meters import RecordingMeters
from fakes.own_roles import (
    AU,
    ON_CALL,
    SECURITY,
    SHAREPOINT,
    USERS,
    USERS_IN_BERLIN,
    VAULT,
    VAULT_OWNER,
    active,
)
from fakes.values import ALEX, BLAKE, NOW, RILEY, ROLE, a_pim_request, a_request, an_actor, person

from bot.domain import activation as a
from bot.domain.commands import CommandName
from bot.domain.errors import UnavailableError
from bot.domain.model import (
    Danger,
    Pool,
    PoolMember,
    Reason,
    Refusal,
    Role,
    SignInNeeded,
    Ticket,
    Unreadable,
)
from bot.domain.replies import (
    Activated,
    ApproversReply,
    FormFault,
    FormOffer,
    FormReply,
    GaveBack,
    HelpReply,
    HowLong,
    InTrouble,
    NoneFitting,
    NothingBefore,
    Notice,
    NoticeReply,
    PendingReply,
    Prolonged,
    RolesReply,
    StatusReply,
    Took,
    TooMany,
    UnreadReply,
    WhichOne,
    is_public,
)
from bot.domain.said import Chosen, Filled, Said, role_value
from bot.domain.typed import Unread
from bot.telemetry import metrics
from bot.telemetry.instruments import measured_by

HOURS = timedelta(hours=1)
OF_SECURITY = Chosen(SECURITY.key, "/")


@pytest.fixture
def house() -> CommandHouse:
    return CommandHouse()


# Asking for a role -------------------------------------------------------------------------------


async def test_an_activation_is_sent_as_it_was_typed(house: CommandHouse) -> None:
    reply = await house.say("activate Security Administrator 2h because ticket 1234")
    assert house.own.wishes == [a.Wish(SECURITY, 2 * HOURS, None, "ticket 1234", Ticket("1234"))]
    assert isinstance(reply, Activated)
    assert not is_public(reply)
    assert house.own.asked_as == {an_actor(RILEY)}


@pytest.mark.parametrize("name", ["sec admin", "SECADM", "Secuirty Administrator", "security"])
async def test_a_role_is_found_by_the_names_people_use(house: CommandHouse, name: str) -> None:
    await house.say(f"activate {name} 2h because x")
    assert [wish.role for wish in house.own.wishes] == [SECURITY]


async def test_until_and_from_are_times_in_the_users_own_zone(house: CommandHouse) -> None:
    await house.say("activate security until 12:30 because x")
    await house.say("activate security from 14:00 to 16:00 because x")
    first, second = house.own.wishes
    assert (first.duration, first.starts_at) == (2 * HOURS, None)
    assert (second.duration, second.starts_at) == (2 * HOURS, datetime(2026, 11, 23, 13, tzinfo=UTC))


async def test_pim_is_sent_whole_seconds(house: CommandHouse) -> None:
    house.clock.move(0.0003)
    await house.say("activate security until 12:30 because x")
    assert house.own.wishes[0].duration == 2 * HOURS - timedelta(seconds=1)


async def test_when_two_fit_the_asker_picks_and_the_command_goes_along(house: CommandHouse) -> None:
    reply = await house.say("activate SA 2h because ticket 1234")
    assert isinstance(reply, WhichOne)
    assert [one.name for one in reply.options] == ["Security Administrator", "SharePoint Administrator"]
    assert house.own.wishes == []
    await house.say(reply.text, chosen=reply.options[1].chosen)
    assert house.own.wishes == [a.Wish(SHAREPOINT, 2 * HOURS, None, "ticket 1234", Ticket("1234"))]


async def test_a_choice_is_checked_against_what_the_asker_may_ask_for(house: CommandHouse) -> None:
    for forged in (Chosen("62e90394-69f5-4237-9190-012177145e10"), Chosen(SECURITY.key, AU)):
        reply = await house.say("activate SA 2h because x", chosen=forged)
        assert isinstance(reply, NoneFitting)
    assert house.own.wishes == []


async def test_one_role_at_two_scopes_is_told_apart_by_the_scope(house: CommandHouse) -> None:
    assert isinstance(await house.say("activate User Administrator 1h because x"), WhichOne)
    await house.say("activate User Administrator on Berlin 1h because x")
    await house.say("activate User Administrator on directory 1h because x")
    await house.say("activate User Administrator on 11111111-0000-4000-8000-000000000001 1h because x")
    assert [wish.role for wish in house.own.wishes] == [USERS_IN_BERLIN, USERS, USERS_IN_BERLIN]
    assert isinstance(await house.say("activate User Administrator on Paris 1h because x"), NoneFitting)


@pytest.mark.parametrize("name", ["member of SRE on call", "SRE on call", '"SRE on call"'])
async def test_a_groups_role_is_a_role_with_on_in_its_name_too(house: CommandHouse, name: str) -> None:
    await house.say(f"activate {name} 1h because x")
    assert [wish.role for wish in house.own.wishes] == [ON_CALL]


@pytest.mark.parametrize(
    ("name", "role"),
    [("member of Vault", VAULT), ("owner of vault", VAULT_OWNER), ("Vault (owner)", VAULT_OWNER)],
)
async def test_membership_and_ownership_of_a_group_are_told_apart(
    house: CommandHouse, name: str, role: a.EligibleRole
) -> None:
    await house.say(f"activate {name} 1h because x")
    assert [wish.role for wish in house.own.wishes] == [role]


async def test_the_groups_name_alone_may_mean_either(house: CommandHouse) -> None:
    reply = await house.say("activate Vault 1h because x")
    assert isinstance(reply, WhichOne)
    assert [one.name for one in reply.options] == ["Vault", "Vault (owner)"]
    assert house.own.wishes == []


async def test_a_role_that_nobody_may_ask_for_is_answered_with_ones_own(house: CommandHouse) -> None:
    reply = await house.say("activate Global Administrator 2h because x")
    assert reply == NoneFitting(
        CommandName.ACTIVATE,
        "Global Administrator",
        (
            "Security Administrator",
            "SharePoint Administrator",
            "User Administrator",
            "SRE on call",
            "Vault",
            "Vault (owner)",
        ),
    )


async def test_a_number_without_a_unit_is_asked_about(house: CommandHouse) -> None:
    reply = await house.say("activate sec admin 2 because x")
    assert isinstance(reply, NoneFitting)
    assert reply.suggestion == "activate Security Administrator 2h"
    for text in ("activate sec admin 0", "activate s 2", "activate sec admin 200"):
        again = await house.say(text)
        assert isinstance(again, NoneFitting)
        assert again.suggestion is None


async def test_a_missing_duration_is_asked_for_and_one_click_gives_it(house: CommandHouse) -> None:
    reply = await house.say("activate SA on directory because ticket 7", chosen=OF_SECURITY)
    assert isinstance(reply, HowLong)
    assert house.own.wishes == []
    span, text = reply.texts[1]
    await house.say(text, chosen=reply.chosen)
    assert house.own.wishes == [a.Wish(SECURITY, span, None, "ticket 7", Ticket("7"))]


async def test_activate_alone_offers_the_form(house: CommandHouse) -> None:
    assert await house.say("activate") == FormOffer("activate")
    assert await house.say("activate 2h because x") == FormOffer("activate 2h because x")


async def test_what_pim_would_refuse_is_offered_with_the_limit(house: CommandHouse) -> None:
    instead = a.Wish(SECURITY, 4 * HOURS, None, "ticket 1", Ticket("1"))
    house.own.outcome = a.NeedsChange((a.TooLong(4 * HOURS),), instead)
    reply = await house.say("activate security 8h because ticket 1")
    assert isinstance(reply, Activated)
    assert reply.instead_text == "activate Security Administrator 4h because ticket 1"
    house.own.outcome = None
    await house.say(reply.instead_text, chosen=OF_SECURITY)
    assert house.own.wishes[-1] == instead


@pytest.mark.parametrize(
    "reason", ["'; DROP TABLE x; --", "<b>**x**</b>", "👩\u200d💻 \u200fשלום", "x" * 4000, "a\nb"]
)
async def test_nothing_in_a_reason_changes_anything_but_the_reason(house: CommandHouse, reason: str) -> None:
    await house.say(f"activate security 2h because {reason}")
    assert house.own.wishes == [a.Wish(SECURITY, 2 * HOURS, None, reason)]


# How often ---------------------------------------------------------------------------------------


async def test_more_than_the_allowed_number_in_an_hour_is_refused_with_the_time(house: CommandHouse) -> None:
    for minutes in (50, 40, 10):
        await house.asked_before(timedelta(minutes=minutes))
    reply = await house.say("activate security 2h because x")
    assert reply == TooMany(3, NOW + timedelta(minutes=10))
    assert house.own.wishes == []
    house.clock.move(600)
    assert isinstance(await house.say("activate security 2h because x"), Activated)


async def test_what_was_asked_for_elsewhere_or_by_others_does_not_count(house: CommandHouse) -> None:
    for _ in range(3):
        await house.asked_before(timedelta(minutes=5), here=False)
        await house.asked_before(timedelta(minutes=5), requester=person(ALEX))
    assert isinstance(await house.say("activate security 2h because x"), Activated)


async def test_two_commands_of_one_user_go_to_graph_one_after_the_other(house: CommandHouse) -> None:
    at_once: list[int] = []
    running = 0

    async def slow(_actor: object, _wish: object) -> a.ActivationOutcome:
        nonlocal running
        running += 1
        at_once.append(running)
        await asyncio.sleep(0)
        running -= 1
        return a.Sent(a_pim_request())

    house.own.activate = slow  # type: ignore[method-assign]
    await asyncio.gather(*(house.say("activate security 2h because x") for _ in range(3)))
    assert at_once == [1, 1, 1]


# Again, extend -----------------------------------------------------------------------------------


async def test_again_repeats_the_last_activation_from_now(house: CommandHouse) -> None:
    await house.asked_before(timedelta(days=3), reason="older")
    await house.asked_before(timedelta(days=1), starts_at=NOW - timedelta(days=1))
    await house.say("again")
    assert house.own.wishes == [a.Wish(SECURITY, 2 * HOURS, None, "patching", Ticket("7"))]


async def test_again_is_only_for_roles_that_one_may_still_ask_for(house: CommandHouse) -> None:
    assert await house.say("again") == NothingBefore()
    await house.asked_before(timedelta(days=1), key="gone", role_name="Gone Administrator")
    reply = await house.say("again")
    assert isinstance(reply, NoneFitting)
    assert reply.typed == "Gone Administrator"
    assert house.own.wishes == []


async def test_again_without_a_known_duration_asks_for_it(house: CommandHouse) -> None:
    await house.asked_before(timedelta(days=1), duration=None)
    reply = await house.say("again")
    assert isinstance(reply, HowLong)
    await house.say(reply.texts[0][1], chosen=reply.chosen)
    assert house.own.wishes[0].reason == "patching"


async def test_an_extension_uses_the_reason_given_before_and_is_done_only_when_confirmed(
    house: CommandHouse,
) -> None:
    house.own.held = (active(),)
    await house.asked_before(HOURS)
    reply = await house.say("extend security 1h")
    assert isinstance(reply, Prolonged)
    wish = a.Wish(SECURITY, HOURS, None, "patching", Ticket("7"))
    await house.say(reply.text, chosen=OF_SECURITY, confirmed=True)
    assert house.own.deeds == [("extend", wish, False), ("extend", wish, True)]


async def test_an_extension_with_a_reason_and_of_a_role_no_longer_eligible_for(house: CommandHouse) -> None:
    house.own.held, house.own.roles = (active(),), ()
    await house.say("extend security 1h because INC0012345 goes on")
    [(_, wish, _)] = house.own.deeds
    assert isinstance(wish, a.Wish)
    assert (wish.reason, wish.ticket) == ("INC0012345 goes on", Ticket("INC0012345", "ServiceNow"))
    assert wish.role == SECURITY


async def test_only_an_active_role_can_be_extended_and_for_how_long_is_asked(house: CommandHouse) -> None:
    assert isinstance(await house.say("extend security 1h"), NoneFitting)
    house.own.held = (active(),)
    reply = await house.say("extend security")
    assert isinstance(reply, HowLong)
    await house.say(reply.texts[1][1], chosen=reply.chosen)
    assert house.own.deeds


# Giving back, withdrawing ------------------------------------------------------------------------


async def test_a_role_is_given_back_by_name_and_later_only_when_confirmed(house: CommandHouse) -> None:
    house.own.held = (active(), active(USERS_IN_BERLIN))
    reply = await house.say("deactivate security")
    assert isinstance(reply, GaveBack)
    await house.say("deactivate security", chosen=reply.chosen, confirmed=True)
    assert house.own.deeds == [("deactivate", ROLE, "/", False), ("deactivate", ROLE, "/", True)]


async def test_no_role_is_given_back_that_was_not_named(house: CommandHouse) -> None:
    house.own.held = (active(),)
    reply = await house.say("deactivate")
    assert isinstance(reply, WhichOne)
    assert house.own.deeds == []
    house.own.held = ()
    assert await house.say("deactivate") == NoneFitting(CommandName.DEACTIVATE, "", ())


async def test_the_only_pending_request_is_withdrawn(house: CommandHouse) -> None:
    house.own.waiting = (a_pim_request(id="r1"),)
    assert isinstance(await house.say("cancel"), Took)
    assert house.own.deeds == [("withdraw", "r1")]


async def test_of_several_pending_requests_one_is_picked_or_named(house: CommandHouse) -> None:
    house.own.waiting = (a_pim_request(id="r1"), a_pim_request(id="r2", role_definition_id=USERS.key))
    async with house.store.transaction() as tx:
        await tx.add_request(a_request(id="r1"))
    await house.asked_before(HOURS, request_id="r2", key=USERS.key, role_name=USERS.display_name)
    reply = await house.say("cancel")
    assert isinstance(reply, WhichOne)
    assert [one.name for one in reply.options] == ["Security Administrator", "User Administrator"]
    await house.say(reply.text, chosen=reply.options[1].chosen)
    await house.say("cancel security")
    assert house.own.deeds == [("withdraw", "r2"), ("withdraw", "r1")]
    assert isinstance(await house.say("cancel nonsense"), NoneFitting)


async def test_a_forged_request_is_not_withdrawn(house: CommandHouse) -> None:
    house.own.waiting = (a_pim_request(id="r1"),)
    assert await house.say("cancel", chosen=Chosen("somebody-elses")) == Took(a.NothingPending())
    assert house.own.deeds == []


async def test_with_nothing_pending_there_is_nothing_to_withdraw(house: CommandHouse) -> None:
    assert await house.say("cancel") == Took(a.NothingPending())


# Questions ---------------------------------------------------------------------------------------


async def test_my_roles_are_what_can_be_asked_for_and_what_is_active(house: CommandHouse) -> None:
    house.own.held = (active(),)
    assert await house.say("my roles") == RolesReply(house.own.roles, house.own.held)


async def test_status_names_each_request_as_well_as_it_can(house: CommandHouse) -> None:
    house.own.waiting = tuple(a_pim_request(id=one) for one in ("r1", "r2", "r3"))
    async with house.store.transaction() as tx:
        await tx.add_request(a_request(id="r1"))
        # Its name could not be read at intake.
        await tx.add_request(a_request(id="r2", role=Role(ROLE, ROLE, Danger.CRITICAL)))
    await house.asked_before(HOURS, request_id="r2", role_name="From the journal")
    reply = await house.say("status")
    assert isinstance(reply, StatusReply)
    assert [one.role_name for one in reply.waiting] == ["Security Administrator", "From the journal", ROLE]
    assert [one.known is not None for one in reply.waiting] == [True, True, False]


async def test_pending_is_told_to_the_pool_alone_with_what_keeps_them_from_deciding(
    house: CommandHouse,
) -> None:
    pool = Pool((PoolMember(person(ALEX)), PoolMember(person(BLAKE), (Refusal(Reason.ELIGIBLE_DIRECTLY),))))
    async with house.store.transaction() as tx:
        await tx.add_request(a_request(id="r2", requested_at=NOW, pool=pool))
        await tx.add_request(a_request(id="r1", requested_at=NOW - HOURS, pool=pool))
        await tx.add_request(a_request(id="r3", pool=Unreadable("approver policy", "down")))
    to_alex, to_blake, to_riley = [await house.say("pending", by) for by in (ALEX, BLAKE, RILEY)]
    assert isinstance(to_alex, PendingReply)
    assert [one.request.id for one in to_alex.requests] == ["r1", "r2"]
    assert to_alex.requests[0].refusals == ()
    assert isinstance(to_blake, PendingReply)
    assert to_blake.requests[0].refusals == (Refusal(Reason.ELIGIBLE_DIRECTLY),)
    assert to_riley == PendingReply(())


async def test_who_can_approve_is_told_to_whoever_may_ask_for_the_role(house: CommandHouse) -> None:
    house.graph.make_eligible(BLAKE)
    reply = await house.say("who can approve security")
    assert isinstance(reply, ApproversReply)
    assert isinstance(reply.pool, Pool)
    assert [member.person.identity.object_id for member in reply.pool.able] == [ALEX]


async def test_who_can_approve_is_not_told_of_other_peoples_roles(house: CommandHouse) -> None:
    house.own.roles = (USERS,)
    known = await house.say("who can approve Security Administrator", ALEX)
    unknown = await house.say("who can approve Imaginary Administrator", ALEX)
    assert isinstance(known, NoneFitting)
    assert isinstance(unknown, NoneFitting)
    assert known.names == unknown.names == ("User Administrator",)


async def test_who_can_approve_is_told_to_the_pool_of_a_request(house: CommandHouse) -> None:
    house.own.roles = ()
    async with house.store.transaction() as tx:
        await tx.add_request(a_request())
    assert isinstance(await house.say("who can approve security", ALEX), ApproversReply)
    assert isinstance(await house.say("who can approve security", RILEY), NoneFitting)


async def test_who_can_approve_is_about_the_request_that_waits_and_not_about_whoever_asks(
    house: CommandHouse,
) -> None:
    house.own.roles = ()
    house.graph.make_eligible(BLAKE)
    async with house.store.transaction() as tx:
        await tx.add_request(a_request(id="r1", requester=person(RILEY), requested_at=NOW - HOURS))
        await tx.add_request(a_request(id="r2", requester=person(ALEX), requested_at=NOW))
    reply = await house.say("who can approve security", ALEX)
    assert isinstance(reply, ApproversReply)
    assert isinstance(reply.pool, Pool)
    assert [member.person.identity.object_id for member in reply.pool.able] == [ALEX]


async def test_who_can_approve_a_role_that_one_may_ask_for_leaves_oneself_out(house: CommandHouse) -> None:
    async with house.store.transaction() as tx:
        await tx.add_request(a_request())
    reply = await house.say("who can approve security", ALEX)
    assert isinstance(reply, ApproversReply)
    assert isinstance(reply.pool, Pool)
    assert ALEX not in [member.person.identity.object_id for member in reply.pool.able]


async def test_who_can_approve_says_what_can_not_be_read(house: CommandHouse) -> None:
    house.graph.fail["approval_policy"] = UnavailableError()
    reply = await house.say("who can approve security")
    assert isinstance(reply, ApproversReply)
    assert isinstance(reply.pool, Unreadable)


async def test_who_can_approve_without_a_role_offers_ones_own(house: CommandHouse) -> None:
    reply = await house.say("who can approve")
    assert isinstance(reply, WhichOne)
    assert len(reply.options) == 6


# Help, signing in, trouble -----------------------------------------------------------------------


async def test_help_and_nonsense_are_answered_for_all_to_see(house: CommandHouse) -> None:
    for text in ("help", "", "hi"):
        assert await house.say(text) == HelpReply()
    reply = await house.say("actvate SA 2h because x")
    assert reply == UnreadReply(Unread.NO_COMMAND, "activate SA 2h because x")
    assert is_public(reply)


async def test_sign_in_and_sign_out_go_to_whoever_holds_the_tokens(house: CommandHouse) -> None:
    assert await house.say("sign in") == NoticeReply(Notice.ASKED_TO_SIGN_IN)
    assert await house.say("sign out") == NoticeReply(Notice.SIGNED_OUT)
    assert house.signing_in.asked == house.signing_in.forgotten == [an_actor(RILEY)]
    house.signing_in.down = True
    for text in ("sign in", "sign out"):
        assert await house.say(text) == NoticeReply(Notice.SIGN_IN_UNAVAILABLE)


@pytest.mark.parametrize(
    "text",
    [
        "activate security 2h because x",
        "again",
        "extend security 1h",
        "deactivate security",
        "cancel",
        "my roles",
        "status",
        "who can approve security",
    ],
)
async def test_whoever_is_not_signed_in_is_told(house: CommandHouse, text: str) -> None:
    await house.asked_before(HOURS)
    house.own.trouble = SignInNeeded()
    assert await house.say(text) == InTrouble(SignInNeeded())


async def test_whoever_is_of_another_tenant_is_told_nothing_else(house: CommandHouse) -> None:
    stranger = an_actor(RILEY, "dddddddd-0000-4000-8000-000000000000")
    said = Said("my roles", house.desk.clock.now().tzinfo)  # type: ignore[arg-type]
    assert await house.desk.say(stranger, said) == NoticeReply(Notice.OTHER_TENANT)
    assert await house.desk.form(stranger, said) == NoticeReply(Notice.OTHER_TENANT)
    filled = Filled(role_value(SECURITY.key, "/"), "2h", "x")
    assert await house.desk.submit(stranger, filled, said) == NoticeReply(Notice.OTHER_TENANT)
    assert house.own.wishes == []


async def test_commands_are_counted_by_how_they_were_answered(house: CommandHouse) -> None:
    meters = RecordingMeters()
    with measured_by(meters):
        for text in ("my roles", "activate security 2h because x", "activate SA 2h", "nonsense"):
            await house.say(text)
        house.own.trouble = SignInNeeded()
        await house.say("status")
    for command, answer in (
        ("my roles", "roles"),
        ("activate", "sent"),
        ("activate", "which-one"),
        ("unread", "no-command"),
        ("status", "sign-in-needed"),
    ):
        assert meters.values(metrics.COMMANDS, command=command, answer=answer) == [1]


# The form ----------------------------------------------------------------------------------------


async def test_the_form_starts_with_what_was_typed(house: CommandHouse) -> None:
    assert await house.form() == FormReply(house.own.roles)
    said = await house.form("activate secadm 90m because ticket 7")
    assert isinstance(said, FormReply)
    assert said.filled == Filled(role_value(SECURITY.key, "/"), "1h30m", "ticket 7", "7")
    chosen = await house.form("activate SA because x", OF_SECURITY)
    assert isinstance(chosen, FormReply)
    assert chosen.filled == Filled(role_value(SECURITY.key, "/"), "", "x", "")
    forged = await house.form("activate SA", Chosen("someone-elses"))
    assert isinstance(forged, FormReply)
    assert forged.filled.role == ""


async def test_the_form_does_the_same_as_typing(house: CommandHouse) -> None:
    role = role_value(USERS_IN_BERLIN.key, AU)
    await house.submit(role=role, duration="1h30", reason=" patching ", ticket=" 77 ")
    await house.submit(role=role, duration="2 hours", reason="because INC0012345")
    first, second = house.own.wishes
    assert first == a.Wish(USERS_IN_BERLIN, 1.5 * HOURS, None, "patching", Ticket("77"))
    assert second.ticket == Ticket("INC0012345", "ServiceNow")


async def test_a_form_that_can_not_be_read_comes_back_as_it_was_filled(house: CommandHouse) -> None:
    role = role_value(SECURITY.key, "/")
    for fields, fault in (
        ({"role": role, "duration": "soon"}, FormFault.DURATION),
        ({"role": "", "duration": "2h"}, FormFault.ROLE),
    ):
        reply = await house.submit(**fields, reason="x")
        assert reply == FormReply(house.own.roles, Filled(**fields, reason="x"), fault)
    assert house.own.wishes == []


async def test_a_forged_role_in_the_form_is_refused(house: CommandHouse) -> None:
    reply = await house.submit(role="62e90394-69f5-4237-9190-012177145e10 /", duration="2h", reason="x")
    assert isinstance(reply, NoneFitting)
    assert house.own.wishes == []


async def test_without_a_sign_in_there_is_no_form(house: CommandHouse) -> None:
    house.own.trouble = SignInNeeded()
    assert await house.form() == InTrouble(SignInNeeded())
    assert await house.submit(role="", duration="") == InTrouble(SignInNeeded())
