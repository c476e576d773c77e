"""Spans of time as people write them in settings."""

import re
from datetime import timedelta

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "": 1}
_SPAN = re.compile(r"(?:\d{1,9}(?:\.\d{1,6})?(?:ms|h|m|s))+|\d{1,9}(?:\.\d{1,6})?")
_PART = re.compile(r"([0-9.]+)(ms|h|m|s|)")


def duration(text: str) -> timedelta:
    """A span such as 500ms, 5s or 1m30s; a number alone is seconds. Raises ``ValueError``."""
    if not _SPAN.fullmatch(text.strip()):
        raise ValueError("is no span of time; write 500ms, 5s, 1m30s, or seconds")
    parts = _PART.findall(text.strip())
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
