"""Logs: one JSON object a line on standard error (or readable lines on a terminal), a constant
event name and fields. Control characters from strangers and anything that looks like a token are
taken out here, whoever wrote the line.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

_JWT: Final = re.compile(r"eyJ[\w-]{5,}\.[\w-]+(\.[\w-]*)?")
_SECRET_KEYS: Final = re.compile(r"token|secret|assertion|authorization|password|client_state", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NOISY: Final = ("azure", "httpx", "httpcore", "aiohttp.access", "aiosqlite", "alembic", "msal", "asyncio")


def configure(level: str) -> None:
    """Set logging up for the process: our lines and those of libraries take the same way."""
    pretty = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if not pretty else structlog.dev.set_exc_info,
        clean,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def clean(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: no tokens, no secrets, no control characters."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if key.startswith("_"):
        return value
    if _SECRET_KEYS.search(key):
        return "[redacted]"
    if isinstance(value, str):
        return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _JWT.sub("[token]", value))
    if isinstance(value, dict):
        return {k: _clean(str(k), v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", v) for v in value]
    return value
