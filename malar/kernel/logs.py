"""Structured logs: JSON lines with request and task ids, or readable ones on a terminal."""

import logging.config
import re

import structlog
from django.conf import settings

TOKENS = re.compile(r"(/s/)[A-Za-z0-9_-]{20,}|(webhooks/msg91/|hub\.verify_token=)[^/&\s\"']+")
"""A farmer's link (settlements/services/links.py): whoever knows it can answer for him. The address at which MSG91
reports: whoever knows that is believed. And by what Meta knows that our address is ours."""


def leave_out_tokens(
    _logger: object, _name: str, said: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Write no such address into a log, whoever logs it: our requests, Django's warnings, a traceback."""
    return {
        name: TOKENS.sub(lambda found: f"{found[1] or found[2]}…", value) if isinstance(value, str) else value
        for name, value in said.items()
    }


def configure_logging() -> None:
    """Set up structlog and the standard library's logging alike, once per process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        leave_out_tokens,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.LOG_FORMAT == "json"
        else structlog.dev.ConsoleRenderer()
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processor": renderer,
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": settings.LOG_LEVEL},
            "loggers": {"django.server": {"level": "WARNING"}},
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
