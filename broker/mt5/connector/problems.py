"""What the connector answers when it does not do what it is asked."""

from typing import Any


class Problem(Exception):
    """An answer other than 200: its code, and words that say what to do; never a secret."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details

    @property
    def document(self) -> dict[str, Any]:
        """The body, in the one shape of every error."""
        return {
            "error": {"code": self.code, "message": self.message, "details": self.details},
        }


def invalid(field: str, message: str) -> Problem:
    """A value of the request is wrong."""
    return Problem(400, "INVALID_INPUT", f"{field}: {message}", field=field)


def refused(message: str, **details: Any) -> Problem:
    """Proven: nothing was dealt or changed."""
    return Problem(422, "MT5_EXECUTION_FAILED", message, **details)


def unavailable(message: str) -> Problem:
    """The terminal cannot be asked now; nothing was sent to it."""
    return Problem(503, "no_terminal", message)


def unknown(key: str) -> Problem:
    """The outcome is open; it is found out and told under the same key."""
    return Problem(504, "unknown", "the outcome is not known yet: ask for it by its key", key=key)
