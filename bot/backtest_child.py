"""A process that plays one backtest: a plan in a folder goes in, a report in it comes out.

``python -m bot.backtest_child FOLDER LANGUAGE ZONE``. It prints how many candles of how many are
done. When asked to end (SIGTERM) it reports what was done until then; when nobody reads what it
prints any more, whoever started it is gone, and so is what it did.
"""

import json
import os
import shutil
import sys
from io import BytesIO
from pathlib import Path
from signal import SIGTERM, signal
from time import monotonic

import numpy as np

from bot.backtesting import play
from bot.i18n import words_for
from bot.report_page import curve, page, prices
from engine.domain.market import Timeframe
from engine.domain.snapshot import CalendarView
from engine.errors import TraderError
from engine.research.backtest import Cancelled
from engine.research.columns import Columns
from engine.research.plan import Plan
from engine.research.report import Report, report_of
from engine.snapshot.canonical import plain, restore
from engine.strategies.registry import load as load_setups

PLAN, CANDLES, CALENDAR, MODEL = "plan.json", "candles.npz", "calendar.json", "model"
REPORT, PAGE, PICTURE = "report.json", "report.html", "curve.png"
PROBLEM = "problem.txt"
_ARRAYS = ("opened", "open", "high", "low", "close", "volume")
#: Seconds between two lines at least.
_PAUSE = 0.5


def put(
    folder: Path,
    plan: Plan,
    columns: Columns,
    calendar: CalendarView | None,
    body: bytes | None = None,
) -> None:
    """Write down what is to be played, with the trees of the plan's model."""
    if body is not None:
        (folder / MODEL).write_bytes(body)
    (folder / PLAN).write_text(json.dumps({"plan": plain(plan), "places": columns.places}))
    (folder / CALENDAR).write_text("null" if calendar is None else json.dumps(plain(calendar)))
    file = BytesIO()
    np.savez(file, **{name: getattr(columns, name) for name in _ARRAYS})
    (folder / CANDLES).write_bytes(file.getvalue())


def taken(folder: Path) -> tuple[Plan, Columns, CalendarView | None]:
    """Read it."""
    document = json.loads((folder / PLAN).read_text())
    plan = restore(Plan, document["plan"])
    news = json.loads((folder / CALENDAR).read_text())
    with np.load(folder / CANDLES, allow_pickle=False) as arrays:
        columns = Columns(
            symbol=plan.symbol, timeframe=Timeframe(plan.timeframe), places=document["places"],
            **{name: arrays[name] for name in _ARRAYS},
        )  # fmt: skip
    return plan, columns, None if news is None else restore(CalendarView, news)


def report(folder: Path) -> Report:
    """Read what came of it."""
    return restore(Report, json.loads((folder / REPORT).read_text()))


def run(folder: Path, language: str, zone: str) -> None:
    """Play the folder's plan and write its report beside it."""
    asked: list[bool] = []
    signal(SIGTERM, lambda *_: asked.append(True))
    load_setups()
    plan, columns, calendar = taken(folder)
    told = [0.0]

    def tell(done: int, of: int) -> None:
        if monotonic() - told[0] >= _PAUSE or done == of:
            told[0] = monotonic()
            print(done, of, flush=True)  # noqa: T201 -- whoever started this reads it
        if asked:
            raise Cancelled

    body = (folder / MODEL).read_bytes() if plan.model is not None else None
    found = play(plan, columns, calendar, tell, body)
    seen, words = report_of(found), words_for(language, zone)
    picture = curve(seen, words)
    (folder / PICTURE).write_bytes(picture)
    (folder / PAGE).write_bytes(page(seen, (picture, prices(seen, columns, words)), words))
    (folder / REPORT).write_text(json.dumps(plain(seen)))


def main(arguments: list[str]) -> int:
    """0 when there is a report, 1 when there is a problem that a person can read."""
    folder, language, zone = arguments
    try:
        run(Path(folder), language, zone)
    except TraderError as problem:
        (Path(folder) / PROBLEM).write_text(str(problem))
        return 1
    except BrokenPipeError:
        shutil.rmtree(folder, ignore_errors=True)
        # What is left to be written has no reader either.
        os._exit(1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
