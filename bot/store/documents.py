"""An approval request as a JSON document, and back."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

from bot.domain.model import ApprovalRequest

_REQUEST: Final = TypeAdapter(ApprovalRequest)


def request_document(request: ApprovalRequest) -> dict[str, Any]:
    """The request in JSON's types: times and durations as ISO 8601 strings."""
    document: dict[str, Any] = _REQUEST.dump_python(request, mode="json")
    return document


def request_of(document: Any) -> ApprovalRequest:
    """The request a document was made of. Raises ``pydantic.ValidationError`` on anything else.

    ``Pool | Unreadable`` needs no tag: each has required fields that the other lacks, and a test
    holds them to it.
    """
    return _REQUEST.validate_python(document)
