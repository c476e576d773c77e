"""The form of a backtest and of a sweep: what would be played, at what costs, what is varied."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.sweep import axis_name
from engine.domain.backtest import BALANCE, Costs
from engine.domain.market import Timeframe
from engine.research.space import Axis

#: Days of a period; 0 for all there are.
PERIODS = (0, 365, 90, 30)
#: Runs of a sweep that is started from the chat.
RUNS = (16, 32, 64)
MOST_AXES = 2
#: What can be typed of costs, and the words for it.
COSTS = {
    "spread_pips": "spread", "slippage_pips": "slippage", "commission_per_lot": "commission",
    "latency_ms": "latency", "balance": "balance",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was chosen. ``number`` tells one state of the form from another. ``strategy`` is an id,
    empty for all that are on; ``days`` the last so many, unless ``since`` and ``until`` name the
    first and the last day; ``values`` are costs that were typed; ``axes`` what a sweep varies.
    """

    kind: str
    number: int
    strategy: str = ""
    days: int = 0
    since: str | None = None
    until: str | None = None
    values: tuple[tuple[str, str], ...] = ()
    axes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    most: int = RUNS[1]

    def cost(self, name: str) -> Decimal:
        """One of :data:`COSTS`, typed or usual."""
        typed = dict(self.values).get(name)
        if typed is not None:
            return Decimal(typed)
        usual: Decimal = BALANCE if name == "balance" else getattr(Costs(), name)
        return usual


def form(
    words: Words,
    trial: Trial,
    stream: tuple[str, Timeframe],
    strategy: str | None,
    place: int,
    *,
    edit: bool = False,
) -> Screen:
    """What would be played; ``place`` is the next strategy of the choice."""
    symbol, timeframe = stream
    lines = [
        words(f"trial.head_{trial.kind}"),
        words(
            "trial.form",
            symbol=symbol,
            timeframe=str(timeframe),
            strategy=words("backtest.all_on") if strategy is None else strategy,
            period=_period(words, trial),
        ),
        words("trial.costs", **{name: words.number(trial.cost(name)) for name in COSTS}),
    ]
    if trial.kind == "sweep":
        lines += [*_axes(words, trial), words("trial.most", count=trial.most)]
    lines += [Html(""), words("trial.paper")]
    return Screen(text=Html("\n".join(lines)), buttons=_buttons(words, trial, place), edit=edit)


def _period(words: Words, trial: Trial) -> Html | str:
    if trial.since is not None and trial.until is not None:
        return f"{trial.since} – {trial.until}"
    return words(f"backtest.period_{trial.days or 'all'}")


def _axes(words: Words, trial: Trial) -> list[Html]:
    if not trial.axes:
        return [words("trial.no_axes")]
    return [
        words("trial.axis", path=axis_name(words, path), values=", ".join(values))
        for path, values in trial.axes
    ]


def _buttons(words: Words, trial: Trial, place: int) -> tuple[tuple[Button, ...], ...]:
    later = PERIODS[(PERIODS.index(trial.days) + 1) % len(PERIODS)]
    rows = [
        (
            _to(words("backtest.button_strategy"), trial, "strategy", place),
            _to(words("backtest.button_period"), trial, "days", later),
        ),
        (
            _typed(words("trial.button_dates"), trial, "period"),
            _to(words("trial.button_costs"), trial, "costs", ""),
        ),
    ]
    if trial.kind == "sweep":
        more = RUNS[(RUNS.index(trial.most) + 1) % len(RUNS)]
        axes = _to(words("trial.button_axes"), trial, "axes", "")
        rows.append((axes, _to(words("trial.button_most"), trial, "most", more)))
    start = callbacks.pack("btgo" if trial.kind == "backtest" else "sweepgo", trial.number)
    return (*rows, (Button(words("backtest.button_start"), start),))


def _to(label: str, trial: Trial, what: str, value: int | str) -> Button:
    return Button(label, callbacks.pack("trial", trial.number, what, value))


def _typed(label: str, trial: Trial, what: str) -> Button:
    return Button(label, callbacks.pack("trialtype", trial.number, what))


def costs(words: Words, trial: Trial) -> Screen:
    """Each of the costs with a button that asks for another value."""
    lines = [words("trial.costs_title")]
    rows = []
    for name, key in COSTS.items():
        label = words(f"backtest.{key}")
        lines.append(Html(f"{label}: <b>{words.number(trial.cost(name))}</b>"))
        rows.append((_typed(f"✏️ {label}", trial, name),))
    return Screen(text=Html("\n".join(lines)), buttons=(*rows, (_back(words, trial),)), edit=True)


def axes(words: Words, trial: Trial, known: Sequence[Axis]) -> Screen:
    """Which numbers are varied: a tap takes one in or out, a chosen one's values can be typed."""
    chosen = dict(trial.axes)
    lines = [words("trial.axes_title"), *_axes(words, trial)]
    rows = [
        (
            _to(
                f"{'✅' if axis.path in chosen else '⬜'} {axis_name(words, axis.path)}",
                trial,
                "axes",
                place,
            ),
        )
        for place, axis in enumerate(known)
    ]
    rows += [
        (_typed(f"✏️ {axis_name(words, path)}", trial, str(place)),)
        for place, (path, _) in enumerate(trial.axes)
    ]
    return Screen(text=Html("\n".join(lines)), buttons=(*rows, (_back(words, trial),)), edit=True)


def _back(words: Words, trial: Trial) -> Button:
    return _to(words("trial.button_form"), trial, "form", "")


def ask(words: Words, trial: Trial, what: str) -> Screen:
    """Ask for a value: the period's, one of :data:`COSTS`, or an axis by its place."""
    if what == "period":
        return Screen(text=words("trial.type_period"))
    if what in COSTS:
        name, value = words(f"backtest.{COSTS[what]}"), words.number(trial.cost(what))
        return Screen(text=words("trial.type", name=name, value=value))
    path, values = trial.axes[int(what)]
    return Screen(
        text=words("trial.type_axis", path=axis_name(words, path), values=", ".join(values))
    )
