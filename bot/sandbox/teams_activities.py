"""The activities that Teams sends to a bot, in the shape that Teams gives them."""

from __future__ import annotations

import html
from datetime import timedelta, timezone
from typing import Any

from bot.sandbox.teams_state import BOT_NAME, TeamsState, split
from bot.sandbox.world import TeamsChannel, User

LOCAL = timezone(timedelta(hours=1))
ZONE = "Europe/Oslo"


def envelope(state: TeamsState, kind: str, user: User, conversation_id: str) -> dict[str, Any]:
    """What every activity carries, whatever it is about."""
    now = state.world.now()
    return {
        "type": kind,
        "id": f"f:{state.world.new_id()}",
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "localTimestamp": now.astimezone(LOCAL).isoformat(timespec="milliseconds"),
        "localTimezone": ZONE,
        "locale": state.locale,
        "channelId": "msteams",
        "serviceUrl": state.service_url,
        "from": {"id": user.teams_id, "name": user.display_name, "aadObjectId": user.object_id},
        "recipient": state.bot_account,
        "conversation": _conversation(state, conversation_id),
        "channelData": _channel_data(state, conversation_id),
        "entities": [
            {
                "type": "clientInfo",
                "locale": state.locale,
                "country": "GB",
                "platform": "Windows",
                "timezone": ZONE,
            }
        ],
    }


def _conversation(state: TeamsState, conversation_id: str) -> dict[str, Any]:
    channel = state.world.channels.get(split(conversation_id)[0])
    account: dict[str, Any] = {"id": conversation_id, "tenantId": state.world.tenant_id}
    if channel is None:
        return {**account, "conversationType": "personal"}
    return {**account, "conversationType": "channel", "isGroup": True, "name": channel.name}


def _channel_data(state: TeamsState, conversation_id: str) -> dict[str, Any]:
    data: dict[str, Any] = {"tenant": {"id": state.world.tenant_id}, "source": {"name": "message"}}
    channel = state.world.channels.get(split(conversation_id)[0])
    if channel is not None:
        data["team"] = {"id": channel.team_id}
        data["channel"] = {"id": channel.id, "name": channel.name}
        data["teamsTeamId"], data["teamsChannelId"] = channel.team_id, channel.id
    return data


def invoke(
    state: TeamsState, user: User, conversation_id: str, reply_to_id: str, value: dict[str, Any]
) -> dict[str, Any]:
    """A press on an Action.Execute, or its automatic counterpart."""
    activity = envelope(state, "invoke", user, conversation_id)
    activity["channelData"]["legacy"] = {"replyToId": reply_to_id}
    return {**activity, "name": "adaptiveCard/action", "replyToId": reply_to_id, "value": value}


def submit(
    state: TeamsState, user: User, conversation_id: str, reply_to_id: str, value: dict[str, Any]
) -> dict[str, Any]:
    """A press on an Action.Submit: a message without text."""
    activity = envelope(state, "message", user, conversation_id)
    activity["channelData"]["legacy"] = {"replyToId": reply_to_id}
    return {**activity, "id": state.next_id(), "replyToId": reply_to_id, "value": value}


def message(
    state: TeamsState, user: User, conversation_id: str, message_id: str, text: str, *, mention: bool
) -> dict[str, Any]:
    """Something a person wrote; ``mention`` puts the bot's name in front."""
    activity = envelope(state, "message", user, conversation_id)
    shown = html.escape(text, quote=False)
    if mention:
        name = f"<at>{BOT_NAME}</at>"
        activity["entities"].append({"type": "mention", "mentioned": state.bot_account, "text": name})
        text = f"{name} {text}"
        shown = (
            f'<span itemscope itemtype="http://schema.skype.com/Mention" itemid="0">{BOT_NAME}</span> {shown}'
        )
    attachments = [{"contentType": "text/html", "content": f"<div>{shown}</div>"}]
    plain = {"id": message_id, "textFormat": "plain", "text": text, "attachments": attachments}
    return {**activity, **plain}


def installed(state: TeamsState, user: User, channel: TeamsChannel, action: str) -> list[dict[str, Any]]:
    """What a bot hears when its app is added to (``add``) or removed from (``remove``) a team."""
    change = envelope(state, "conversationUpdate", user, channel.id)
    change["channelData"]["eventType"] = "teamMemberAdded" if action == "add" else "teamMemberRemoved"
    change["membersAdded" if action == "add" else "membersRemoved"] = [state.bot_account]
    notice = envelope(state, "installationUpdate", user, channel.id)
    notice["channelData"]["settings"] = {"selectedChannel": {"id": channel.id}}
    return [change, {**notice, "action": action}]
