"""A sweep in the chat: how far it is, and its best runs as a table."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from bot import callbacks, sentences
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from engine.domain.sweep import Shard, ShardState, Sweep
from engine.domain.values import quantize

_BAR = 10
#: Runs in the table.
_SHOWN = 8
#: Widths: rank, trades, profit, factor, drawdown.
_WIDTHS = (3, 7, 11, 7, 8)


def progress(
    words: Words, sweep: Sweep, shards: Sequence[Shard], *, edit: bool, toast: str | None = None
) -> Screen:
    """How far a sweep is with the best runs so far, and Cancel while it goes on."""
    lines = [words("sweep.head", title=sweep.title), words("sweep.source", source=sweep.source)]
    lines.append(_standing(words, sweep))
    if sweep.failed:
        lines.append(words("sweep.failed", count=sweep.failed))
        lines += [
            words("sweep.why", problem=sentences.told(words, problem))
            for problem in _problems(shards)
        ]
    best = best_of(shards)
    if best:
        lines += [Html(""), _table(words, best), *_values(words, best)]
    return Screen(text=cut(lines), buttons=_buttons(words, sweep), edit=edit, toast=toast)


def bar(percent: int) -> str:
    """Ten signs that show how much of a hundred is done."""
    full = percent * _BAR // 100
    return "▓" * full + "░" * (_BAR - full)


def _standing(words: Words, sweep: Sweep) -> Html:
    played = sweep.done + sweep.failed
    if sweep.cancelled:
        key = "sweep.cancelled"
    elif sweep.is_over:
        key = "sweep.done"
    else:
        key = "sweep.running" if played else "sweep.waiting"
    return words(
        key,
        bar=bar(sweep.percent),
        percent=sweep.percent,
        done=words.number(played),
        total=words.number(sweep.total),
    )


def _problems(shards: Sequence[Shard]) -> list[str]:
    found = (shard.problem or "" for shard in shards if shard.state is ShardState.FAILED)
    return list(dict.fromkeys(found))[:2]


def best_of(shards: Sequence[Shard]) -> list[Shard]:
    """The runs that made most, the best first."""
    done = [shard for shard in shards if shard.figures is not None]
    return sorted(done, key=lambda shard: (-_profit(shard), shard.number))[:_SHOWN]


def _profit(shard: Shard) -> Decimal:
    return Decimal(0) if shard.figures is None else shard.figures.profit


def _table(words: Words, best: Sequence[Shard]) -> Html:
    head = [
        "",
        *(str(words(f"sweep.col_{name}")) for name in ("trades", "profit", "factor", "fall")),
    ]
    rows = [head]
    for rank, shard in enumerate(best, start=1):
        seen = shard.figures
        assert seen is not None
        factor = "–" if seen.profit_factor is None else _number(words, seen.profit_factor, 2)
        fall = f"{_number(words, seen.drawdown_percent, 1)}%"
        rows.append([str(rank), str(seen.trades), _number(words, seen.profit, 2), factor, fall])
    lines = [
        "".join(cell.rjust(width) for cell, width in zip(row, _WIDTHS, strict=True)) for row in rows
    ]
    return Html("<pre>" + escape("\n".join(lines), quote=False) + "</pre>")


def _number(words: Words, value: Decimal, places: int) -> str:
    return words.number(quantize(value, places), places)


def _values(words: Words, best: Sequence[Shard]) -> list[Html]:
    """What was varied, as it would be written in the document."""
    lines = []
    for rank, shard in enumerate(best, start=1):
        values = ", ".join(f"{axis_name(words, path)} = {value}" for path, value in shard.point)
        lines.append(
            words("sweep.values", rank=rank, values=values)
            if values
            else words("sweep.as_it_is", rank=rank)
        )
    return lines


def axis_name(words: Words, path: str) -> Html | str:
    """A field that is varied, in words: a condition without its figure, the stop or the target; the
    last part of its path where there are no words for it.
    """
    name = path.rpartition(".")[2]
    if words.has(f"condition.{name}"):
        return words(f"condition.{name}", argument="…")
    return words(f"axis.{name}") if words.has(f"axis.{name}") else name


def _buttons(words: Words, sweep: Sweep) -> tuple[tuple[Button, ...], ...]:
    if sweep.is_over:
        again = Button(words("sweep.button_new"), callbacks.pack("swnew"))
        return ((again,),)
    refresh = Button(words("button.refresh"), callbacks.pack("swshow", sweep.id.hex))
    cancel = Button(words("backtest.button_cancel"), callbacks.pack("swcancel", sweep.id.hex))
    return ((refresh, cancel),)
