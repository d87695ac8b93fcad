"""The link with which an administrator consents to everything at once."""

from __future__ import annotations

from urllib.parse import urlencode

from bot.clouds import Cloud


def consent_link(cloud: Cloud, tenant_id: str, client_id: str, redirect_uri: str) -> str:
    """Entra's v2 admin-consent endpoint. ``.default`` asks for what the app registration lists,
    application permissions included, which can't be named one by one here. ``redirect_uri`` must be
    registered with the app.
    """
    query = {"client_id": client_id, "scope": cloud.graph_scope, "redirect_uri": redirect_uri}
    return f"{cloud.login_url}/{tenant_id}/v2.0/adminconsent?{urlencode(query)}"


def redirect_uri(host: str) -> str:
    """The page of the bot that an administrator lands on, to be registered with the app."""
    return f"https://{host}/about/consented"
