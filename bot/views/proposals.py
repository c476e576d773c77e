"""Proposals to change the configuration: what would change, why, on which figures, the answer."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from bot.views.columns import table
from bot.views.facts import in_r, signed
from bot.views.risk import rows_of
from bot.views.settings import change_line, shown
from engine.domain.change_proposal import (
    ChangeProposal,
    FieldChange,
    FoldFigures,
    Ground,
    ProposalState,
    Source,
    Target,
)
from engine.domain.person import Role
from engine.domain.settings import RiskSettings, with_changes
from engine.errors import InvalidInput

#: Changes that are shown, proposals in a list, and their buttons in a row.
_CHANGES, PAGE, _ROW = 20, 8, 4
#: Widths of the table of a search: step, inside, outside, the present document.
_WIDTHS = (3, 11, 11, 9)


def listing(
    words: Words, found: Sequence[ChangeProposal], role: Role, *, past: bool, edit: bool = False
) -> Screen:
    """Proposals that wait, or those that have ended, each with a button."""
    lines = [words("proposals.past" if past else "proposals.title")]
    for one in found[:PAGE]:
        lines += [Html(""), _heading(words, one), *_changes(words, one)[:3]]
        lines.append(stamp(words, one) if past else _until(words, one))
    if not found:
        lines.append(words("proposals.none"))
    buttons = [Button(f"#{one.id}", callbacks.pack("prop", one.id)) for one in found[:PAGE]]
    rows = rows_of(buttons, _ROW)
    other = Button(
        words("proposals.button_open" if past else "proposals.button_past"),
        callbacks.pack("props", "now" if past else "past"),
    )
    ask = Button(words("proposals.button_ask"), callbacks.pack("prop-new"))
    search = Button(words("search.button"), callbacks.pack("searches"))
    rows += [(other, ask), (search,)] if role.rank >= Role.TRADER.rank else [(other,)]
    return Screen(text=cut(lines), buttons=tuple(rows), edit=edit)


def card(words: Words, seen: ChangeProposal, *, role: Role, edit: bool = False) -> Screen:
    """One proposal in full; with its buttons while it waits."""
    draft = seen.draft
    lines = [_heading(words, seen), _by(words, seen), Html(""), *_changes(words, seen)]
    lines += grounds(words, seen)
    if draft.said:
        lines.append(words("proposals.said", text=draft.said))
    if draft.folds:
        lines += [words("proposals.folds"), _table(words, draft.folds)]
    lines.append(Html(""))
    if not seen.is_pending:
        lines.append(stamp(words, seen))
        back = Button(words("proposals.button_list"), callbacks.pack("props", "now"))
        return Screen(text=cut(lines), buttons=((back,),), edit=edit)
    lines.append(_until(words, seen))
    if seen.stops:
        lines.append(words("proposals.stops"))
    return Screen(text=cut(lines), buttons=_answers(words, seen, role), edit=edit)


def _answers(words: Words, seen: ChangeProposal, role: Role) -> tuple[tuple[Button, ...], ...]:
    """Approve is an admin's, Reject a trader's too."""
    row = []
    if role.rank >= Role.ADMIN.rank:
        data = callbacks.pack("prop-ok", seen.id)
        row.append(Button(words("button.approve"), data, "success"))
    if role.rank >= Role.TRADER.rank:
        row.append(Button(words("button.reject"), callbacks.pack("prop-no", seen.id), "danger"))
    return (tuple(row),) if row else ()


def answered(words: Words, seen: ChangeProposal, *, mine: bool, role: Role) -> Screen:
    """The proposal after a tap; a toast for whoever came too late."""
    screen = card(words, seen, role=role, edit=True)
    toast = None if mine else words("proposals.over")
    return Screen(text=screen.text, buttons=screen.buttons, edit=True, toast=toast)


def due(words: Words, seen: ChangeProposal) -> Screen:
    """It still waits, and for how long."""
    lines = [words("proposals.due", id=str(seen.id)), _until(words, seen)]
    if seen.stops:
        lines.append(words("proposals.stops"))
    button = Button(f"#{seen.id}", callbacks.pack("prop", seen.id))
    return Screen(text=Html("\n".join(lines)), buttons=((button,),))


def advised(words: Words, found: Sequence[ChangeProposal], role: Role) -> Screen:
    """What the advisor proposes anew; each of them comes as a message of its own, too."""
    if not found:
        return Screen(toast=words("proposals.nothing_new"), alert=True)
    return listing(words, found, role, past=False, edit=True)


def stamp(words: Words, seen: ChangeProposal) -> Html:
    """How it ended, by whom and when."""
    assert seen.decided_at is not None
    facts = {"id": str(seen.id), "time": words.moment(seen.decided_at)}
    facts["name"] = seen.decided_name or ""
    text = words(f"proposals.ended_{seen.state}", **facts)
    if seen.state is ProposalState.EXPIRED and seen.stops:
        text = Html(f"{text}\n{words('proposals.stopped')}")
    if seen.applied is not None:
        text = Html(f"{text}\n{words('proposals.version', version=str(seen.applied))}")
    return text


def _heading(words: Words, seen: ChangeProposal) -> Html:
    subject = seen.draft.subject
    name = words("proposals.settings") if subject.target is Target.SETTINGS else subject.name
    return words("proposals.heading", id=str(seen.id), subject=name)


def _by(words: Words, seen: ChangeProposal) -> Html:
    by = seen.draft.by if seen.draft.source in (Source.PERSON, Source.MODEL) else ""
    return words(f"proposals.by_{seen.draft.source}", name=by)


def _until(words: Words, seen: ChangeProposal) -> Html:
    return words("proposals.until", time=words.moment(seen.expires_at))


def _changes(words: Words, seen: ChangeProposal) -> list[Html]:
    target = seen.draft.subject.target
    if target is Target.SYMBOL:
        return [words("proposals.pause", symbol=seen.draft.subject.key)]
    of = _setting if target is Target.SETTINGS else _field
    lines = [of(words, change) for change in seen.draft.changes[:_CHANGES]]
    more = len(seen.draft.changes) - _CHANGES
    if more > 0:
        lines.append(words("mistake.more", count=more))
    return lines


def _setting(words: Words, change: FieldChange) -> Html:
    before, after = (_value(words, change.field, text) for text in (change.before, change.after))
    return change_line(words, change.field, before, after)


def _value(words: Words, name: str, text: str | None) -> Html | str:
    """A setting's text as people read it; as it is written where its rules have changed since."""
    try:
        return shown(words, getattr(with_changes(RiskSettings(), {name: text or ""}), name))
    except InvalidInput:
        return text or ""


def _field(words: Words, change: FieldChange) -> Html:
    none = words("value.none")
    return words(
        "strategies.change",
        path=change.field,
        before=none if change.before is None else change.before[:80],
        after=none if change.after is None else change.after[:80],
    )


def grounds(words: Words, seen: ChangeProposal) -> list[Html]:
    """Why, of rules that have words of their own."""
    return [_ground(words, ground) for ground in seen.draft.grounds]


def _ground(words: Words, ground: Ground) -> Html:
    figures = {one.name: _figure(words, one.name, one.value) for one in ground.figures}
    return words(f"proposals.why_{ground.code}", **figures)


def _figure(words: Words, name: str, text: str) -> str:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    if name == "slippage_r":
        return in_r(words, value, 2, sign=False)
    if name.endswith("_r"):
        return in_r(words, value, 2)
    return signed(words, value, 2) if name == "profit" else words.number(value.normalize() + 0)


def _table(words: Words, folds: Sequence[FoldFigures]) -> Html:
    """Each step: what the choice made where it was chosen, then where it was tried, and what the
    present document made there.
    """
    head = ["", *(str(words(f"proposals.fold_{name}")) for name in ("inside", "outside", "now"))]
    rows = [head]
    for number, fold in enumerate(folds, start=1):
        rows.append(
            [
                str(number),
                _result(words, fold.inside, fold.trades_inside),
                _result(words, fold.outside, fold.trades_outside),
                _result(words, fold.baseline, None),
            ]
        )
    return table(words, rows, _WIDTHS)


def _result(words: Words, mean: Decimal | None, trades: int | None) -> str:
    text = "–" if mean is None else in_r(words, mean, 2)
    return text if trades is None else f"{text} ({trades})"
