"""How the bot's app registration is named towards Teams' single sign-on.

Teams documentation, "Enable SSO for your bot": a bot without a tab on the same host exposes its API
as ``api://botid-{client id}``, and the manifest's ``webApplicationInfo.resource`` says the same.
"""

from __future__ import annotations

from typing import Final

SCOPE: Final = "access_as_user"


def application_id_uri(client_id: str) -> str:
    """What the registration exposes its API as, and Teams asks tokens for."""
    return f"api://botid-{client_id.lower()}"


def connection_scopes(client_id: str) -> tuple[str, ...]:
    """What the Azure Bot's OAuth connection asks for: a token *for the bot*, which the bot then exchanges
    for one to Graph. With Graph's own scopes here the exchange would have nothing to start from.
    """
    return ("openid", "profile", "offline_access", f"{application_id_uri(client_id)}/{SCOPE}")
