"""The process that :mod:`bot.playing` describes: plays one plan and says what came of it.

It says how many candles of how many are done. When asked to end (SIGTERM) it reports what was done
until then; when nobody reads what it says any more, whoever started it is gone.
"""

import os
import sys
from signal import SIGTERM, signal
from time import monotonic

from bot.backtesting import play
from bot.children import given, tell
from bot.i18n import words_for
from bot.playing import Given, given_of
from engine.errors import TraderError
from engine.research.backtest import Cancelled
from engine.research.report import Played, Report, report_of
from engine.research.sweeping import figures_of
from engine.scoring.metrics import Trade
from engine.snapshot.canonical import plain
from engine.strategies.registry import load as load_setups

#: Seconds between two words of progress at least.
_PAUSE = 0.5


def run(wanted: Given) -> None:
    """Play it and tell the result."""
    asked: list[bool] = []
    signal(SIGTERM, lambda *_: asked.append(True))
    load_setups()
    said = [0.0]

    def progress(done: int, of: int) -> None:
        if monotonic() - said[0] >= _PAUSE or done == of:
            said[0] = monotonic()
            tell({"done": done, "of": of})
        if asked:
            raise Cancelled

    played = play(wanted.plan, wanted.columns, wanted.calendar, progress, wanted.model)
    report = report_of(played)
    if wanted.reader is None:
        _tell_figures(report)
    else:
        _tell_report(played, report, *wanted.reader)


def _tell_figures(report: Report) -> None:
    trades = [
        Trade(closed_at=each.trade.closed_at, profit=each.trade.profit, r=each.r)
        for each in report.trades
    ]
    tell({"figures": plain(figures_of(report)), "trades": [plain(trade) for trade in trades]})


def _tell_report(played: Played, report: Report, language: str, zone: str) -> None:
    # Here, not above: drawing takes longer to load than a run of a sweep to play.
    from json import dumps

    from bot.report_page import curve, page, prices

    words = words_for(language, zone)
    picture = curve(report, words)
    pictures = (picture, prices(report, played.columns, words))
    whole = dumps(plain(report)).encode()
    tell({"is_whole": report.is_whole}, report=whole, page=page(report, pictures, words),
         picture=picture)  # fmt: skip


def main() -> None:
    """Play what standard input holds."""
    try:
        run(given_of(*given()))
    except TraderError as problem:
        tell({"problem": str(problem)})
    except BrokenPipeError:
        # What is left to be written has no reader either.
        os._exit(1)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
