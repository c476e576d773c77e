"""What a row becomes: calls to Telegram, one after the other, as they are written down before they
are made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from bot.courier.text import cut, length, plain, split
from bot.screen import CAPTION_LIMIT, TEXT_LIMIT, Parcel

Json = dict[str, Any]


class Call(StrEnum):
    """A method of Telegram's, as the courier uses it."""

    TEXT = "text"
    PHOTO = "photo"
    DOCUMENT = "document"
    EDIT = "edit"
    PIN = "pin"
    UNPIN = "unpin"


class Progress(StrEnum):
    """How far a call is. One that was begun may have been made."""

    NEW = "new"
    BEGUN = "begun"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call. ``message_id`` is the message it changes, or the one it made; a pin without one
    pins what its row sent. ``has_caption`` says of an edit that the message is a picture.
    """

    call: Call
    text: str = ""
    is_html: bool = True
    buttons: list[list[dict[str, str]]] = field(default_factory=list)
    chart: Json | None = None
    document: Json | None = None
    is_silent: bool = False
    reply_to: int | None = None
    message_id: int | None = None
    has_caption: bool = False
    progress: Progress = Progress.NEW

    @property
    def makes(self) -> bool:
        """Whether it makes a message: if made twice, a person reads it twice."""
        return self.call in (Call.TEXT, Call.PHOTO, Call.DOCUMENT)

    def bare(self) -> "Step":
        """The same without formatting, for a text that Telegram cannot parse."""
        return replace(self, text=plain(self.text), is_html=False)


def steps_of(parcel: Parcel, *, reply_to: int | None, is_silent: bool) -> tuple[Step, ...]:
    """The calls that post a parcel, in their order; the buttons are under its last message."""
    silent = is_silent or parcel.silent
    made: list[Step] = []
    if parcel.document is not None:
        text = caption(parcel.text)
        made.append(Step(call=Call.DOCUMENT, text=text, document=parcel.document))
    elif parcel.chart is not None and length(parcel.text) <= CAPTION_LIMIT:
        made.append(Step(call=Call.PHOTO, text=parcel.text, chart=parcel.chart))
    else:
        if parcel.chart is not None:
            made.append(Step(call=Call.PHOTO, chart=parcel.chart, is_silent=True))
        made += [Step(call=Call.TEXT, text=part) for part in split(parcel.text, TEXT_LIMIT)]
    made = [replace(step, is_silent=step.is_silent or silent) for step in made]
    made[0] = replace(made[0], reply_to=reply_to)
    made[-1] = replace(made[-1], buttons=parcel.buttons)
    if parcel.pin:
        made.append(Step(call=Call.PIN))
    return tuple(made)


def edit_of(parcel: Parcel, message_id: int, *, has_caption: bool) -> tuple[Step, ...]:
    """The call that puts a parcel in place of a message; what does not fit follows it."""
    edit = Step(
        call=Call.EDIT,
        text=parcel.text,
        buttons=parcel.buttons,
        message_id=message_id,
        has_caption=has_caption,
    )
    if has_caption:
        return (edit,)
    first, *rest = split(parcel.text, TEXT_LIMIT)
    more = (Step(call=Call.TEXT, text=part, is_silent=True) for part in rest)
    return (replace(edit, text=first), *more)


def caption(text: str) -> str:
    """As much of a text as a picture may carry."""
    return cut(text, CAPTION_LIMIT)


def payload(parcel: Parcel) -> Json:
    """A parcel as the outbox keeps it."""
    return asdict(parcel)


def stored(steps: Sequence[Step]) -> list[Json]:
    """Steps as the outbox keeps them."""
    return [asdict(step) for step in steps]


def read(documents: Sequence[Json]) -> list[Step]:
    """Steps as they were stored."""
    return list(_read(documents))


def _read(documents: Sequence[Json]) -> Iterator[Step]:
    for document in documents:
        known = {**document, "call": Call(document["call"])}
        yield Step(**{**known, "progress": Progress(document["progress"])})


def main_message(steps: Sequence[Step]) -> int | None:
    """The message a row is known by: the last it made or changed."""
    ids = [s.message_id for s in steps if s.makes or s.call is Call.EDIT]
    return next((id_ for id_ in reversed(ids) if id_ is not None), None)
