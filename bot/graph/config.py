"""What the Graph adapter has to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """The app's secret. Never shown."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A PEM or PKCS#12 file with certificate and private key, read when the adapter is opened."""

    path: Path


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """A user-assigned managed identity federated to the app: its token is the client assertion,
    so that there is no secret at all.
    """

    client_id: str


AppCredential = ClientSecret | ClientCertificate | ManagedIdentity


@dataclass(frozen=True, slots=True)
class GraphConfig:
    """URLs without a trailing slash. ``login_url`` must be https (azure-identity insists);
    ``graph_url`` too, except on loopback.
    """

    tenant_id: str
    client_id: str
    credential: AppCredential
    login_url: str
    graph_url: str
    graph_scope: str
    notification_url: str
    lifecycle_url: str
    redirect_uri: str
    """Our own ``/signin/callback``, where browsers come back to from Entra."""
    api_scope: str
    """The scope that the app exposes itself, ``…/access_as_user``."""
    groups: tuple[str, ...] | None = ()
    """Object ids of the groups whose activations are looked after; None: all that PIM manages."""
    ca_bundle: Path | None = None
    """Certificates to trust instead of the system's."""
    federation_audience: str = "api://AzureADTokenExchange"
