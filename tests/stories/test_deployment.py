"""What infra/ deploys, in small: two replicas of the image with the settings that the Bicep passes. No
secret: the managed identity's tokens stand in for one with Entra, and open a PostgreSQL whose role
was made by database.sql.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
import trustme
from deploy.azure_postgres import OWNER, Judge, azure_front, run_script, take_away
from deploy.bicep import module
from deploy.image import Image, ready_image
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.demo.processes import Bot, Stage, _free_port, stage
from bot.demo.story import Story
from bot.demo.telling import AsJson
from bot.demo.town import Town
from bot.settings import PREFIX

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

ROLE = "id-secondkey"
DATABASE_RESOURCE = "https://ossrdbms-aad.database.windows.net"


@pytest.fixture(scope="module")
def image() -> Any:
    with ready_image() as made:
        yield made


@pytest.fixture
def database(pg_server: Any) -> Any:
    yield pg_server
    take_away(pg_server, "deployed", role=ROLE)


@pytest.fixture
async def deployed(image: Image, database: Any, tmp_path: Path) -> AsyncIterator[tuple[Stage, Bot]]:
    """The sandbox, and two bots that have not started yet."""
    async with AsyncExitStack() as stack:
        set_up = await stack.enter_async_context(stage(tmp_path))
        identity = set_up.sandbox["identity"]
        run_script(database, role=ROLE, object_id=identity["principal_id"], database="deployed")
        authority = trustme.CA()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(tls)
        judge = await judging(set_up)
        port = await stack.enter_async_context(azure_front(database, tls, judge))
        bundle = tmp_path / "bundle.pem"
        sandbox_ca = Path(set_up.bot.env["SECONDKEY_CA_BUNDLE"]).read_bytes()  # noqa: ASYNC240 - one small file
        bundle.write_bytes(sandbox_ca + authority.cert_pem.bytes())
        bundle.chmod(0o644)
        env = settings_of(
            set_up, f"postgresql+asyncpg://{ROLE}@localhost:{port}/deployed?role={OWNER}", bundle
        )
        second = Bot(set_up.bot.env, tmp_path / "second.log", f"http://127.0.0.1:{_free_port()}")
        for bot in (set_up.bot, second):
            stack.push_async_callback(bot.stop)  # before their database goes
            own = {**env, "SECONDKEY_PORT": bot.url.rpartition(":")[2]}
            bot.command = image.command(env=own, outside=(str(bundle),))
        yield set_up, second


def settings_of(set_up: Stage, database_url: str, bundle: Path) -> dict[str, str]:
    """What main.bicep passes, and where the sandbox's cloud is."""
    (given,) = (given for name, _, given in module("main").calls() if name == "container")
    identity, env = set_up.sandbox["identity"], set_up.bot.env
    ours = {
        "MANAGED_IDENTITY": identity["client_id"],
        "DATABASE_IDENTITY": identity["client_id"],
        "DATABASE_URL": database_url,
        "HOST": given["settings"]["HOST"],
        "OAUTH_CONNECTION": module("main").tree["variables"]["connectionName"]["value"],
        "POLL_SECONDS": "1",
        "LOG_LEVEL": "info",
        "SLA_SECONDS": "300",
        "TRACES": "off",
    }
    passed = {name: ours.get(name, env.get(PREFIX + name, "")) for name in given["settings"]}
    cloud = {name.removeprefix(PREFIX): value for name, value in env.items() if name.endswith("_URL")}
    cloud |= {"BOT_ISSUER": env["SECONDKEY_BOT_ISSUER"], "CA_BUNDLE": str(bundle)}
    settings = {PREFIX + name: value for name, value in {**cloud, **passed}.items()}
    return {**settings, "IDENTITY_ENDPOINT": identity["endpoint"], "IDENTITY_HEADER": identity["header"]}


async def judging(set_up: Stage) -> Judge:
    """Azure's check of a token: Entra's signature, the audience, and whose it is."""
    trust = ssl.create_default_context(cafile=set_up.bot.env["SECONDKEY_CA_BUNDLE"])
    tenant = set_up.bot.env["SECONDKEY_TENANT_ID"]
    url = f"{set_up.sandbox['login']}/{tenant}/discovery/v2.0/keys"
    async with aiohttp.ClientSession() as session, session.get(url, ssl=trust) as answer:
        keys = jwt.PyJWKSet.from_dict(await answer.json())

    def judge(role: str, token: str) -> str | None:
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key, algorithms=["RS256"], audience=DATABASE_RESOURCE)
        except (jwt.PyJWTError, KeyError) as error:
            return f"the token is not good: {error}"
        owner = set_up.sandbox["identity"]["principal_id"]
        return None if (role, claims["oid"]) == (ROLE, owner) else "the role is not this principal's"

    return judge


async def settled(database: Any) -> None:
    """Return once no card is being posted. The clock is about to jump over every lease."""
    engine = create_async_engine(database.get_uri("deployed").replace("postgresql:", "postgresql+asyncpg:"))
    held = text("SELECT count(*) FROM effects WHERE kind = 'card.sync' AND done_at IS NULL")
    async with engine.connect() as connection, asyncio.timeout(15):
        while (await connection.execute(held)).scalar():
            await asyncio.sleep(0.05)  # of other processes: there is no event to wait for
            await connection.rollback()
    await engine.dispose()


async def test_the_story_is_played_by_two_replicas_without_any_secret(
    image: Image, deployed: tuple[Stage, Bot], database: Any
) -> None:
    set_up, second = deployed
    assert "CLIENT_SECRET" not in " ".join(set_up.bot.command)
    await second.start(set_up.session)
    town = Town.of(set_up)
    story = Story(town, AsJson())
    await story.open_up()
    request, card = await story.ask("Security Administrator", "PT2H", "Phishing wave", "INC1")
    await story.refuse("blake", request, card, "is eligible for the role")
    await story.approve("alex", request, card)
    _, left_alone = await story.ask("Exchange Administrator", "PT1H", "Mail flow is down", "INC2")
    await settled(database)
    await story.leave_alone(left_alone)

    lines = (await town.remote.get("log", since=0))["lines"]
    posted = [one["channel"] for one in lines if one["event"] == "card_posted"]
    assert (posted.count("approvers"), posted.count("ops")) == (2, 1), "each once, by one of the two"
    identity = [one for one in lines if one["service"] == "identity"]
    assert {one["status"] for one in identity} == {200}
    assert {one["resource"] for one in identity} == {DATABASE_RESOURCE, "api://AzureADTokenExchange"}
    assert list((image.home / "data").iterdir()) == [], "with PostgreSQL it writes nothing at all"

    for bot in (set_up.bot, second):
        await bot.stop()
        assert bot.process is not None
        assert bot.process.returncode == 0
