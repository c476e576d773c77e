"""An answer in a language model's words, with what proves it; or why there is none."""

from dataclasses import replace

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from bot.views import ask as views
from engine.domain.ask import Asked, Evidence
from engine.domain.wording import ABANDONED, STOPPED, Verdict
from engine.errors import InvalidInput
from engine.flow.ask.answer import Told
from engine.flow.ask.wording import Worded

#: Look-ups that an answer rests on, as buttons.
_MOST = 3


def growing(words: Words, text: str, inquiry_id: int | None = None) -> Screen:
    """What may be shown so far; with a button to stop it, where it is a message of its own."""
    rows: tuple[tuple[Button, ...], ...] = ()
    if inquiry_id is not None:
        stop = Button(words("asking.stop"), callbacks.pack("hush", inquiry_id))
        rows = ((stop,),)
    return Screen(text=words("asking.words", text=text), buttons=rows)


def worded(words: Words, told: Told, done: Worded | str) -> Screen:
    """The end of it: the model's words, or the answer that stands without them and why. ``done``
    is a code where no model came to an end.
    """
    if isinstance(done, Worded) and done.text:
        return _shown(words, told, done)
    plain = views.told(words, _with_looked_up(told, done))
    lines = [plain.text or Html(""), Html(""), words(f"asking.{why(done)}")]
    if told.evidence is None:
        # What can be asked instead are the buttons, so it is said right above them.
        lines.reverse()
    return Screen(text=cut(lines), buttons=plain.buttons)


def why(done: Worded | str) -> str:
    """The key of the reason why nothing of a model's is shown."""
    if isinstance(done, str):
        return done if done in (STOPPED, ABANDONED) else "unavailable"
    return "unsupported" if done.reply.verdict is Verdict.UNSUPPORTED else "unavailable"


def _shown(words: Words, told: Told, done: Worded) -> Screen:
    said = words("asking.words", text=done.text)
    checked = words("asking.checked", model=done.reply.model or "")
    lines = [said, checked]
    if told.evidence is not None:
        # What the record says itself comes first.
        lines = [views.answered(words, told.evidence).text or Html(""), Html(""), *lines]
    proofs = views.proofs(words, _together(done.found))
    return Screen(text=cut(lines), buttons=(*proofs, *_look_ups(words, done.found)))


def _together(found: tuple[Evidence, ...]) -> Evidence:
    """All that was looked up, as far as buttons are made of it."""
    return replace(
        found[0],
        records=tuple(dict.fromkeys(number for one in found for number in one.records)),
        ideas=tuple(dict.fromkeys(idea for one in found for idea in one.ideas)),
    )


def _look_ups(words: Words, found: tuple[Evidence, ...]) -> tuple[tuple[Button, ...], ...]:
    return views.buttons_of(words, tuple(dict.fromkeys(one.asked for one in found))[:_MOST])


def _with_looked_up(told: Told, done: Worded | str) -> Told:
    """Beside what can be asked instead: what the model looked up, each a sure answer at a tap."""
    if isinstance(done, str) or told.evidence is not None:
        return told
    more: tuple[Asked, ...] = tuple(dict.fromkeys(one.asked for one in done.found))[:_MOST]
    return replace(told, choices=tuple(dict.fromkeys((*more, *told.choices))))


def in_words(words: Words, screen: Screen, asked: Asked) -> Screen:
    """The same with a button that asks for the model's words too, where a button can carry it."""
    try:
        data = callbacks.pack("words", asked.code())
    except InvalidInput:
        return screen
    return replace(screen, buttons=(*screen.buttons, (Button(words("asking.more"), data),)))
