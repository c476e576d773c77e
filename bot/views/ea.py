"""The MetaTrader terminal: its state, its connect code, and what is odd about it."""

from collections.abc import Mapping
from typing import Any

from bot.i18n import Html, Words


def alert(words: Words, detail: Mapping[str, Any]) -> Html:
    """Something about a terminal that an admin should look at."""
    return words(
        f"ea.alert.{detail['what']}",
        account=detail["account_id"],
        command=detail.get("command", ""),
        seconds=words.number(int(detail.get("seconds", 0))),
    )
