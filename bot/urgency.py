"""Which updates may not wait: whoever stops something is heard before everything else.

Told from the update alone, before anybody is asked who sent it. What it may do is asked later, as
of every update; to be urgent gives no right.
"""

from typing import Any

from bot.callbacks import VERSION

#: Commands that only make things safer.
COMMANDS = frozenset(("/stop", "/panic", "/pause"))
#: The actions of buttons that do the same, their confirmations included. Never one that resumes.
TAPS = frozenset(("stop", "panic", "pause", "flat", "live-off"))


def is_urgent(update: dict[str, Any]) -> bool:
    """Whether an update, as Telegram sends it, is a halt."""
    query, message = update.get("callback_query"), update.get("message")
    if isinstance(query, dict):
        version, action, *_ = [*str(query.get("data") or "").split(":"), ""]
        return version == VERSION and action in TAPS
    if isinstance(message, dict):
        text = message.get("text") or message.get("caption")
        return isinstance(text, str) and _command(text) in COMMANDS
    return False


def _command(text: str) -> str:
    first = text.split(maxsplit=1)[:1]
    return first[0].split("@")[0] if first else ""
