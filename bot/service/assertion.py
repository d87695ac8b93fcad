"""Whose token it is. The token service is trusted to hold tokens, not to mix them up."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from bot.domain.model import Identity, UserAssertion


def belongs_to(assertion: UserAssertion, identity: Identity) -> bool:
    """Whether the token's ``oid`` and ``tid`` are this identity's. Its signature is Entra's to
    check, in the on-behalf-of exchange; a token that can't be read belongs to nobody.
    """
    claims = claims_of(assertion)
    try:
        return Identity(str(claims["tid"]), str(claims["oid"])) == identity
    except (KeyError, ValueError):
        return False


def claims_of(assertion: UserAssertion) -> Mapping[str, Any]:
    """What the token says of itself, unverified; nothing when it can't be read."""
    return claims_in(assertion.token)


def claims_in(token: str) -> Mapping[str, Any]:
    """As ``claims_of``, for any token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, TypeError, ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
