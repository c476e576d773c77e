"""A backtest in the chat: the form, how far it is, and what came of it."""

from collections.abc import Sequence

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import CAPTION_LIMIT, Button, Screen, cut
from bot.views.backtest import summary
from engine.domain.backtest import BacktestRun, Costs, RunState
from engine.domain.market import Timeframe
from engine.domain.strategy import Strategy
from engine.research.report import Report
from engine.snapshot.canonical import restore

#: Days of a period; 0 for all there are.
PERIODS = (0, 365, 90, 30)
_BAR = 10


def form(
    words: Words,
    strategies: Sequence[Strategy],
    streams: Sequence[tuple[str, Timeframe]],
    *,
    place: int,
    days: int,
    edit: bool = False,
) -> Screen:
    """What would be played; ``place`` is 0 for all strategies that are on, else counts them."""
    strategy = strategies[place - 1] if 0 < place <= len(strategies) else None
    symbol, timeframe = streams[place]
    costs = Costs()
    text = words(
        "backtest.form",
        symbol=symbol,
        timeframe=str(timeframe),
        strategy=words("backtest.all_on") if strategy is None else strategy.name,
        period=words(_period(days)),
        spread=words.number(costs.spread_pips),
        slippage=words.number(costs.slippage_pips),
    )
    other = (place + 1) % (len(strategies) + 1)
    later = PERIODS[(PERIODS.index(days) + 1) % len(PERIODS)]
    name = "" if strategy is None else strategy.id.hex
    buttons = (
        (
            Button(words("backtest.button_strategy"), callbacks.pack("btform", other, days)),
            Button(words("backtest.button_period"), callbacks.pack("btform", place, later)),
        ),
        (Button(words("backtest.button_start"), callbacks.pack("btgo", days, name)),),
    )
    return Screen(text=text, buttons=buttons, edit=edit)


def _period(days: int) -> str:
    return f"backtest.period_{days or 'all'}"


def progress(words: Words, run: BacktestRun, *, edit: bool, toast: str | None = None) -> Screen:
    """How far a run is, or how it ended; with the button that fits."""
    lines = [words("backtest.head", symbol=run.wish.symbol, timeframe=str(run.wish.timeframe))]
    buttons: tuple[tuple[Button, ...], ...] = ()
    if run.is_under_way:
        cancel = Button(words("backtest.button_cancel"), callbacks.pack("btcancel", run.id.hex))
        lines.append(_standing(words, run))
        buttons = () if run.cancelled else ((cancel,),)
    else:
        lines.append(words(f"backtest.{run.state}", problem=run.problem or ""))
        again = Button(words("backtest.button_again"), callbacks.pack("btagain", run.id.hex))
        buttons = ((again,),)
    return Screen(text=Html("\n".join(lines)), buttons=buttons, edit=edit, toast=toast)


def _standing(words: Words, run: BacktestRun) -> Html:
    if run.cancelled:
        return words("backtest.cancelling")
    if run.state is RunState.WAITING:
        return words("backtest.waiting")
    full = run.percent * _BAR // 100
    return words(
        "backtest.running",
        bar="▓" * full + "░" * (_BAR - full),
        percent=run.percent,
        done=words.number(run.done),
        total=words.number(run.total),
    )


def finished(words: Words, run: BacktestRun) -> tuple[Screen, ...]:
    """The report: the curve with the figures under it, and the page as a file."""
    assert run.report is not None
    text = cut(summary(words, restore(Report, run.report)).split("\n"))
    chart = {"backtest": str(run.id)}
    file = Screen(
        text=words("backtest.button_file"), document={"kind": "backtest", "id": str(run.id)}
    )
    if len(text) > CAPTION_LIMIT:
        return Screen(chart=chart), Screen(text=text), file
    return Screen(text=text, chart=chart), file
