"""Logs as JSON lines, one event each, for our own code and for every library alike.

The redaction runs in the handler's formatter, behind all loggers; there is no way around it.
"""

import json
import logging
import sys
from contextlib import suppress
from typing import Any, TextIO

import orjson
import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

from payorch.infrastructure.observability.redaction import redact_event

_QUIET_LIBRARIES = ("werkzeug", "urllib3", "alembic", "faker", "asyncio")
"""Their info lines hold whole request lines with query strings, or say nothing of use."""

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
# One list for the whole process: loggers remember it, so a second configuration with another
# list would leave the older loggers behind.
_OUR_CHAIN: list[Processor] = [
    structlog.stdlib.filter_by_level,
    *_SHARED,
    ProcessorFormatter.wrap_for_formatter,
]


def configure(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send all logging to `stream` (standard error when None) as redacted JSON lines.

    Call it once at start; a second call replaces the first one's handler.
    """
    structlog.configure(
        processors=_OUR_CHAIN,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _JsonLinesHandler(stream or _CurrentStderr())
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                redact_event,
                _as_json_line,
            ],
        )
    )
    _replace_root_handler(handler, level)
    logging.captureWarnings(capture=True)


class _JsonLinesHandler(logging.StreamHandler[Any]):
    """Stays silent about what it cannot format: the standard one prints the raw arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        line = {"event": "log_line_lost", "level": "error", "logger": record.name}
        with suppress(OSError, ValueError):
            self.stream.write(orjson.dumps(line).decode() + self.terminator)


class _CurrentStderr:
    """Standard error as it is now: servers and test runners replace it after the start."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _replace_root_handler(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _JsonLinesHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    # gunicorn gives its loggers handlers of their own, which know no redaction.
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def _as_json_line(_logger: Any, _method: str, event: EventDict) -> str:
    try:
        return orjson.dumps(event, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        # Lone surrogates (file names) and huge integers are beyond orjson; a lost line is worse.
        return json.dumps(event, default=str, sort_keys=True)
