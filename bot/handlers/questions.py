"""How long a screen that asks whether something is meant may be answered: a minute, everywhere."""

from datetime import timedelta

from engine.ports import Clock

_VALID = timedelta(seconds=60)


def expiry(clock: Clock) -> int:
    """When a question that is asked now is over, in seconds since 1970, for its button to hold."""
    return int((clock() + _VALID).timestamp())


def is_fresh(clock: Clock, until: int | None) -> bool:
    """Whether the question of a button that holds ``until`` may still be answered; a button that
    names no instant is too old.
    """
    return until is not None and clock().timestamp() <= until
