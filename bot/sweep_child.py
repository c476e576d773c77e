"""The process that :mod:`bot.sweeping` starts: plays one plan and says what came of it."""

import json
import os
import sys
from typing import Any

from bot.backtesting import calendar_of, play
from bot.sweeping import unpacked
from engine.errors import TraderError
from engine.research.report import report_of
from engine.research.sweeping import figures_of
from engine.scoring.metrics import Trade
from engine.snapshot.canonical import plain
from engine.strategies.registry import load

#: Trading on the same machine goes first.
_NICE = 10


def main() -> None:
    """Play what standard input holds; one line of JSON."""
    os.nice(_NICE)
    load()
    plan, columns = unpacked(sys.stdin.buffer.read())
    try:
        _, news = calendar_of(plan.source, None, quiet=plan.calendar is None)
        report = report_of(play(plan, columns, news, lambda done, of: None))
        trades = [
            Trade(closed_at=each.trade.closed_at, profit=each.trade.profit, r=each.r)
            for each in report.trades
        ]
        told: dict[str, Any] = {
            "figures": plain(figures_of(report)), "trades": [plain(trade) for trade in trades],
        }  # fmt: skip
    except TraderError as error:
        told = {"problem": str(error)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
