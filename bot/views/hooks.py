"""Outbound webhooks, as the chat tells of them."""

from collections.abc import Mapping
from typing import Any

from bot.i18n import Html, Words


def told(words: Words, detail: Mapping[str, Any]) -> Html:
    """An endpoint that did not take an event, or that was switched off; and what to do."""
    which = {"id": str(detail["id"]), "host": detail["host"]}
    if detail["what"] == "failed":
        lines = [
            words("webhook.failed", count=detail["attempts"], type=detail["type"], **which),
            words(f"webhook.why_{detail['why']}", status=str(detail["status"])),
            words("webhook.look", **which),
        ]
    else:
        lines = [
            words(f"webhook.{detail['what']}", **which),
            *(
                [words("webhook.cancelled", count=detail["cancelled"])]
                if detail["cancelled"]
                else []
            ),
            words("webhook.switch_on", **which),
        ]
    return Html("\n".join(lines))
