"""Graph: change-notification subscriptions, which really deliver (see ``delivery``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from bot.sandbox import delivery
from bot.sandbox.durations import graph_time, parse_time
from bot.sandbox.graph_http import GraphError, Json, body_of, caller, collection, entity, holds
from bot.sandbox.tenant import Subscription
from bot.sandbox.tokens import NOTES
from bot.sandbox.world import World

MAIL_LIMIT = timedelta(minutes=4_230)
DIRECTORY_LIMIT = timedelta(minutes=41_760)
SHORTEST = timedelta(minutes=45)
CLIENT_STATE_LIMIT = 128
MAIL = {"Mail.Read", "Mail.ReadWrite", "Mail.ReadBasic", "Mail.ReadBasic.All"}
USERS = {"User.Read.All", "Directory.Read.All"}
GROUPS = {"Group.Read.All", "GroupMember.Read.All", "Directory.Read.All"}
# Every resource this tenant accepts. Nothing of role management is subscribable anywhere.
RESOURCES: tuple[tuple[re.Pattern[str], timedelta, set[str]], ...] = (
    (delivery.MAIL_RESOURCE, MAIL_LIMIT, MAIL),
    (re.compile(r"/?users(?:/[^/]+)?", re.IGNORECASE), DIRECTORY_LIMIT, USERS),
    (re.compile(r"/?groups(?:/[^/]+(?:/members)?)?", re.IGNORECASE), DIRECTORY_LIMIT, GROUPS),
)


def routes(world: World) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.StreamResponse:
        claims = caller(world, request)
        body = await body_of(request)
        request[NOTES] = {"resource": body.get("resource")}
        made = _checked(world, claims, body)
        for url in (made.notification_url, made.lifecycle_url):
            if url is not None:
                await _validate(world, url)
        world.tenant.subscriptions[made.id] = made
        await world.record("graph", "subscription_created", subscription=made.id, resource=made.resource)
        return entity(request, shape(made), "subscriptions", status=201)

    async def list_all(request: web.Request) -> web.StreamResponse:
        caller(world, request)
        found = [entry for entry in world.tenant.subscriptions.values() if entry.expires_at > world.now()]
        return collection(world, request, found, shape)

    async def one(request: web.Request) -> web.StreamResponse:
        return entity(request, shape(_owned(world, request)), "subscriptions")

    async def renew(request: web.Request) -> web.StreamResponse:
        entry = _owned(world, request)
        body = await body_of(request)
        limit, _ = _accepted(entry.resource)
        entry.expires_at = _expiry(world, body, limit)
        return entity(request, shape(entry), "subscriptions")

    async def delete(request: web.Request) -> web.StreamResponse:
        del world.tenant.subscriptions[_owned(world, request).id]
        return web.Response(status=204)

    async def reauthorize(request: web.Request) -> web.StreamResponse:
        _owned(world, request)
        return web.Response(status=204)

    base = "/{version:v1.0|beta}/subscriptions"
    return [
        web.post(base, create),
        web.get(base, list_all),
        web.get(f"{base}/{{id}}", one),
        web.patch(f"{base}/{{id}}", renew),
        web.delete(f"{base}/{{id}}", delete),
        web.post(f"{base}/{{id}}/reauthorize", reauthorize),
    ]


def shape(entry: Subscription) -> Json:
    """As Graph shows it: ``clientState`` is never shown again."""
    return {
        "id": entry.id,
        "resource": entry.resource,
        "applicationId": entry.application_id,
        "changeType": entry.change_type,
        "clientState": None,
        "notificationUrl": entry.notification_url,
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": entry.lifecycle_url,
        "expirationDateTime": graph_time(entry.expires_at),
        "creatorId": entry.creator_id,
        "includeResourceData": None,
        "latestSupportedTlsVersion": "v1_2",
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
    }


def _owned(world: World, request: web.Request) -> Subscription:
    """The subscription, unless it has expired: then Graph no longer knows it."""
    caller(world, request)
    entry = world.tenant.subscriptions.get(request.match_info["id"].lower())
    if entry is None or entry.expires_at <= world.now():
        raise GraphError(404, "ResourceNotFound", "The object was not found.")
    return entry


def _accepted(resource: str) -> tuple[timedelta, set[str]]:
    """How long a subscription to the resource may live, and the permissions of which it needs one."""
    for pattern, limit, permissions in RESOURCES:
        if pattern.fullmatch(resource):
            return limit, permissions
    text = f"Resource '{resource}' is not supported for change notifications."
    raise GraphError(400, "ExtensionError", text)


def _checked(world: World, claims: Mapping[str, Any], body: Json) -> Subscription:
    resource, url, change_type = (_text(body, key) for key in ("resource", "notificationUrl", "changeType"))
    limit, permissions = _accepted(resource)
    if not holds(claims, permissions, permissions):
        text = (
            "Operation: Create; Exception: [Status Code: Forbidden; Reason: The token does not carry"
            f" one of the permissions {','.join(sorted(permissions))}.]"
        )
        raise GraphError(403, "ExtensionError", text)
    client_state = body.get("clientState")
    if client_state is not None and len(str(client_state)) > CLIENT_STATE_LIMIT:
        text = f"Subscription client state can not be longer than {CLIENT_STATE_LIMIT} characters."
        raise GraphError(400, "InvalidRequest", text)
    kinds = {kind.strip().lower() for kind in change_type.split(",")}
    if not kinds <= {"created", "updated", "deleted"}:
        raise GraphError(400, "InvalidRequest", f"Invalid change type '{change_type}'.")
    return Subscription(
        id=world.new_id(),
        resource=resource,
        change_type=change_type,
        notification_url=url,
        lifecycle_url=body.get("lifecycleNotificationUrl"),
        client_state=client_state,
        expires_at=_expiry(world, body, limit),
        application_id=world.client_id,
        creator_id=str(claims["oid"]),
    )


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise GraphError(400, "InvalidRequest", f"Property '{name}' is required.")
    return value


def _expiry(world: World, body: Json, limit: timedelta) -> datetime:
    """What was asked for, but never below 45 minutes. Raises ``GraphError`` above the limit."""
    try:
        wanted = parse_time(_text(body, "expirationDateTime"))
    except ValueError as error:
        raise GraphError(400, "InvalidRequest", "The value of 'expirationDateTime' is invalid.") from error
    now = world.now()
    if wanted <= now:
        raise GraphError(400, "InvalidRequest", "Subscription expiration date must be in the future.")
    if wanted > now + limit:
        minutes = int(limit.total_seconds() // 60)
        text = f"Subscription expiration can only be {minutes} minutes in the future."
        raise GraphError(400, "InvalidRequest", text)
    return max(wanted, now + SHORTEST)


async def _validate(world: World, url: str) -> None:
    if not await delivery.validate_endpoint(world, url):
        text = (
            "Subscription validation request failed. Notification endpoint must respond with 200 OK to"
            " validation request."
        )
        raise GraphError(400, "ValidationError", text)
