"""Where Microsoft's services are, cloud by cloud.

Sources: Azure Bot Service documentation ("Azure Bot Service in Azure Government"), Microsoft
Teams documentation ("Send proactive messages", service URLs), Microsoft Graph documentation
("National cloud deployments"). Only ``custom`` (the sandbox) has been run.
"""

from __future__ import annotations

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
            database_resource="https://ossrdbms-aad.database.usgovcloudapi.net",
            federation_audience="api://AzureADTokenExchangeUSGov",
        ),
        "usdod": Cloud(
            login_url="https://login.microsoftonline.us",
            graph_url="https://dod-graph.microsoft.us",
            connector_url="https://smba.infra.dod.teams.microsoft.us/teams/",
            token_service_url="https://apidod.botframework.azure.us",  # noqa: S106 (a URL)
            bot_openid_url="https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
            bot_issuer="https://api.botframework.us",
            portal_url="https://entra.microsoft.us" + _APPROVALS_BLADE,
            database_resource="https://ossrdbms-aad.database.usgovcloudapi.net",
            federation_audience="api://AzureADTokenExchangeUSGov",
        ),
        "china": Cloud(
            login_url="https://login.partner.microsoftonline.cn",
            graph_url="https://microsoftgraph.chinacloudapi.cn",
            connector_url="https://frontend.botapi.msg.infra.teams.microsoftonline.cn/teams/",
            token_service_url="https://token.botframework.azure.cn",  # noqa: S106 (a URL)
            bot_openid_url="https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
            bot_issuer="https://api.botframework.azure.cn",
            portal_url="https://entra.microsoftonline.cn" + _APPROVALS_BLADE,
            database_resource="https://ossrdbms-aad.database.chinacloudapi.cn",
            federation_audience="api://AzureADTokenExchangeChina",
        ),
    }
)
