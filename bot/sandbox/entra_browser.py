"""Entra as a browser meets it: the authorize page, and the code that it ends in.

Source: Entra docs, "OAuth 2.0 authorization code flow" (authorize, PKCE, token request), "Claims
challenge". A person picks an account on the page; the remote control's browser picks one by
``account=``. Whoever is picked is taken to be able to do multi-factor authentication, unless they
are in ``World.no_step_up``.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from bot.sandbox import tokens
from bot.sandbox.world import User, World

CODE_LIFE = timedelta(minutes=10)
_STYLE = (
    "body{font:16px system-ui;max-width:32rem;margin:3rem auto;padding:0 1rem}"
    "a{display:block;padding:.6rem;margin:.3rem 0;border:1px solid #888;border-radius:.3rem}"
)


@dataclass(slots=True)
class Code:
    """An authorization code, good for one token."""

    user_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    nonce: str
    challenge: str
    acrs: tuple[str, ...]
    expires_at: datetime


class AuthorizeError(Exception):
    """Shown on Entra's own page: the browser is not sent back."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"AADSTS{number}: {text}")


def routes(world: World) -> list[web.RouteDef]:
    async def authorize(request: web.Request) -> web.StreamResponse:
        try:
            return _authorize(world, request)
        except AuthorizeError as error:
            request[tokens.NOTES] = {"error": str(error).partition(":")[0]}
            return _page("Sorry, but we're having trouble signing you in", html.escape(str(error)), 400)

    return [web.get("/{tenant}/oauth2/v2.0/authorize", authorize)]


def _authorize(world: World, request: web.Request) -> web.StreamResponse:
    query = request.query
    _check(world, request.match_info["tenant"], query)
    if query.get("cancel"):
        return _back(query, {"error": "access_denied", "error_description": "AADSTS65004: User declined."})
    account = query.get("account")
    if account is None:
        return _picker(world, request)
    try:
        user = world.user(account)
    except KeyError as error:
        raise AuthorizeError(50034, "The user account does not exist in the directory.") from error
    request[tokens.NOTES] = {"account": user.key, "claims": bool(query.get("claims"))}
    if _asks_for_consent(world, user, query):
        return _consent_page(request, user)
    if query.get("consent") == "accept" and world.consented is not None:
        world.consented.add(user.object_id)
    return _signed_in(world, query, user)


def _check(world: World, tenant: str, query: Mapping[str, str]) -> None:
    if tenant.lower() != world.tenant_id:
        raise AuthorizeError(90002, f"Tenant '{tenant}' not found.")
    if query.get("client_id", "").lower() != world.client_id:
        raise AuthorizeError(700016, "Application was not found in the directory.")
    if query.get("redirect_uri") not in registered(world):
        raise AuthorizeError(50011, "The redirect URI does not match those configured for the application.")
    if query.get("response_type") != "code" or query.get("response_mode", "query") != "query":
        raise AuthorizeError(70005, "The response type or mode is not supported.")
    if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
        raise AuthorizeError(9002325, "Proof Key for Code Exchange is required.")


def registered(world: World) -> set[str]:
    """The app's redirect URIs: ``/signin/callback`` where its bot listens."""
    if world.messaging_endpoint is None:
        return set()
    parts = urlsplit(world.messaging_endpoint)
    return {f"{parts.scheme}://{parts.netloc}/signin/callback"}


def _asks_for_consent(world: World, user: User, query: Mapping[str, str]) -> bool:
    if query.get("consent") is not None:
        return False
    missing = world.consented is not None and user.object_id not in world.consented
    return query.get("prompt") == "consent" or (missing and _names_graph(world, query))


def _names_graph(world: World, query: Mapping[str, str]) -> bool:
    return any(scope.startswith((world.http_url, tokens.GRAPH)) for scope in query.get("scope", "").split())


def _signed_in(world: World, query: Mapping[str, str], user: User) -> web.StreamResponse:
    wanted = _demanded(query.get("claims", ""))
    if wanted and user.object_id in world.no_step_up:
        denied = "AADSTS500121: Authentication failed during strong authentication request."
        return _back(query, {"error": "access_denied", "error_description": denied})
    code = secrets.token_urlsafe(48)
    world.codes[code] = Code(
        user_id=user.object_id,
        redirect_uri=query["redirect_uri"],
        scopes=tuple(query.get("scope", "").split()),
        nonce=query.get("nonce", ""),
        challenge=query["code_challenge"],
        acrs=wanted,
        expires_at=world.now() + CODE_LIFE,
    )
    return _back(query, {"code": code, "session_state": secrets.token_hex(8)})


def _demanded(claims: str) -> tuple[str, ...]:
    """The authentication contexts that a claims request names."""
    try:
        acrs = json.loads(claims or "{}").get("access_token", {}).get("acrs", {})
    except (ValueError, AttributeError) as error:
        raise AuthorizeError(50148, "The claims parameter is not valid JSON.") from error
    values = acrs.get("values") or [acrs.get("value")]
    return tuple(str(value) for value in values if value)


def _back(query: Mapping[str, str], answer: Mapping[str, str]) -> web.StreamResponse:
    state = {"state": query["state"]} if "state" in query else {}
    location = f"{query['redirect_uri']}?{urlencode({**answer, **state})}"
    return web.Response(status=302, headers={"Location": location})


def redeem(world: World, form: Mapping[str, str]) -> tuple[User, Code]:
    """Who a code stands for. Raises ``KeyError`` for a code that is not (any more) good."""
    code = world.codes.pop(form.get("code", ""))
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    good = code.challenge == challenge and code.redirect_uri == form.get("redirect_uri")
    if not good or world.now() >= code.expires_at:
        raise KeyError("code")
    return world.users[code.user_id], code


def id_token(world: World, user: User, nonce: str) -> str:
    claims: dict[str, Any] = {
        "aud": world.client_id,
        "iss": f"{world.login_url}/{world.tenant_id}/v2.0",
        "oid": user.object_id,
        "sub": user.teams_id,
        "name": user.display_name,
        "preferred_username": user.upn,
        "nonce": nonce,
        "ver": "2.0",
    }
    return tokens.issue(world, claims)


# Pages --------------------------------------------------------------------------------------


def _picker(world: World, request: web.Request) -> web.StreamResponse:
    people = "".join(
        f'<a href="{_again(request, account=user.key)}">{html.escape(user.display_name)}'
        f"<br><small>{html.escape(user.upn)}</small></a>"
        for user in world.users.values()
    )
    cancel = f'<a href="{_again(request, cancel="1")}">Cancel</a>'
    return _page("Pick an account", people + cancel)


def _consent_page(request: web.Request, user: User) -> web.StreamResponse:
    scopes = "".join(f"<li>{html.escape(scope)}" for scope in request.query.get("scope", "").split())
    accept = f'<a href="{_again(request, consent="accept")}">Accept</a>'
    cancel = f'<a href="{_again(request, cancel="1")}">Cancel</a>'
    return _page(
        f"{html.escape(user.display_name)}: permissions requested", f"<ul>{scopes}</ul>{accept}{cancel}"
    )


def _again(request: web.Request, **more: str) -> str:
    return html.escape(f"{request.path}?{urlencode({**request.query, **more})}")


def _page(title: str, body: str, status: int = 200) -> web.Response:
    head = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
    text = f"{head}<h1>{title}</h1>{body}"
    return web.Response(text=text, content_type="text/html", status=status)
