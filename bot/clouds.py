"""Where Microsoft's services are, cloud by cloud. Only ``custom`` (the sandbox) has been run.

Sources, each looked up:

- Entra and Graph: Graph docs, "National cloud deployments", and Entra docs, "National clouds".
- Token service, OpenID metadata, issuer, scopes: Microsoft's Teams SDK for Python 2.1,
  ``microsoft_teams/api/auth/cloud_environment.py``, which has all four clouds; Azure Bot Service docs,
  "Configure Bot Framework bots for US Government customers" and "OAuth URL support".
- Connector: Microsoft's Agents SDK, ``TeamsServiceEndpoints``, for public, GCC High and DoD. For China
  only the host is confirmed (the Teams SDK's list of allowed service URLs), its path is not. The
  connector's URL is used only until a conversation has told its own.
- Audience of a federated credential: Entra docs, "Configure an application to trust a managed
  identity", which names the three clouds of Entra; DoD shares the one of US Government.
- Database: the ``ossrdbms_resource_id`` of Azure CLI's table of clouds.
- Portal: Entra docs on the hosts of the admin center. The path of the approvals page is the public
  cloud's in every cloud, which is not confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Cloud:
    """Every endpoint the bot talks to. Base URLs without a trailing slash, but for the
    connector's, which is a service URL and has one.
    """

    login_url: str
    graph_url: str
    connector_url: str
    token_service_url: str
    bot_openid_url: str
    bot_issuer: str
    portal_url: str
    database_resource: str = "https://ossrdbms-aad.database.windows.net"
    """What tokens that log in to Azure Database for PostgreSQL are asked for."""
    federation_audience: str = "api://AzureADTokenExchange"
    """Whom the tokens of a managed identity that stands in for the app's secret are made out to."""

    @property
    def graph_scope(self) -> str:
        return f"{self.graph_url}/.default"

    @property
    def bot_scope(self) -> str:
        """The Bot Connector's resource is also the issuer of its tokens, in every cloud."""
        return f"{self.bot_issuer}/.default"


CUSTOM_URLS: Final = (
    "login_url",
    "graph_url",
    "connector_url",
    "token_service_url",
    "bot_openid_url",
    "bot_issuer",
)
"""What has to be said of a cloud that is none of the table's."""

_APPROVALS_BLADE = "/#view/Microsoft_Azure_PIMCommon/ApproveRequestMenuBlade/~/aadmigratedroles"

CLOUDS: Final = MappingProxyType(
    {
        "public": Cloud(
            login_url="https://login.microsoftonline.com",
            graph_url="https://graph.microsoft.com",
            connector_url="https://smba.trafficmanager.net/teams/",
            token_service_url="https://token.botframework.com",  # noqa: S106 (a URL)
            bot_openid_url="https://login.botframework.com/v1/.well-known/openidconfiguration",
            bot_issuer="https://api.botframework.com",
            portal_url="https://entra.microsoft.com" + _APPROVALS_BLADE,
        ),
        "usgov": Cloud(
            login_url="https://login.microsoftonline.us",
            graph_url="https://graph.microsoft.us",
            connector_url="https://smba.infra.gov.teams.microsoft.us/teams/",
            token_service_url="https://tokengcch.botframework.azure.us",  # noqa: S106 (a URL)
            bot_openid_url="https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
            bot_issuer="https://api.botframework.us",
            portal_url="https://entra.microsoft.us" + _APPROVALS_BLADE,
            federation_audience="api://AzureADTokenExchangeUSGov",
            database_resource="https://ossrdbms-aad.database.usgovcloudapi.net",
        ),
        "usdod": Cloud(
            login_url="https://login.microsoftonline.us",
            graph_url="https://dod-graph.microsoft.us",
            connector_url="https://smba.infra.dod.teams.microsoft.us/teams/",
            token_service_url="https://apidod.botframework.azure.us",  # noqa: S106 (a URL)
            bot_openid_url="https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
            bot_issuer="https://api.botframework.us",
            portal_url="https://entra.microsoft.us" + _APPROVALS_BLADE,
            federation_audience="api://AzureADTokenExchangeUSGov",
            database_resource="https://ossrdbms-aad.database.usgovcloudapi.net",
        ),
        "china": Cloud(
            login_url="https://login.partner.microsoftonline.cn",
            graph_url="https://microsoftgraph.chinacloudapi.cn",
            connector_url="https://frontend.botapi.msg.infra.teams.microsoftonline.cn/teams/",
            token_service_url="https://token.botframework.azure.cn",  # noqa: S106 (a URL)
            bot_openid_url="https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
            bot_issuer="https://api.botframework.azure.cn",
            portal_url="https://entra.microsoftonline.cn" + _APPROVALS_BLADE,
            federation_audience="api://AzureADTokenExchangeChina",
            database_resource="https://ossrdbms-aad.database.chinacloudapi.cn",
        ),
    }
)


def custom(urls: Mapping[str, str]) -> Cloud:
    """The cloud of ``CUSTOM_URLS``: a sandbox."""
    given = {name: urls[name].rstrip("/") for name in CUSTOM_URLS}
    given["connector_url"] += "/"
    return Cloud(**given, portal_url=CLOUDS["public"].portal_url)
