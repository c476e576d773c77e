"""A symbol as people type it."""

from collections.abc import Iterable


def spelled(typed: str, known: Iterable[str]) -> str:
    """The symbol as one of those known is written, ``XAUUSD.r`` for ``xauusd.R``; in capitals where
    none is like it.
    """
    names = tuple(known)
    if typed in names:
        return typed
    return next((name for name in names if name.upper() == typed.upper()), typed.upper())
