"""How somebody is told: their choices, quiet hours, repeated alerts, halts that wait to be seen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.costs import unfilled
from bot.views.facts import badge, coded, direction, fault, reason
from engine.domain.idea import Idea
from engine.domain.notice import REFRESHES, HaltSeen, Kind
from engine.domain.order import Order
from engine.domain.person import Person
from engine.domain.preferences import REASONS, Loudness, Topic
from engine.domain.state import Control

_NEXT = {
    Loudness.ON: Loudness.SILENT,
    Loudness.SILENT: Loudness.OFF,
    Loudness.OFF: Loudness.ON,
}
#: Quiet hours that can be picked; others are typed.
NIGHTS = (("22:00", "07:00"), ("23:00", "08:00"))
#: To be copied, so without the marks of direction that text from right to left gets.
_EXAMPLE = Html("<code>/notify 21:30-06:15</code>")


def choices(words: Words, person: Person, *, edit: bool = False) -> Screen:
    """Every topic with how it comes; a tap makes it the next."""
    prefs = person.notify
    rows = [
        (_choice(words, topic, None, prefs.loudness(topic)), *_reasons_button(words, topic))
        for topic in Topic
        if topic is not Topic.HALTS
    ]
    rows.append((Button(words("notify.button_quiet"), callbacks.pack("nq")),))
    at = words("notify.button_brief", time=prefs.brief_at)
    rows.append((Button(at, callbacks.pack("nh")),))
    lines = [words("notify.title"), words("notify.halts_always"), _quiet_line(words, person)]
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=edit)


def reasons(words: Words, person: Person, topic: Topic) -> Screen:
    """The reasons of a topic with how each comes, and all of them alike."""
    prefs = person.notify
    general = prefs.loudness(topic)
    rows = [(_choice(words, topic, "*", general),)]
    rows += [(_choice(words, topic, code, prefs.loudness(topic, code)),) for code in REASONS[topic]]
    rows.append((Button(words("notify.button_back"), callbacks.pack("nb")),))
    text = words("notify.reasons", topic=words(f"topic.{topic}"))
    return Screen(text=text, buttons=tuple(rows), edit=True)


def quiet(words: Words, person: Person, *, edit: bool = True) -> Screen:
    """The quiet hours, some to pick, and how to type others."""
    prefs = person.notify
    rows = [tuple(_night(since, until) for since, until in NIGHTS)]
    if prefs.quiet_from is not None:
        key = "notify.button_digest_off" if prefs.digest else "notify.button_digest_on"
        rows.append((Button(words(key), callbacks.pack("nd", int(not prefs.digest))),))
        rows.append((Button(words("notify.button_loud"), callbacks.pack("nql")),))
    rows.append((Button(words("notify.button_back"), callbacks.pack("nb")),))
    lines = [
        _quiet_line(words, person),
        words("notify.quiet_means"),
        words("notify.quiet_type", example=_EXAMPLE),
    ]
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=edit)


def confirm_quiet(words: Words, person: Person, since: str, until: str) -> Screen:
    """Quiet hours as they were typed: they hold after a tap."""
    wanted = person.notify.quiet(since, until)
    assert wanted.quiet_from is not None
    assert wanted.quiet_until is not None
    back = Button(words("button.cancel"), callbacks.pack("cancel"))
    text = words(
        "notify.confirm_quiet",
        since=wanted.quiet_from,
        until=wanted.quiet_until,
        zone=person.timezone,
    )
    return Screen(text=text, buttons=((back, _night(wanted.quiet_from, wanted.quiet_until)),))


def _night(since: str, until: str) -> Button:
    data = callbacks.pack("nqs", since.replace(":", ""), until.replace(":", ""))
    return Button(f"{since}–{until}", data)


def _quiet_line(words: Words, person: Person) -> Html:
    prefs = person.notify
    if prefs.quiet_from is None or prefs.quiet_until is None:
        return words("notify.no_quiet")
    digest = words("notify.with_digest" if prefs.digest else "notify.without_digest")
    return words(
        "notify.quiet",
        since=prefs.quiet_from,
        until=prefs.quiet_until,
        zone=person.timezone,
        digest=digest,
    )


def _choice(words: Words, topic: Topic, code: str | None, now: Loudness) -> Button:
    name = words(f"topic.{topic}") if code is None else _reason(words, topic, code)
    label = words("notify.choice", name=name, loudness=words(f"loudness.{now}"))
    return Button(label, callbacks.pack("nt", topic, code or "", _NEXT[now]))


def _reason(words: Words, topic: Topic, code: str) -> Html:
    if code == "*":
        return words("notify.every_reason")
    return words(f"exit.{code}" if topic is Topic.CLOSES else f"refusal.{code}")


def _reasons_button(words: Words, topic: Topic) -> tuple[Button, ...]:
    if topic not in REASONS:
        return ()
    return (Button(words("notify.button_reasons"), callbacks.pack("nr", topic)),)


def repeated(
    words: Words, text: str, *, count: int, last: datetime, resolved: datetime | None
) -> str:
    """An alert that came again, or is over."""
    lines = [text]
    if count > 1:
        lines.append(
            words("notify.again", times=words.number(count), time=words.stamp(last, "HH:mm"))
        )
    if resolved is not None:
        lines.append(words("notify.resolved", time=words.stamp(resolved, "HH:mm")))
    return "\n".join(lines)


def halt(
    words: Words,
    screen: Screen,
    version: int,
    *,
    seen: Sequence[HaltSeen],
    over: Mapping[str, Any] | None,
    is_mine: bool,
) -> Screen:
    """A halt's alert with who has seen it, or that it is over and by whom."""
    lines = [screen.text or Html("")]
    lines += [words("halt.seen", name=s.name, time=words.stamp(s.at, "HH:mm")) for s in seen]
    if over:
        name = _by(words, str(over["by"]))
        at = words.moment(datetime.fromisoformat(over["at"]))
        lines.append(words("halt.over", name=name, time=at))
        return Screen(text=Html("\n".join(lines)))
    buttons = screen.buttons if is_mine else (*screen.buttons, (_seen(words, version),))
    return Screen(text=Html("\n".join(lines)), buttons=buttons)


def halt_open(words: Words, control: Control, version: int) -> Screen:
    """A halt that no trader has seen yet."""
    since = words.moment(control.changed_at)
    text = words("halt.open", badge=badge(words, control), time=since)
    return Screen(text=text, buttons=((_seen(words, version),),))


def _seen(words: Words, version: int) -> Button:
    return Button(words("halt.button_seen"), callbacks.pack("seen", version))


def _by(words: Words, name: str) -> Html | str:
    return words(f"actor.{name}") if words.has(f"actor.{name}") else name


def part_lost(words: Words, detail: Mapping[str, Any]) -> Html:
    """A part gives no sign of life."""
    since = words.moment(datetime.fromisoformat(detail["since"]))
    return words("control.lost", part=coded(words, "part", detail["part"]), time=since)


def feed(words: Words, detail: Mapping[str, Any]) -> Html:
    """Market data is refused: whose, since when, and why."""
    return words(
        "feed.fault",
        symbol=detail["symbol"],
        timeframe=detail["timeframe"],
        time=words.moment(datetime.fromisoformat(detail["since"])),
        fault=fault(words, detail),
    )


def missed(words: Words, detail: Mapping[str, Any]) -> Html:
    """What somebody missed, by kind."""
    since = words.moment(datetime.fromisoformat(detail["since"]))
    head = words("notify.missed", time=since)
    return Html("\n".join([head, *_counts(words, detail["counts"]), words("notify.look_at")]))


def digest(words: Words, detail: Mapping[str, Any]) -> Html:
    """What came in the quiet hours, by topic."""
    since, until = (words.time(datetime.fromisoformat(detail[end])) for end in ("since", "until"))
    head = words("notify.digest", since=since, until=until)
    return Html("\n".join([head, *_counts(words, detail["counts"]), words("notify.look_at")]))


def _counts(words: Words, counts: Mapping[str, int]) -> list[Html]:
    totals: dict[str, int] = {}
    for kind, count in counts.items():
        if kind in REFRESHES:
            continue
        topic = Kind(kind).topic
        name = str(topic) if topic is not None else "other"
        totals[name] = totals.get(name, 0) + count
    return [
        words("notify.count", name=words(f"topic.{name}"), number=words.number(count))
        for name, count in totals.items()
    ]


def filled(words: Words, idea: Idea, order: Order, kind: Html) -> Html:
    """An order was filled: at which price."""
    assert order.fill_price is not None
    text = words(
        "notify.filled",
        kind=kind,
        number=str(idea.number),
        symbol=order.symbol,
        direction=direction(words, order.direction),
        volume=words.number(order.volume),
        price=words.price(order.fill_price),
    )
    return Html("\n".join((text, *unfilled(words, order))))


def refused(words: Words, idea: Idea, kind: str, code: str) -> Html:
    """An idea or its order came to nothing: who said no, and why."""
    return words(
        "notify.refused",
        number=str(idea.number),
        symbol=idea.proposal.symbol,
        what=words(f"refusal.{kind}"),
        why=reason(words, code),
    )
