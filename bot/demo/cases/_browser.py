"""Signing in by a card's link, in a browser."""

from __future__ import annotations

from typing import Any

from bot.demo.processes import DemoError
from bot.demo.remote import Json, brief, words
from bot.demo.scene import Asked, Scene, around, must_say
from bot.demo.town import must, shown

_LINK = "/signin?act="


async def without_token(scene: Scene, user: str, *, sso: str = "off") -> None:
    """The bot has no token of theirs any more; ``sso``: what their client does about it by itself."""
    remote = scene.town.remote
    scene.undo.push_async_callback(remote.post, "teams/settings", {"sso": "silent", "sso_as": ""})
    scene.undo.push_async_callback(remote.post, "teams/signin", {"user": user})
    scene.undo.push_async_callback(remote.post, "browser/forget", {"user": user})
    async with scene.step("signed-out", f"{scene.name(user)} is signed out"):
        await remote.post("teams/settings", {"sso": sso})
        await remote.post("teams/signout", {"user": user})


async def world(scene: Scene, title: str, **change: Any) -> None:
    """Something that Entra demands or refuses, until the case is over."""
    back: dict[str, Any] = {"consented": None, "require_claims": {}, "no_step_up": [], "obo_refusals": {}}
    remote = scene.town.remote
    scene.undo.push_async_callback(remote.patch, "world", {name: back[name] for name in change})
    scene.undo.push_async_callback(remote.post, "teams/settings", {"sso": "silent"})
    async with scene.step("meanwhile", title):
        await remote.post("teams/settings", {"sso": "off"})
        await remote.patch("world", change)


async def link(
    scene: Scene, user: str, asked: Asked, *says: str, verb: str = "approve", reason: str = "ok"
) -> str:
    """A click that is answered by a link to sign in."""
    async with scene.step("clicked", f"{scene.name(user)} clicks {verb.capitalize()}") as facts:
        answer = await scene.town.click(user, asked.card, verb, reason)
        said = shown(answer)
        must_say(said, *says)
        facts["told"] = around(said, says[0])
        return _link_of(answer)


async def link_in_chat(scene: Scene, *says: str) -> tuple[str, str]:
    """The link of the newest answer in a chat, and what the answer says."""
    for one in reversed((await scene.town.remote.get("teams/activities"))["activities"]):
        for action in (one["card"] or {}).get("actions", ()):
            if _LINK in str(action.get("url")):
                said = words(one["card"])
                must_say(said, *says)
                return str(action["url"]), around(said, says[0])
    raise DemoError("no answer has a link to sign in")


def _link_of(answer: Json) -> str:
    actions = answer["body"]["value"].get("actions", ())
    found = [one["url"] for one in actions if _LINK in str(one.get("url"))]
    must(len(found) == 1, f"the card has {len(found)} links to sign in")
    return str(found[0])


async def follow(scene: Scene, user: str, url: str, title: str, *says: str, **how: Any) -> Json:
    """Somebody opens a link; what the page they end on must say."""
    async with scene.step("browsed", title) as facts:
        page = await scene.town.remote.post("browser", {"user": user, "url": url, **how})
        must_say(page.get("text", ""), *says)
        facts["page"] = f"{page.get('status')}: {brief(page.get('text', ''), 120)}"
    return page
