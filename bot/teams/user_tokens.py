"""User tokens out of the Bot Framework token service."""

from __future__ import annotations

import base64
import json
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import structlog

from bot.domain.errors import ChannelError, ChannelRefusedError, UnavailableError
from bot.domain.model import SignInNeeded, UserAssertion
from bot.teams.config import TeamsConfig
from bot.teams.http import BotHttp

_log = structlog.get_logger(__name__)
_CHANNEL: Final = "msteams"
_NOT_FOUND: Final = 404


class BotUserTokens:
    """``ports.UserTokens`` on ``/api/usertoken`` and ``/api/botsignin``.

    Whose token comes back is for the caller to check: this service is asked by Teams id, and
    decisions are made by Entra object id.
    """

    def __init__(self, config: TeamsConfig, http: BotHttp) -> None:
        self._config = config
        self._http = http
        self._base = config.token_service_url.rstrip("/")

    async def assertion(self, channel_user_id: str) -> UserAssertion | SignInNeeded:
        """See ``ports.UserTokens.assertion``. Raises ``UnavailableError``."""
        query = {
            "userId": channel_user_id,
            "connectionName": self._config.oauth_connection,
            "channelId": _CHANNEL,
        }
        try:
            answer = await self._http.call("GET", f"{self._base}/api/usertoken/GetToken?{urlencode(query)}")
        except ChannelRefusedError as error:
            if error.status == _NOT_FOUND:
                return await self._sign_in(channel_user_id)
            _log.warning("user_token_refused", status=error.status, error=str(error))
            raise UnavailableError("The token service refused to answer.", status=error.status) from error
        except ChannelError as error:
            raise UnavailableError("The token service can't be reached.", status=error.status) from error
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            return await self._sign_in(channel_user_id)
        return UserAssertion(token)

    async def _sign_in(self, channel_user_id: str) -> SignInNeeded:
        """The link that starts a sign-in; None in its place when there is none to be had."""
        query = urlencode({"state": self._state(channel_user_id)})
        try:
            answer = await self._http.call("GET", f"{self._base}/api/botsignin/GetSignInResource?{query}")
        except ChannelError as error:
            _log.warning("sign_in_link_not_made", status=error.status, error=str(error))
            return SignInNeeded(None)
        link = answer.get("signInLink") if isinstance(answer, dict) else None
        return SignInNeeded(link if isinstance(link, str) and self._trusted(link) else None)

    def _trusted(self, link: str) -> bool:
        """https, or the very service that was asked: nobody is sent to sign in in clear text."""
        target, own = urlsplit(link), urlsplit(self._base)
        return target.scheme == "https" or (target.scheme, target.netloc) == (own.scheme, own.netloc)

    def _state(self, channel_user_id: str) -> str:
        """``TokenExchangeState`` of the Bot Framework: base64 of JSON that says whose token, from
        which connection, for which bot.
        """
        state: dict[str, Any] = {
            "connectionName": self._config.oauth_connection,
            "msAppId": self._config.client_id,
            "conversation": {
                "user": {"id": channel_user_id},
                "bot": {"id": self._config.bot_id},
                "conversation": {"tenantId": self._config.tenant_id},
                "channelId": _CHANNEL,
                "serviceUrl": self._config.connector_url,
            },
        }
        return base64.b64encode(json.dumps(state).encode()).decode()
