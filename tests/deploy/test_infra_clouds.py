"""How infra/ differs from cloud to cloud, and whom the app registration trusts and comes back to."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from deploy.bicep import Module, arguments, decorated, module, modules, without_comments

from bot.clouds import CLOUDS
from bot.consent import consent_link, redirect_uri
from bot.settings import Settings

MAIN = module("main")
ALL = [pytest.param(one, id=one.name) for one in modules()]


def test_the_apps_credentials_are_federated_and_made_one_after_the_other() -> None:
    registration = module("modules/registration")
    identity, token_store = registration.resources(
        "Microsoft.Graph/applications/federatedIdentityCredentials"
    ).values()
    assert identity["subject"] == "identityPrincipalId"
    assert token_store["subject"].startswith("/eid1/c/${subjectClouds[cloud]}/t/${encodedTenant}/a/")
    assert registration.tree["variables"]["subjectClouds"]["value"] == {
        "public": "pub",
        "usgov": "usg",
        "usdod": "usg",
        "china": "chn",
    }
    assert identity["issuer"] == token_store["issuer"] == "issuer"
    assert registration.tree["variables"]["issuer"]["value"] == "${loginUrl}/${tenantId}/v2.0"
    assert token_store["dependsOn"] == ["fromIdentity"]


def test_clouds_are_the_bots() -> None:
    assert set(decorated(MAIN.parameters["cloud"], "allowed")) == set(CLOUDS)
    registered, main = module("modules/registration").tree["variables"], MAIN.tree["variables"]
    for table, of in (
        (registered["exchangeAudiences"], lambda cloud: cloud.federation_audience),
        (registered["tokenServices"], lambda cloud: cloud.token_service_url),
        (main["graphScopes"], lambda cloud: cloud.graph_scope),
        (main["loginUrls"], lambda cloud: cloud.login_url),
    ):
        assert table["value"] == {name: of(cloud) for name, cloud in CLOUDS.items()}
    for table in (
        main["metricsScopes"],
        registered["moreTokenServices"],
        registered["subjectClouds"],
        module("modules/database").tree["variables"]["privateZones"],
    ):
        assert set(table["value"]) == set(CLOUDS)


@pytest.mark.parametrize("file", ALL)
def test_sign_in_addresses_come_from_the_table_and_not_from_azure(file: Module) -> None:
    """Its metadata names another host than the issuer's for China, and has a slash at the end or not."""
    assert "loginEndpoint" not in without_comments(file.text)
    for name, called, given in file.calls():
        if "loginUrl" in called.parameters:
            assert given["loginUrl"]["operator"]["operands"] == {
                "operand_1": "loginUrls",
                "operand_2": "cloud",
            }, name


def test_the_consent_link_is_the_one_that_the_bot_prints_and_leads_to_a_registered_page() -> None:
    link = MAIN.outputs["consentUrl"]["value"]
    printed = consent_link(CLOUDS["public"], "TENANT", "CLIENT", redirect_uri("HOST"))
    filled = {
        "loginUrls[cloud]": CLOUDS["public"].login_url,
        "tenantId": "TENANT",
        "registration.outputs.clientId": "CLIENT",
        "uriComponent(graphScopes[cloud])": quote(CLOUDS["public"].graph_scope, safe=""),
        "uriComponent('https://${host}/about/consented')": quote(redirect_uri("HOST"), safe=""),
    }
    for name, value in filled.items():
        link = link.replace("${" + name + "}", value)
    assert link == printed
    assert redirect_uri("${host}") in own_redirects()


def own_redirects() -> list[str]:
    app = module("modules/registration").resource("Microsoft.Graph/applications")
    addresses: list[str] = arguments(app["web"]["redirectUris"], "concat")["arg_2"]
    return addresses


def test_the_token_service_may_come_back_to_every_address_that_microsoft_names_for_the_cloud() -> None:
    registration = module("modules/registration")
    assert re.search(
        r"redirectUris: concat\(map\(concat\(\[\s+tokenServices\[cloud\]\s+\], moreTokenServices\[cloud\]\), "
        r"service => '\$\{service\}/\.auth/web/redirect'\), \[",
        registration.text,
    )
    more = registration.tree["variables"]["moreTokenServices"]["value"]
    assert {cloud: hosts for cloud, hosts in more.items() if hosts} == {
        cloud: ["https://token.botframework.azure.us"] for cloud in ("usgov", "usdod")
    }


def test_sign_ins_come_back_to_where_the_bot_expects_them() -> None:
    app = module("modules/registration").resource("Microsoft.Graph/applications")
    bot = Settings.model_construct(public_url="https://${host}")
    assert f"{bot.sign_in_url}/callback" in own_redirects()
    claims = {one["name"] for one in app["optionalClaims"]["accessToken"]}
    assert claims == {"acrs", "xms_cc"}
