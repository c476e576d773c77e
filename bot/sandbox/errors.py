"""What the Bot API says when it refuses; the wording is that of tdlib/telegram-bot-api."""

from typing import Any

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
WEBHOOK_ACTIVE = (
    "can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
GROUP_UPGRADED = "Bad Request: group chat was upgraded to a supergroup chat"
OTHER_POLLER = (
    "terminated by other getUpdates request; make sure that only one bot instance is running"
)


NOT_IMPLEMENTED = 501


class ApiError(Exception):
    """Becomes the answer `{"ok": false, ...}`; the code is also the HTTP status."""

    def __init__(
        self, code: int, description: str, parameters: dict[str, Any] | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters or {}


def bad_request(reason: str) -> ApiError:
    """The server lowers the first letter, but leaves ALL_CAPS codes of Telegram alone."""
    if len(reason) < 2 or not (reason[1] == "_" or reason[1].isupper()):
        reason = reason[:1].lower() + reason[1:]
    return ApiError(400, f"Bad Request: {reason}")


def unauthorized(detail: str = "") -> ApiError:
    return ApiError(401, "Unauthorized" + (f": {detail}" if detail else ""))


def forbidden(reason: str) -> ApiError:
    return ApiError(403, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiError:
    return ApiError(409, f"Conflict: {reason}")


def not_implemented(what: str) -> ApiError:
    return ApiError(NOT_IMPLEMENTED, f"Not Implemented: the sandbox has no {what}")


def too_many_requests(retry_after: int) -> ApiError:
    return ApiError(
        429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after}
    )
