"""Sign-ins in a browser: ``ports.SignIns``, by authorization code and PKCE.

MSAL computes and checks state, nonce and PKCE (RFC 6749, RFC 7636, OpenID Connect Core). It is
synchronous, so it runs in a thread; azure-identity's ``AuthorizationCodeCredential`` knows no PKCE.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Mapping
from typing import Any, Final

import httpx
import msal
import structlog
from azure.core.exceptions import AzureError
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificate

from bot.domain.errors import DirectoryError, UnavailableError
from bot.domain.model import UserAssertion
from bot.domain.obstacles import Way
from bot.domain.sign_in import PageKey, PendingAct, SignInRefusedError
from bot.graph.entra import Entra
from bot.graph.errors import aadsts
from bot.ports import SignInStart

_TIMEOUT: Final = httpx.Timeout(8.0, connect=3.0)
_DECLINED: Final = {
    "AADSTS65004": PageKey.CONSENT_DECLINED,
    "AADSTS65001": PageKey.CONSENT_DECLINED,
    "AADSTS90094": PageKey.CONSENT_DECLINED,
    # Could not, or would not, bring the stronger proof.
    "AADSTS500121": PageKey.NOT_STRONG_ENOUGH,
    "AADSTS50076": PageKey.NOT_STRONG_ENOUGH,
    "AADSTS50079": PageKey.NOT_STRONG_ENOUGH,
    "AADSTS53003": PageKey.NOT_STRONG_ENOUGH,
}

log = structlog.get_logger(__name__)


class EntraSignIns:
    """``redirect_uri`` is our own ``/signin/callback``, as registered with the app."""

    def __init__(
        self,
        entra: Entra,
        http: httpx.Client,
        *,
        authority: str,
        redirect_uri: str,
        api_scope: str,
        consent_scopes: tuple[str, ...],
    ) -> None:
        self._entra = entra
        self._http = http
        self._authority = authority
        self._redirect_uri = redirect_uri
        self._api_scope = api_scope
        self._consent_scopes = consent_scopes

    async def begin(self, act: PendingAct, state: str) -> SignInStart:
        """See ``ports.SignIns.begin``. A consent asks for Graph's permissions along with our own
        scope: an authorization request may name several resources, a token request only one
        (Entra docs, "OAuth 2.0 authorization code flow", ``scope``).
        """
        consent = act.way is Way.CONSENT
        options: dict[str, Any] = {
            "scopes": [self._api_scope, *(self._consent_scopes if consent else ())],
            "redirect_uri": self._redirect_uri,
            "state": state,
            "claims_challenge": act.claims,
        }
        if consent:
            options["prompt"] = "consent"
        app = await self._app()
        with warnings.catch_warnings():
            # MSAL would rather have the code in a form: but a browser sends no SameSite cookie with a
            # form from another site, and the cookie is what ties the answer to this browser. In the
            # query the code is of no use without that cookie and the verifier, and is redeemed at once.
            warnings.filterwarnings("ignore", message="response_mode", category=UserWarning)
            flow = app.initiate_auth_code_flow(**options)  # computes only: the app knows its authority
        return SignInStart(flow["auth_uri"], flow)

    async def redeem(self, flow: Mapping[str, Any], answer: Mapping[str, str]) -> UserAssertion:
        """See ``ports.SignIns.redeem``."""
        app = await self._app()

        def work() -> dict[str, Any]:
            result: dict[str, Any] = app.acquire_token_by_auth_code_flow(
                dict(flow), dict(answer), scopes=[self._api_scope]
            )
            return result

        try:
            result = await _threaded(work)
        except (ValueError, RuntimeError) as error:  # state or nonce are not those of this flow
            log.warning("sign_in_answer_refused", error=type(error).__name__)
            raise SignInRefusedError(PageKey.FAILED) from None  # its text quotes what was compared
        token = result.get("access_token")
        if isinstance(token, str) and token:
            return UserAssertion(token, flow.get("claims_challenge"))
        raise _refused(result)

    async def _app(self) -> msal.ConfidentialClientApplication:
        try:
            credential = _credential(await self._entra.proof())
        except AzureError as error:
            raise UnavailableError("The app can't prove to be itself") from error

        def make() -> msal.ConfidentialClientApplication:
            # A new one each time: MSAL keeps what it got in a cache of its own, and no token is
            # to outlive the act that it was got for.
            return msal.ConfidentialClientApplication(
                self._entra.client_id,
                client_credential=credential,
                authority=self._authority,
                instance_discovery=False,
                http_client=self._http,
            )

        return await _threaded(make)


class _MsalHttp(httpx.Client):
    """MSAL gives assertions as bytes, which requests encodes and httpx writes as ``b'…'``."""

    def post(self, url: Any, *, data: Any = None, **more: Any) -> httpx.Response:
        form = {k: v.decode() if isinstance(v, bytes) else v for k, v in (data or {}).items()}
        return super().post(url, data=form, **more)


def open_http(tls: Any) -> httpx.Client:
    """The HTTP client that MSAL uses: no redirects, and the house's trust."""
    return _MsalHttp(verify=tls, timeout=_TIMEOUT, follow_redirects=False)


async def _threaded(work: Any) -> Any:
    try:
        return await asyncio.to_thread(work)
    except httpx.HTTPError as error:
        raise UnavailableError(f"Entra can't be reached ({type(error).__name__})") from error
    except json.JSONDecodeError as error:
        raise UnavailableError("Entra's answer can't be read") from error


def _credential(proof: Mapping[str, Any]) -> Any:
    """What ``Entra.proof`` found, as MSAL spells it."""
    if secret := proof.get("client_secret"):
        return secret
    if pem := proof.get("client_certificate"):
        certificate, key = load_pem_x509_certificate(pem), load_pem_private_key(pem, None)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = certificate.public_bytes(Encoding.PEM)
        return {"private_key": private.decode(), "public_certificate": public.decode()}
    return {"client_assertion": proof["client_assertion_func"]()}


def _refused(result: Mapping[str, Any]) -> DirectoryError | SignInRefusedError:
    """Of Entra's description only the AADSTS number is kept."""
    error, description = str(result.get("error", "")), str(result.get("error_description", ""))
    code = aadsts(description) or error
    log.warning("sign_in_refused", error=error[:64], code=code[:32])
    if error in {"temporarily_unavailable", "server_error"}:
        return UnavailableError("Entra is not available", code=code)
    page = _DECLINED.get(code) or (PageKey.DECLINED if error == "access_denied" else PageKey.FAILED)
    return SignInRefusedError(page, f"Entra refused the sign-in: {code[:32] or error[:64]}")
