"""Text with markup becomes plain text and entities, the way Telegram's server does it."""

from typing import Any

from bot.sandbox.formatting.detect import finish
from bot.sandbox.formatting.html_mode import parse_html
from bot.sandbox.formatting.markdown_mode import parse_markdown
from bot.sandbox.formatting.units import ParseError, utf16_length

__all__ = ["ParseError", "finish", "parse_text", "utf16_length"]


def parse_text(
    text: str, parse_mode: str, entities: list[dict[str, Any]]
) -> tuple[str, list[dict[str, Any]]]:
    """Raises ParseError with the server's words, and ValueError for a mode it does not know."""
    mode = parse_mode.lower()
    if mode == "html":
        return finish(*parse_html(text))
    if mode == "markdownv2":
        return finish(*parse_markdown(text))
    if mode not in ("", "none"):
        raise ValueError(parse_mode)
    return finish(text, entities)
