"""What the sandbox sends by itself: PIM's mail, change notifications, lifecycle events."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from bot.sandbox import faults
from bot.sandbox.durations import graph_time
from bot.sandbox.tenant import PimRequest, Subscription
from bot.sandbox.world import World

MAIL_RESOURCE = re.compile(
    r"/?users/(?P<user>[^/]+)/(?:mailfolders(?:\('inbox'\)|/inbox)/)?messages/?(?:\?.*)?", re.IGNORECASE
)
FIRST_ANSWER_WITHIN = aiohttp.ClientTimeout(total=3)
RETRY_ANSWER_WITHIN = aiohttp.ClientTimeout(total=10)
GIVE_UP_AFTER = timedelta(hours=4)
LONGEST_PAUSE = 60.0


def mail_arrives(world: World, request: PimRequest) -> None:
    """PIM writes to its mailboxes about a request, after the world's delay, and Graph notices."""
    at = world.now() + timedelta(seconds=world.mail_delay_seconds)
    for owner in world.tenant.mailboxes:
        world.spawn(_mail(world, owner, request.id, at))


async def _mail(world: World, owner: str, request_id: str, at: datetime) -> None:
    await world.wait_until(at)
    message_id = world.new_id()
    message = {
        "id": message_id,
        "receivedDateTime": graph_time(world.now()),
        "from": {
            "emailAddress": {"name": "Microsoft Security", "address": "MSSecurity-noreply@microsoft.com"}
        },
        # The real subject of an approval mail is documented nowhere, so it says as little as possible.
        "subject": "PIM: a request needs attention",
    }
    world.tenant.mailboxes[owner].append(message)
    await world.record("graph", "mail_received", mailbox=owner, request=request_id)
    await asyncio.gather(*(_notify(world, entry, message_id) for entry in _watchers(world, owner)))


def _watchers(world: World, owner: str) -> list[Subscription]:
    """Live subscriptions to a mailbox, whatever the spelling of their resource."""
    found = []
    for entry in world.tenant.subscriptions.values():
        match = MAIL_RESOURCE.fullmatch(entry.resource)
        if match is not None and match["user"].lower() == owner and "created" in entry.change_type:
            found.append(entry)
    return found


async def _notify(world: World, entry: Subscription, message_id: str) -> None:
    match = MAIL_RESOURCE.fullmatch(entry.resource)
    owner = match["user"] if match else ""
    resource = f"Users/{owner}/Messages/{message_id}"
    notification = {
        "subscriptionId": entry.id,
        "subscriptionExpirationDateTime": graph_time(entry.expires_at),
        "changeType": "created",
        "resource": resource,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": resource,
            "@odata.etag": f'W/"{message_id}"',
            "id": message_id,
        },
        "clientState": entry.client_state,
        "tenantId": world.tenant_id,
    }
    await _deliver(world, entry, entry.notification_url, notification, "notification")


async def lifecycle(world: World, entry: Subscription, event: str) -> None:
    """Send ``reauthorizationRequired``, ``subscriptionRemoved`` or ``missed``."""
    if event == "subscriptionRemoved":
        world.tenant.subscriptions.pop(entry.id, None)
    body = {
        "subscriptionId": entry.id,
        "subscriptionExpirationDateTime": graph_time(entry.expires_at),
        "tenantId": world.tenant_id,
        "clientState": entry.client_state,
        "lifecycleEvent": event,
    }
    if entry.lifecycle_url is not None:
        await _deliver(world, entry, entry.lifecycle_url, body, "lifecycle", expires=False)


async def _deliver(
    world: World, entry: Subscription, url: str, item: dict[str, Any], kind: str, *, expires: bool = True
) -> None:
    """POST until a 2xx, with growing pauses, for four hours or until the subscription ends."""
    give_up_at = world.now() + GIVE_UP_AFTER
    pause = world.notification_backoff_seconds
    attempt = 0
    while world.now() < give_up_at:
        if expires and (entry.id not in world.tenant.subscriptions or world.now() >= entry.expires_at):
            return
        attempt += 1
        status = await _post(world, url, {"value": [item]}, first=attempt == 1)
        await world.record(
            "graph", f"{kind}_sent", subscription=entry.id, url=url, status=status, attempt=attempt
        )
        if status is not None and 200 <= status < 300:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _post(world: World, url: str, body: dict[str, Any], *, first: bool) -> int | None:
    """The status of the answer; None without one, and also when a fault lost the notification."""
    fault = faults.take(world, "webhook", f"POST {url}")
    if fault is not None:
        await asyncio.sleep(fault.delay_seconds)
        if fault.drop or fault.status is not None:
            return fault.status
    if world.http is None:
        return None
    timeout = FIRST_ANSWER_WITHIN if first else RETRY_ANSWER_WITHIN
    try:
        async with world.http.post(url, json=body, timeout=timeout) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return None


async def validate_endpoint(world: World, url: str) -> bool:
    """The handshake: the endpoint echoes the decoded token as text/plain with 200 in ten seconds."""
    if world.http is None:
        return False
    token = f"Validation: Testing client application reachability for subscription {world.new_id()}"
    try:
        async with world.http.post(
            url, params={"validationToken": token}, timeout=RETRY_ANSWER_WITHIN
        ) as answer:
            return (
                answer.status == 200
                and answer.content_type == "text/plain"
                and (await answer.text()).strip() == token
            )
    except (aiohttp.ClientError, TimeoutError):
        return False
