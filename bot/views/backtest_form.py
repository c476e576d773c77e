"""A backtest in the chat: how far it is, and what came of it."""

from bot import callbacks, sentences
from bot.i18n import Html, Words
from bot.screen import CAPTION_LIMIT, Button, Screen, cut
from bot.views.backtest import summary
from bot.views.sweep import bar
from engine.domain.backtest import BacktestRun, RunState
from engine.research.report import Report
from engine.snapshot.canonical import restore


def progress(words: Words, run: BacktestRun, *, edit: bool, toast: str | None = None) -> Screen:
    """How far a run is, or how it ended; with the button that fits."""
    lines = [words("backtest.head", symbol=run.wish.symbol, timeframe=str(run.wish.timeframe))]
    buttons: tuple[tuple[Button, ...], ...] = ()
    if run.is_under_way:
        cancel = Button(words("backtest.button_cancel"), callbacks.pack("btcancel", run.id.hex))
        lines.append(_standing(words, run))
        buttons = () if run.cancelled else ((cancel,),)
    else:
        lines.append(
            words(f"backtest.{run.state}", problem=sentences.told(words, run.problem or ""))
        )
        again = Button(words("backtest.button_again"), callbacks.pack("btagain", run.id.hex))
        buttons = ((again,),)
    return Screen(text=Html("\n".join(lines)), buttons=buttons, edit=edit, toast=toast)


def _standing(words: Words, run: BacktestRun) -> Html:
    if run.cancelled:
        return words("backtest.cancelling")
    if run.state is RunState.WAITING:
        return words("backtest.waiting")
    return words(
        "backtest.running",
        bar=bar(run.percent),
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
