"""What a view makes: text and buttons, before anything knows of Telegram."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.i18n import Html

CAPTION_LIMIT = 1024
TEXT_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message. ``data`` is an action and an id, never a price or a size."""

    label: str
    data: str
    style: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """An answer. ``toast`` is the short text over the chat when a button was tapped, ``alert`` one
    that must be closed; ``edit`` changes the tapped message instead of sending a new one; ``chart``
    says what is to be drawn above the text, ``document`` which file goes with it; a file makes a
    message of its own, it is never put into one that stands.
    """

    text: Html | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    toast: str | None = None
    alert: bool = False
    edit: bool = False
    chart: dict[str, Any] | None = None
    document: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A screen on its way: what the courier needs to send it, as JSON values. ``edit_key`` names an
    earlier row whose message it takes the place of, if that was sent.
    """

    text: str
    buttons: list[list[dict[str, str]]] = field(default_factory=list)
    chart: dict[str, Any] | None = None
    document: dict[str, Any] | None = None
    edit_message_id: int | None = None
    edit_key: str | None = None
    reply_to_key: str | None = None
    pin: bool = False
    silent: bool = False


def parcel_of(screen: Screen, *, edit_message_id: int | None = None) -> Parcel:
    """A screen as the courier takes it."""
    return Parcel(
        text=screen.text or "",
        buttons=[[_button(button) for button in row] for row in screen.buttons],
        chart=screen.chart,
        document=screen.document,
        edit_message_id=edit_message_id if screen.edit else None,
    )


def _button(button: Button) -> dict[str, str]:
    plain = {"text": button.label, "callback_data": button.data}
    return plain if button.style is None else {**plain, "style": button.style}


def cut(lines: Sequence[str]) -> Html:
    """Lines as one text; it is never longer than a message may be, and never cut inside a tag."""
    kept: list[str] = []
    length = 0
    for text in lines:
        length += len(text) + 1
        if length > TEXT_LIMIT:
            break
        kept.append(text)
    return Html("\n".join(kept))
