"""Microsoft Entra's login endpoints, as far as a confidential client without a browser uses them.

https only, because MSAL and azure-identity insist on it. Errors have Entra's JSON shape and AADSTS
numbers (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

import jwt
from aiohttp import web

from bot.sandbox import entra_browser, managed_identity, tokens
from bot.sandbox.world import SigningKey, User, World

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ON_BEHALF_OF = "urn:ietf:params:oauth:grant-type:jwt-bearer"
OBO_REFUSALS = {
    50173: "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
    50133: "Session is invalid due to expiration or recent password change.",
    700082: "The refresh token has expired due to inactivity.",
    70043: "The refresh token has expired or is invalid due to sign-in frequency checks.",
    50058: "Session information is not sufficient for single-sign-on.",
    53003: "Access has been blocked by Conditional Access policies.",
    50057: "The user account is disabled.",
}
"""What can be played by ``World.obo_refusals``."""


class EntraError(Exception):
    """What Entra answers instead of a token."""

    def __init__(self, error: str, number: int, text: str, *, status: int = 400, **extra: Any) -> None:
        super().__init__(text)
        self.error = error
        self.number = number
        self.text = text
        self.status = status
        self.extra = extra


def routes(world: World) -> list[web.RouteDef]:
    async def metadata(request: web.Request) -> web.Response:
        return web.json_response(openid_metadata(world, request.match_info["tenant"]))

    async def keys(_: web.Request) -> web.Response:
        return web.json_response({"keys": [public_jwk(key) for key in world.entra_keys]})

    async def discovery(_: web.Request) -> web.Response:
        endpoint = f"{world.login_url}/{world.tenant_id}/v2.0/.well-known/openid-configuration"
        return web.json_response(
            {"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": []}
        )

    async def token(request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        request[tokens.NOTES] = {"grant": form.get("grant_type"), "scope": form.get("scope")}
        try:
            return web.json_response(_granted(world, request, form))
        except EntraError as error:
            request[tokens.NOTES]["error"] = f"AADSTS{error.number}"
            return _refused(world, error)

    return [
        web.get("/{tenant}/v2.0/.well-known/openid-configuration", metadata),
        web.get("/{tenant}/discovery/v2.0/keys", keys),
        web.get("/common/discovery/instance", discovery),
        web.post("/{tenant}/oauth2/v2.0/token", token),
    ]


def openid_metadata(world: World, tenant: str) -> dict[str, Any]:
    base = f"{world.login_url}/{tenant}"
    return {
        "issuer": f"{world.login_url}/{world.tenant_id}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "tenant_region_scope": "EU",
    }


def public_jwk(key: SigningKey) -> dict[str, Any]:
    jwk: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
    return {"kty": "RSA", "use": "sig", "kid": key.kid, "x5t": key.kid, "n": jwk["n"], "e": jwk["e"]}


def _refused(world: World, error: EntraError) -> web.Response:
    trace, correlation = world.new_id(), world.new_id()
    now = world.now().strftime("%Y-%m-%d %H:%M:%SZ")
    text = (
        f"AADSTS{error.number}: {error.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
    )
    body = {
        "error": error.error,
        "error_description": text,
        "error_codes": [error.number],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"{world.login_url}/error?code={error.number}",
        **error.extra,
    }
    return web.json_response(body, status=error.status)


def _granted(world: World, request: web.Request, form: Mapping[str, str]) -> dict[str, Any]:
    tenant = request.match_info["tenant"]
    if tenant.lower() != world.tenant_id:
        raise EntraError("invalid_request", 90002, f"Tenant '{tenant}' not found.")
    _authenticate_client(world, form)
    match form.get("grant_type"):
        case "client_credentials":
            return _client_credentials(world, request, form)
        case "authorization_code":
            return _authorization_code(world, request, form)
        case "refresh_token":
            return _refresh(world, request, form)
        case grant if grant == ON_BEHALF_OF and form.get("requested_token_use") == "on_behalf_of":
            return _on_behalf_of(world, request, form)
        case grant:
            raise EntraError("unsupported_grant_type", 70003, f"The grant type '{grant}' is not supported.")


def _authenticate_client(world: World, form: Mapping[str, str]) -> None:
    client_id = form.get("client_id", "")
    if client_id.lower() != world.client_id:
        text = f"Application with identifier '{client_id}' was not found in the directory."
        raise EntraError("unauthorized_client", 700016, text)
    if form.get("client_assertion_type") == ASSERTION_TYPE:
        _check_client_assertion(world, form.get("client_assertion", ""))
    elif "client_secret" not in form:
        text = "The request body must contain: 'client_assertion' or 'client_secret'."
        raise EntraError("invalid_client", 7000218, text, status=401)
    elif not secrets.compare_digest(form["client_secret"].encode(), world.client_secret.encode()):
        text = f"Invalid client secret provided for app '{world.client_id}'."
        raise EntraError("invalid_client", 7000215, text, status=401)


def _check_client_assertion(world: World, assertion: str) -> None:
    """Signed with the app's certificate, or by a managed identity federated to it."""
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
    candidates = [(key, False) for key in world.client_certificates]
    candidates += [(key.private.public_key(), True) for key in world.entra_keys]
    for key, federated in candidates:
        try:
            claims = jwt.decode(assertion, key, algorithms=["RS256", "PS256"], options=options)
        except jwt.PyJWTError:
            continue
        audience = str(claims.get("aud", ""))
        if federated and audience == managed_identity.FEDERATION:
            _check_federation(world, claims)
            return
        own = claims.get("iss") == claims.get("sub") == world.client_id and world.tenant_id in audience
        if own and not federated:
            return
    text = "Client assertion failed signature validation or its audience, issuer or subject is wrong."
    raise EntraError("invalid_client", 700027, text, status=401)


def _check_federation(world: World, claims: Mapping[str, Any]) -> None:
    """Whether the app's federated credential is for who holds the token."""
    issuer = f"{world.login_url}/{world.tenant_id}/v2.0"
    if (claims.get("iss"), claims.get("sub")) != (issuer, world.identity.principal_id):
        text = f"No matching federated identity record found for presented subject '{claims.get('sub')}'."
        raise EntraError("invalid_client", 700213, text, status=401)


def _resource(world: World, scope: str) -> str:
    """The audience that a scope parameter asks for."""
    wanted = next((part for part in scope.split() if "/" in part), "")
    resource = wanted.rpartition("/")[0].rstrip("/")
    if resource not in {world.http_url, tokens.GRAPH, tokens.BOT_FRAMEWORK}:
        text = f"The resource principal named {resource or scope} was not found in the tenant."
        raise EntraError("invalid_resource", 500011, text)
    return resource


def _client_credentials(world: World, request: web.Request, form: Mapping[str, str]) -> dict[str, Any]:
    scope = form.get("scope", "")
    if not scope.endswith("/.default"):
        text = f"The provided value for scope {scope} is not valid. It must end with '/.default'."
        raise EntraError("invalid_scope", 1002012, text)
    token = tokens.app_token(world, _resource(world, scope))
    request[tokens.CLAIMS] = {"appid": world.client_id, "roles": sorted(world.app_roles)}
    return _token_response(token)


def _token_response(token: str) -> dict[str, Any]:
    seconds = int(tokens.LIFETIME.total_seconds())
    return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}


def _authorization_code(world: World, request: web.Request, form: Mapping[str, str]) -> dict[str, Any]:
    try:
        user, code = entra_browser.redeem(world, form)
    except KeyError as error:
        text = "The authorization code is not valid, has expired or was issued for another verifier."
        raise EntraError("invalid_grant", 70000, text) from error
    own = next((scope for scope in code.scopes if scope.startswith("api://")), "")
    audience = own.rpartition("/")[0]
    if audience not in {f"api://{world.client_id}", f"api://botid-{world.client_id}"}:
        text = f"The resource principal named {audience or code.scopes} was not found in the tenant."
        raise EntraError("invalid_resource", 500011, text)
    world.obo_refusals.pop(user.object_id, None)
    more: dict[str, Any] = {"acrs": list(code.acrs)} if code.acrs else {}
    token = tokens.user_assertion(world, user, aud=audience, azp=world.client_id, **more)
    request[tokens.CLAIMS] = {"oid": user.object_id, "appid": world.client_id, **more}
    answer = {"id_token": entra_browser.id_token(world, user, code.nonce), "scope": own}
    return _token_response(token) | answer


def _on_behalf_of(world: World, request: web.Request, form: Mapping[str, str]) -> dict[str, Any]:
    accepted = {world.client_id, f"api://{world.client_id}", f"api://botid-{world.client_id}"}
    try:
        claims = tokens.verify(world, form.get("assertion", ""), accepted)
    except tokens.TokenRefusedError as refusal:
        if refusal.expired:
            text = "Assertion is not within its valid time range."
            raise EntraError("invalid_grant", 500133, text) from refusal
        text = f"Assertion failed signature validation. {refusal}"
        raise EntraError("invalid_grant", 50013, text) from refusal
    user = world.users.get(str(claims.get("oid")))
    if user is None:
        raise EntraError("invalid_grant", 50034, "The user account does not exist in the directory.")
    return _for_user(world, request, form, user, claims)


def _refresh(world: World, request: web.Request, form: Mapping[str, str]) -> dict[str, Any]:
    user_id = world.refresh_tokens.get(form.get("refresh_token", ""))
    if user_id is None:
        text = "The refresh token has expired due to inactivity."
        raise EntraError("invalid_grant", 700082, text, suberror="bad_token")
    return _for_user(world, request, form, world.users[user_id], {})


def _for_user(
    world: World, request: web.Request, form: Mapping[str, str], user: User, proof: Mapping[str, Any]
) -> dict[str, Any]:
    """A delegated token, unless consent or a step-up is missing.

    A refresh token proves no step-up: ``proof`` is empty then.
    """
    if (number := world.obo_refusals.get(user.object_id)) is not None:
        raise EntraError("invalid_grant", number, OBO_REFUSALS[number])
    if world.consented is not None and user.object_id not in world.consented:
        text = (
            f"The user or administrator has not consented to use the application with ID '{world.client_id}'"
            " named 'Second Key'. Send an interactive authorization request for this user and resource."
        )
        raise EntraError("invalid_grant", 65001, text, suberror="consent_required")
    wanted = world.require_claims.get(user.object_id)
    if wanted is not None and not _satisfied(wanted, proof):
        text = "Due to a configuration change made by your administrator, you must use multi-factor auth."
        claims = json.dumps(wanted)
        raise EntraError("interaction_required", 50076, text, suberror="basic_action", claims=claims)
    scope = form.get("scope", "")
    extra = {name: proof[name] for name in ("acrs", "amr") if name in proof}
    if '"cp1"' in form.get("claims", "").lower():
        extra["xms_cc"] = ["cp1"]
    token = tokens.delegated_token(world, user, _resource(world, scope), extra)
    request[tokens.CLAIMS] = {
        "oid": user.object_id,
        "appid": world.client_id,
        "scp": sorted(world.delegated_scopes),
    }
    answer = _token_response(token) | {"scope": scope}
    if "offline_access" in scope.split():
        refresh_token = secrets.token_urlsafe(48)
        world.refresh_tokens[refresh_token] = user.object_id
        answer["refresh_token"] = refresh_token
    return answer


def _satisfied(wanted: Mapping[str, Any], proof: Mapping[str, Any]) -> bool:
    """Whether the assertion carries the authentication context that is demanded."""
    acrs = wanted.get("access_token", {}).get("acrs", {})
    values = acrs.get("values") or [acrs.get("value")]
    held = proof.get("acrs", [])
    return any(value in held for value in values)
