"""User tokens out of the Bot Framework token service."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import structlog

from bot.domain.errors import ChannelError, ChannelRefusedError, UnavailableError
from bot.domain.model import SignInNeeded, SignInResource, UserAssertion
from bot.teams.config import TeamsConfig
from bot.teams.http import BotHttp

_log = structlog.get_logger(__name__)
_CHANNEL: Final = "msteams"
_NO: Final = frozenset({404})
_NO_TO_EXCHANGE: Final = frozenset({400, 404, 412})
_CODE: Final = re.compile(r"[0-9]{6}")


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
        return await self._get(channel_user_id) or SignInNeeded()

    async def redeem(self, channel_user_id: str, code: str) -> UserAssertion | None:
        """See ``ports.UserTokens.redeem``. A code is six digits; anything else is asked of nobody."""
        return await self._get(channel_user_id, code=code) if _CODE.fullmatch(code) else None

    async def exchange(self, channel_user_id: str, token: str) -> UserAssertion | None:
        """See ``ports.UserTokens.exchange``. The service answers 400, 404 or 412 for a token that it
        does not accept.
        """
        return _assertion(await self._asked("POST", "exchange", channel_user_id, {"token": token}))

    async def sign_out(self, channel_user_id: str) -> None:
        """See ``ports.UserTokens.sign_out``."""
        await self._asked("DELETE", "SignOut", channel_user_id)

    async def sign_in(self, channel_user_id: str) -> SignInResource:
        """See ``ports.UserTokens.sign_in``; without a link when none is to be had."""
        query = urlencode({"state": self._state(channel_user_id)})
        connection = self._config.oauth_connection
        try:
            answer = await self._http.call("GET", f"{self._base}/api/botsignin/GetSignInResource?{query}")
        except ChannelError as error:
            _log.warning("sign_in_link_not_made", status=error.status, error=str(error))
            return SignInResource(connection, None)
        found = answer if isinstance(answer, dict) else {}
        link, exchange = _text(found, "signInLink"), found.get("tokenExchangeResource")
        by = exchange if isinstance(exchange, dict) else {}
        return SignInResource(
            connection,
            link if link and self._trusted(link) else None,
            _text(by, "id"),
            _text(by, "uri"),
            _text(by, "providerId"),
        )

    async def _get(self, channel_user_id: str, code: str | None = None) -> UserAssertion | None:
        return _assertion(await self._asked("GET", "GetToken", channel_user_id, code=code))

    async def _asked(
        self,
        method: str,
        verb: str,
        channel_user_id: str,
        sent: Mapping[str, str] | None = None,
        *,
        code: str | None = None,
    ) -> Any:
        """The answer; None for a plain no. Raises ``UnavailableError``."""
        query = {
            "userId": channel_user_id,
            "connectionName": self._config.oauth_connection,
            "channelId": _CHANNEL,
        } | ({} if code is None else {"code": code})
        no = _NO_TO_EXCHANGE if sent is not None else _NO
        try:
            return await self._http.call(
                method, f"{self._base}/api/usertoken/{verb}?{urlencode(query)}", sent
            )
        except ChannelRefusedError as error:
            if error.status in no:
                return None
            _log.warning("user_token_refused", verb=verb, status=error.status, error=str(error))
            raise UnavailableError("The token service refused to answer.", status=error.status) from error
        except ChannelError as error:
            raise UnavailableError("The token service can't be reached.", status=error.status) from error

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


def _assertion(answer: Any) -> UserAssertion | None:
    token = _text(answer if isinstance(answer, dict) else {}, "token")
    return UserAssertion(token) if token else None


def _text(answer: Mapping[str, Any], name: str) -> str | None:
    value = answer.get(name)
    return value if isinstance(value, str) and value else None
