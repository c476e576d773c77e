"""Strategies in words: the list with its day, one with its rules, its versions, and a change."""

from collections.abc import Sequence
from uuid import UUID

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.ask_ideas import because
from bot.views.drafts import Question, reasons
from bot.views.facts import by, coded, paper
from bot.views.risk import back, rows_of
from bot.views.rules import rules
from bot.views.settings import said
from engine.domain.person import Role
from engine.domain.strategy import Strategy, StrategyVersion
from engine.flow.strategy_book import Line
from engine.flow.strategy_records import Changed
from engine.strategies.changes import Change

#: Strategies on a page, versions with a button, and changes that are shown.
PAGE = 6
_VERSIONS = 12
_CHANGES = 30
#: How an evaluation can end without a signal, as codes with words of their own.
_NO_SIGNAL = "none"


def listing(
    words: Words, book: Sequence[Line], page: int, *, is_live: bool, edit: bool = False
) -> Screen:
    """A page of the strategies: on or off, what for, the last evaluation, the day's trades."""
    shown = book[page * PAGE : (page + 1) * PAGE]
    lines = [words("strategies.title", kind=paper(words, is_live=is_live))]
    for line in shown:
        lines += [Html(""), _heading(words, line.strategy), *day(words, line)]
    rows: list[tuple[Button, ...]] = [
        (Button(_label(line.strategy), callbacks.pack("rule", line.strategy.id.hex)),)
        for line in shown
    ]
    turn = []
    if page > 0:
        turn.append(Button("◂", callbacks.pack("rules", page - 1)))
    if len(book) > (page + 1) * PAGE:
        turn.append(Button("▸", callbacks.pack("rules", page + 1)))
    turn += [Button(words("button.refresh"), callbacks.pack("rules", page)), back(words, "hub")]
    rows.append(tuple(turn))
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=edit)


def strategy(words: Words, line: Line, *, role: Role, edit: bool = True) -> Screen:
    """One strategy: its rules in words, its caps, its day, and what may be done with it."""
    seen = line.strategy
    lines = [_heading(words, seen), Html(""), *rules(words, seen), Html(""), *day(words, line)]
    if line.off_market:
        lines.append(words("strategies.off_market", symbols=", ".join(line.off_market)))
    id_ = seen.id.hex
    rows: list[tuple[Button, ...]] = []
    if may_switch(seen, role):
        key, on = ("strategies.off", 0) if seen.is_active else ("strategies.on", 1)
        rows.append((Button(words(key), callbacks.pack("switch", id_, on)),))
    if role.rank >= Role.ADMIN.rank:
        rows.append((Button(words("strategies.edit"), callbacks.pack("edit", id_)),))
    rows.append(
        (
            Button(words("strategies.file"), callbacks.pack("file", id_, seen.version)),
            Button(words("strategies.versions"), callbacks.pack("rulevs", id_)),
        )
    )
    rows.append(
        (Button(words("button.refresh"), callbacks.pack("rule", id_)), back(words, "rules", 0))
    )
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=edit)


def may_switch(seen: Strategy, role: Role) -> bool:
    """Whether somebody of this role may turn it off, or on, which takes more."""
    return role.rank >= (Role.TRADER if seen.is_active else Role.ADMIN).rank


def day(words: Words, line: Line) -> list[Html]:
    """The last evaluation, the trades of the broker's day, and what is open."""
    lines = []
    if line.last is None:
        lines.append(words("strategies.never"))
    else:
        signal = line.last.final_signal
        result = (
            because(words, line.last.reason)
            if signal == _NO_SIGNAL
            else words("strategies.signal", direction=words(f"direction.{signal}"))
        )
        time = words.stamp(line.last.market_time)
        lines.append(words("strategies.last", time=time, symbol=line.last.symbol, result=result))
    lines.append(words("strategies.trades", count=line.trades))
    if line.held is None:
        lines.append(words("strategies.held_unknown"))
    elif line.held:
        lines.append(words("strategies.held", count=line.held))
    return lines


def switching(words: Words, line: Line, *, on: bool, until: int) -> Screen:
    """Whether a strategy shall be turned on or off, and what stays as it is."""
    seen = line.strategy
    lines = [_heading(words, seen), words("strategies.ask_on" if on else "strategies.ask_off")]
    if line.held:
        lines.append(words("strategies.held", count=line.held))
    lines.append(words("drafts.valid"))
    id_ = seen.id.hex
    yes = Button(
        words("strategies.on" if on else "strategies.off"),
        callbacks.pack("swgo", id_, int(on), seen.version, until),
        "danger",
    )
    leave = Button(words("button.cancel"), callbacks.pack("rule", id_))
    return Screen(text=Html("\n".join(lines)), buttons=((leave, yes),), edit=True)


def editing(words: Words, seen: Strategy) -> Screen:
    """How a strategy is edited: the file, or one line."""
    text = words("strategies.how", name=seen.name, version=str(seen.version))
    id_ = seen.id.hex
    buttons = (
        (Button(words("strategies.file"), callbacks.pack("file", id_, seen.version)),),
        (Button(words("button.cancel"), callbacks.pack("keep", id_)),),
    )
    return Screen(text=text, buttons=buttons, edit=True)


def confirm(
    words: Words,
    wanted: Changed,
    asked: Question,
    *,
    reason: str | None,
    off_market: Sequence[str],
    edit: bool = False,
) -> Screen:
    """What an edit changes, field by field, and the button that saves it."""
    seen = wanted.after
    lines = [
        words("strategies.diff", name=seen.name, version=str(seen.version)),
        *differences(words, wanted.changes),
    ]
    if off_market:
        lines.append(words("strategies.off_market", symbols=", ".join(off_market)))
    lines += reasons(words, reason)
    data = callbacks.pack("save", asked.draft, asked.version, asked.until)
    buttons = (
        Button(words("button.cancel"), callbacks.pack("keep", seen.id.hex)),
        Button(words("strategies.save"), data, "danger"),
    )
    return Screen(text=Html("\n".join(lines)), buttons=(buttons,), edit=edit)


def done(words: Words, made: Changed, why: str) -> Screen:
    """The version that is in force now, and what it changed."""
    seen = made.after
    lines = _done(words, seen.name, seen.version, made.changes, why)
    buttons: list[tuple[Button, ...]] = [(back(words, "rule", seen.id.hex),)]
    if seen.version > 1:
        data = callbacks.pack("rulev", seen.id.hex, seen.version - 1)
        buttons.insert(0, (Button(words("strategies.before"), data),))
    return Screen(text=Html("\n".join(lines)), buttons=tuple(buttons), edit=True)


def versions(words: Words, found: Sequence[StrategyVersion]) -> Screen:
    """A strategy's versions, newest first."""
    newest = found[0].strategy
    lines = [_heading(words, newest), Html("")]
    lines += [_version(words, version) for version in found[:_VERSIONS]]
    buttons = [_version_button(version.strategy, "rulev") for version in found[:_VERSIONS]]
    rows = [*rows_of(buttons, 4), (back(words, "rule", newest.id.hex),)]
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=True)


def version(
    words: Words,
    found: StrategyVersion,
    other: StrategyVersion | None,
    changes: Sequence[Change],
    every: Sequence[StrategyVersion],
    *,
    role: Role,
) -> Screen:
    """One version, what is different from another one, and the way back to it."""
    seen = found.strategy
    lines = [_heading(words, seen), _version(words, found), Html("")]
    if other is None:
        lines.append(words("versions.first"))
    else:
        pair = {"first": str(other.strategy.version), "second": str(seen.version)}
        lines += [words("strategies.between", **pair), *differences(words, changes)]
    id_ = seen.id.hex
    others = [
        Button(
            words("strategies.against", version=str(one.strategy.version)),
            callbacks.pack("rulediff", id_, one.strategy.version, seen.version),
        )
        for one in every[:_VERSIONS]
        if one.strategy.version != seen.version
    ]
    rows = rows_of(others, 3)
    rows.append((Button(words("strategies.file"), callbacks.pack("file", id_, seen.version)),))
    if role.rank >= Role.ADMIN.rank and seen.version != every[0].strategy.version:
        label = words("versions.restore", version=str(seen.version))
        rows.append((Button(label, callbacks.pack("rerule", id_, seen.version)),))
    rows.append((back(words, "rulevs", id_),))
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=True)


def file(words: Words, id_: UUID, found: StrategyVersion) -> Screen:
    """A version's document as a file."""
    seen = found.strategy
    return Screen(
        text=words("strategies.caption", name=seen.name, version=str(seen.version)),
        document={"kind": "strategy", "id": id_.hex, "version": seen.version},
    )


def told(
    words: Words, name: str, version: int, changes: Sequence[Change], why: str, who: str
) -> Html:
    """The same for everyone else, and who did it."""
    return Html("\n".join([*_done(words, name, version, changes, why), by(words, who)]))


def _done(words: Words, name: str, version: int, changes: Sequence[Change], why: str) -> list[Html]:
    return [
        words("strategies.done", name=name, version=str(version)),
        *differences(words, changes),
        words("settings.reason", reason=said(words, why)),
    ]


def differences(words: Words, changes: Sequence[Change]) -> list[Html]:
    """Each field that differs, by its path in the document."""
    if not changes:
        return [words("strategies.same")]
    lines = [
        words(
            "strategies.change",
            path=change.path,
            before=words("value.none") if change.before is None else change.before[:80],
            after=words("value.none") if change.after is None else change.after[:80],
        )
        for change in changes[:_CHANGES]
    ]
    if len(changes) > _CHANGES:
        lines.append(words("mistake.more", count=len(changes) - _CHANGES))
    return lines


def _heading(words: Words, seen: Strategy) -> Html:
    return words(
        "strategies.heading",
        sign="🟢" if seen.is_active else "⚪",
        name=seen.name,
        version=str(seen.version),
        timeframe=str(seen.timeframe),
        side=coded(words, "side", seen.direction),
        symbols=", ".join(seen.allowed_symbols[:8]),
        lots=words.number(seen.risk_caps.max_lot_size.normalize() + 0),
        most=words.number(seen.risk_caps.max_concurrent_positions),
    )


def _label(seen: Strategy) -> str:
    return f"{'🟢' if seen.is_active else '⚪'} {seen.name}"


def _version(words: Words, found: StrategyVersion) -> Html:
    return words(
        "versions.line",
        version=str(found.strategy.version),
        time=words.stamp(found.at),
        reason=said(words, found.reason),
        by=by(words, found.by),
    )


def _version_button(seen: Strategy, action: str) -> Button:
    return Button(f"v{seen.version}", callbacks.pack(action, seen.id.hex, seen.version))
