"""The table of clouds: each by itself, against the others, and against what Microsoft's SDK says."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args
from urllib.parse import urlsplit

import pytest

from bot.clouds import CLOUDS, Cloud
from bot.settings import Settings

URLS = [one.name for one in fields(Cloud) if one.name != "federation_audience"]
DOMAINS = {
    "public": (
        "microsoftonline.com",
        "microsoft.com",
        "botframework.com",
        "trafficmanager.net",
        "windows.net",
    ),
    "usgov": (
        "microsoftonline.us",
        "microsoft.us",
        "botframework.us",
        "botframework.azure.us",
        "usgovcloudapi.net",
    ),
    "usdod": (
        "microsoftonline.us",
        "microsoft.us",
        "botframework.us",
        "botframework.azure.us",
        "usgovcloudapi.net",
    ),
    "china": ("microsoftonline.cn", "chinacloudapi.cn", "botframework.azure.cn"),
}
SDK = {  # microsoft_teams/api/auth/cloud_environment.py of Microsoft's Teams SDK 2.1, in lower case
    "public": (
        "https://login.microsoftonline.com",
        "https://api.botframework.com/.default",
        "https://token.botframework.com",
        "https://login.botframework.com/v1/.well-known/openidconfiguration",
        "https://api.botframework.com",
        "https://graph.microsoft.com/.default",
    ),
    "usgov": (
        "https://login.microsoftonline.us",
        "https://api.botframework.us/.default",
        "https://tokengcch.botframework.azure.us",
        "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
        "https://api.botframework.us",
        "https://graph.microsoft.us/.default",
    ),
    "usdod": (
        "https://login.microsoftonline.us",
        "https://api.botframework.us/.default",
        "https://apidod.botframework.azure.us",
        "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
        "https://api.botframework.us",
        "https://dod-graph.microsoft.us/.default",
    ),
    "china": (
        "https://login.partner.microsoftonline.cn",
        "https://api.botframework.azure.cn/.default",
        "https://token.botframework.azure.cn",
        "https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
        "https://api.botframework.azure.cn",
        "https://microsoftgraph.chinacloudapi.cn/.default",
    ),
}
AUDIENCES = {
    "login.microsoftonline.com": "api://AzureADTokenExchange",
    "login.microsoftonline.us": "api://AzureADTokenExchangeUSGov",
    "login.partner.microsoftonline.cn": "api://AzureADTokenExchangeChina",
}
each_cloud = pytest.mark.parametrize("name", CLOUDS)


def host(url: str) -> str:
    return urlsplit(url).hostname or ""


def hosts(name: str) -> set[str]:
    return {host(getattr(CLOUDS[name], field)) for field in URLS}


def test_the_setting_offers_exactly_the_clouds_of_the_table_and_custom() -> None:
    assert set(get_args(Settings.model_fields["cloud"].annotation)) == {*CLOUDS, "custom"}


@each_cloud
@pytest.mark.parametrize("field", URLS)
def test_an_endpoint_is_https_without_port_user_or_query(name: str, field: str) -> None:
    url = urlsplit(getattr(CLOUDS[name], field))
    assert (url.scheme, url.port, url.username, url.query) == ("https", None, None, "")
    assert url.netloc == url.hostname


@each_cloud
def test_base_urls_have_no_path_and_the_connectors_ends_with_a_slash(name: str) -> None:
    cloud = CLOUDS[name]
    for url in (cloud.login_url, cloud.graph_url, cloud.token_service_url, cloud.bot_issuer):
        assert urlsplit(url).path == ""
    assert urlsplit(cloud.connector_url).path == "/teams/"


@each_cloud
def test_no_host_of_a_cloud_is_of_another_one(name: str) -> None:
    strange = {one for one in hosts(name) if not one.endswith(tuple(f".{d}" for d in DOMAINS[name]))}
    assert strange == set()


def test_clouds_share_no_host_but_for_the_two_of_the_us_government() -> None:
    assert hosts("public") & (hosts("usgov") | hosts("usdod") | hosts("china")) == set()
    assert hosts("china") & (hosts("usgov") | hosts("usdod")) == set()


def test_gcc_high_and_dod_differ_in_graph_connector_and_token_service_only() -> None:
    one, other = CLOUDS["usgov"], CLOUDS["usdod"]
    differing = {f.name for f in fields(Cloud) if getattr(one, f.name) != getattr(other, f.name)}
    assert differing == {"graph_url", "connector_url", "token_service_url"}


@each_cloud
def test_the_endpoints_are_those_of_microsofts_own_sdk(name: str) -> None:
    cloud = CLOUDS[name]
    assert SDK[name] == (
        cloud.login_url,
        cloud.bot_scope,
        cloud.token_service_url,
        cloud.bot_openid_url,
        cloud.bot_issuer,
        cloud.graph_scope,
    )


@each_cloud
def test_scopes_are_of_the_services_they_are_for(name: str) -> None:
    cloud = CLOUDS[name]
    assert host(cloud.graph_scope) == host(cloud.graph_url)
    assert host(cloud.bot_scope) == host(cloud.bot_issuer)


@each_cloud
def test_a_federated_credential_names_the_audience_of_its_login_service(name: str) -> None:
    assert CLOUDS[name].federation_audience == AUDIENCES[host(CLOUDS[name].login_url)]


@each_cloud
def test_metadata_and_token_service_are_of_the_same_bot_framework(name: str) -> None:
    cloud = CLOUDS[name]
    metadata, service = host(cloud.bot_openid_url), host(cloud.token_service_url)
    assert metadata.split(".", 1)[1] == service.split(".", 1)[1]
