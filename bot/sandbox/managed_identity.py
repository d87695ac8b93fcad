"""The endpoint where a container finds the tokens of its managed identity.

App Service's protocol of 2019-08-01, which Container Apps speaks too: the address and a header that
proves that the caller is inside come by the environment (``IDENTITY_ENDPOINT``, ``IDENTITY_HEADER``).
"""

from __future__ import annotations

import hmac

from aiohttp import web

from bot.sandbox import tokens
from bot.sandbox.world import World

PATH = "/_identity/token"
FEDERATION = "api://AzureADTokenExchange"
DATABASE = "https://ossrdbms-aad.database.windows.net"


def routes(world: World) -> list[web.RouteDef]:
    async def token(request: web.Request) -> web.StreamResponse:
        resource, client_id = (request.query.get(name, "") for name in ("resource", "client_id"))
        request[tokens.NOTES] = {"resource": resource}
        if not hmac.compare_digest(request.headers.get("X-IDENTITY-HEADER", ""), world.identity.header):
            return _refused(401, "The identity header is missing or wrong.")
        if client_id.lower() != world.identity.client_id:
            return _refused(
                400, "No User Assigned or Delegated Managed Identity found for specified ClientId"
            )
        if resource not in {FEDERATION, DATABASE}:
            return _refused(400, f"The resource principal named {resource} was not found in the tenant.")
        return web.json_response(_token(world, resource))

    return [web.get(PATH, token)]


def _token(world: World, resource: str) -> dict[str, str]:
    identity = world.identity
    claims = {
        "aud": resource,
        "iss": f"{world.login_url}/{world.tenant_id}/v2.0",
        "azp": identity.client_id,
        "oid": identity.principal_id,
        "sub": identity.principal_id,
        "idtyp": "app",
        "ver": "2.0",
    }
    return {
        "access_token": tokens.issue(world, claims),
        "expires_on": str(int((world.real_now() + tokens.LIFETIME).timestamp())),
        "resource": resource,
        "token_type": "Bearer",
        "client_id": identity.client_id,
    }


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
