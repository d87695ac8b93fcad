"""Logs: one JSON object a line on standard error (or readable lines on a terminal), a constant
event name and fields. Control characters from strangers and anything that looks like a token are
taken out here, whoever wrote the line.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog
from opentelemetry import trace

_JWT: Final = re.compile(r"eyJ[\w-]{5,}(\.[\w-]*){1,4}")
_OPAQUE: Final = re.compile(r"\b[01]\.A[\w-]{40,}(\.[\w-]+)*")
"""Entra's refresh tokens and authorization codes."""
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)", re.DOTALL
)
_GIVEN: Final = re.compile(
    r"(?P<name>bearer\s+|authorization\W{1,4}basic\s+"
    r"|(?:token|secret|assertion|password|client_?state|verifier|cookie|(?:account|instrumentation|access)_?key)"
    r"[\"']?\s*[=:]\s*[\"']?"
    r"|[?&](?:code|state|sig|nonce)=)"
    r"[^\s\"'&,;]+",
    re.IGNORECASE,
)
"""What a name gives away: ``Bearer …``, ``client_secret=…``, ``"clientState": "…"``, ``?code=…``."""
_URL_PASSWORD: Final = re.compile(r"(?P<name>://[^\s:/@]*:)[^\s/@]+(?=@)")
_SECRET_KEYS: Final = re.compile(
    r"(?i)token|secret|assertion|authorization|password|client_?state|cookie|verifier|private_?key"
    r"|connection_?string|instrumentation_?key"
)
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_LINES: Final = re.compile(r"[\t\n]")
_MANY_LINES: Final = frozenset({"exception", "stack"})
_STRUCTLOGS_OWN: Final = frozenset({"_record", "_from_structlog"})
_OURS_TO_TELL: Final = ("azure", "msal")
"""Their failures reach us as exceptions; their own warnings print Entra's whole answer."""
_NOISY: Final = ("httpx", "httpcore", "aiohttp.access", "aiosqlite", "alembic", "asyncio")


def configure(level: str) -> None:
    """Set logging up for the process: our lines and those of libraries take the same way."""
    pretty = sys.stderr.isatty()
    # Plain tracebacks: rich ones show local variables, and those hold tokens.
    renderer = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
    for name in _OURS_TO_TELL:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def add_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: in which trace, when traces are exported."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace"] = trace.format_trace_id(context.trace_id)
    return event


def clean(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: no tokens, no secrets, no control characters."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if key in _STRUCTLOGS_OWN or value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_KEYS.search(key):
        return "[redacted]"
    if isinstance(value, Mapping):
        return {_text(str(k)): _clean(str(k), v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", v) for v in value]
    return _text(value if isinstance(value, str) else repr(value), many_lines=key in _MANY_LINES)


def plain(text: str) -> str:
    """Text from anywhere, fit to be shown: no tokens, no secrets, no control characters."""
    return _text(text)


def _text(text: str, *, many_lines: bool = False) -> str:
    # Controls first: one in the middle of a token would keep it from being known as one.
    plain = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    if not many_lines:
        plain = _LINES.sub(" ", plain)
    unmarked = _PRIVATE_KEY.sub("[private key]", _OPAQUE.sub("[token]", _JWT.sub("[token]", plain)))
    named = _GIVEN.sub(r"\g<name>[redacted]", unmarked)
    return _URL_PASSWORD.sub(r"\g<name>[redacted]", named)
