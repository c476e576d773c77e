"""The operator's commands, as the chat tells of them."""

from collections.abc import Mapping
from typing import Any

from bot.i18n import Html, Words
from bot.views.facts import by, coded


def failed(words: Words, detail: Mapping[str, Any]) -> Html:
    """A command that came to nothing: which, why, and whose."""
    what = " ".join(part for part in (detail["type"], detail["pair"]) if part)
    lines = [
        words("executor.failed", id=str(detail["id"]), what=what),
        coded(words, "executor", f"why_{detail['reason']}"),
    ]
    if detail["actions"]:
        counts = {"failed": str(detail["failed"]), "total": str(detail["actions"])}
        lines.append(words("executor.of", **counts))
    return Html("\n".join([*lines, by(words, detail["by"])]))
