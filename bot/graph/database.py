"""Entra tokens that open a database: the password of a managed identity, which has none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from azure.core.exceptions import AzureError
from azure.identity.aio import ManagedIdentityCredential


@asynccontextmanager
async def open_database_tokens(identity: str, resource: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """A function that returns a token of the user-assigned ``identity`` (its client id) for
    ``resource``, from azure-identity's cache while it lives. It raises ``ConnectionError``, which
    a database driver takes for what it is: this connection can't be made now.
    """
    async with ManagedIdentityCredential(client_id=identity) as credential:

        async def token() -> str:
            try:
                got: str = (await credential.get_token(f"{resource}/.default")).token
            except AzureError as exc:
                raise ConnectionError(f"the managed identity {identity} got no token") from exc
            return got

        yield token
