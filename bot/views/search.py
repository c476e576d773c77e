"""A search of the optimizer in the chat: what can be searched, how far it is, what came of it."""

from collections.abc import Sequence

from bot import callbacks, sentences
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.sweep import bar
from engine.domain.optimizer_run import OptimizerRun, RunState
from engine.domain.strategy import Strategy

_PAGE = 8


def menu(words: Words, strategies: Sequence[Strategy], last: OptimizerRun | None) -> Screen:
    """The strategies, each with a button. It knows the last search there was, so that a tap which
    comes twice begins one.
    """
    mark = 0 if last is None else last.id
    rows = [
        (Button(f"🧬 {each.name}", callbacks.pack("search", each.id.hex, mark)),)
        for each in strategies[:_PAGE]
    ]
    back = Button(words("proposals.button_list"), callbacks.pack("props", "now"))
    return Screen(text=words("search.how"), buttons=(*rows, (back,)), edit=True)


def progress(
    words: Words, run: OptimizerRun, name: str, *, edit: bool, toast: str | None = None
) -> Screen:
    """How far a search is, or what it came to."""
    lines = [
        words("search.head", id=str(run.id), name=name),
        words(
            "search.span",
            days=words.number(run.wish.days),
            folds=str(run.wish.folds),
            candidates=words.number(run.wish.candidates),
        ),
        _standing(words, run),
    ]
    return Screen(text=Html("\n".join(lines)), buttons=_buttons(words, run), edit=edit, toast=toast)


def _standing(words: Words, run: OptimizerRun) -> Html:
    if run.is_under_way:
        key = "search.running" if run.state is RunState.RUNNING else "search.queued"
        key = "backtest.cancelling" if run.cancelled else key
        return words(
            key,
            bar=bar(run.percent),
            percent=run.percent,
            done=words.number(run.done),
            total=words.number(run.total),
        )
    result = run.result
    if result is not None and result.proposal_id is not None:
        return words("search.proposes", id=str(result.proposal_id))
    why = "" if result is None else result.reason or ""
    if words.has(f"search.why_{why}"):
        return words(f"search.why_{why}")
    return words("search.failed", problem=sentences.told(words, why))


def _buttons(words: Words, run: OptimizerRun) -> tuple[tuple[Button, ...], ...]:
    if run.is_under_way:
        if run.cancelled:
            return ()
        cancel = Button(words("backtest.button_cancel"), callbacks.pack("search-no", run.id))
        return ((cancel,),)
    row = [Button(words("proposals.button_list"), callbacks.pack("props", "now"))]
    if run.result is not None and run.result.proposal_id is not None:
        id_ = run.result.proposal_id
        row.insert(0, Button(f"#{id_}", callbacks.pack("prop", id_)))
    return (tuple(row),)
