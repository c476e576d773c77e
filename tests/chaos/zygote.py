"""Lives of the driver by fork, because importing it takes a second; one JSON line each way.

{"plan": {...}, "kill_after": 0.2, "from_boot": false, "limit": 8}
{"ended": "killed" | "trapped" | "done" | "limit" | "error", "seconds": 0.31}
"""

import asyncio
import ctypes
import gc
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from bot.lexicon import lexicons
from broker.feeds.recorded import shipped_recording
from engine.domain.account import Position
from engine.domain.approval import Approval
from engine.domain.decision import Entry
from engine.domain.idea import Idea
from engine.domain.market import Candle
from engine.domain.notice import Notice
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.preferences import Preferences
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle, Indicators
from engine.domain.state import Control
from engine.domain.strategy import Strategy
from engine.flow.judgement import Answer, Outcome, Question
from engine.snapshot.canonical import _adapter
from tests.chaos.driver import Plan, live, prepare

_PDEATHSIG = 1
#: What a life reads and writes as JSON; pydantic takes as long to learn these as a trade takes.
_STORED = (
    Answer, Approval, Bundle, Candle, ClosedTrade, Control, Entry, Fill, Idea, Indicators, Notice,
    Order, Outcome, Position, Preferences, Question, RiskSettings, Strategy,
)  # fmt: skip

#: What a life does with its order; the second calls back when random deaths may begin.
Run = Callable[[dict[str, Any], Callable[[], None]], Awaitable[None]]


def main(run: Run | None = None) -> None:
    """Serve until standard input ends; ``run`` is what a life does instead of the driver's."""
    _read_once()
    gc.freeze()  # what was imported is shared with every life, and never looked through
    for text in sys.stdin:
        order = json.loads(text)
        print(json.dumps(_one(order, run or _driver)), flush=True)


def _read_once() -> None:
    """What every life would read again: six catalogues, the recording, how values are stored."""
    lexicons()
    shipped_recording()
    for kind in _STORED:
        _adapter(kind)


def _one(order: dict[str, Any], run: Run) -> dict[str, Any]:
    began = time.monotonic()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(order, writer, run)
    os.close(writer)
    kill_at = _kill_at(order, reader, began)
    limit = began + order.get("limit", 8)
    killed = None
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        now = time.monotonic()
        if killed is None and (now >= limit or (kill_at is not None and now >= kill_at)):
            killed = "killed" if kill_at is not None and now >= kill_at else "limit"
            os.kill(child, signal.SIGKILL)
        time.sleep(0.001)
    os.close(reader)
    return {"ended": killed or _ended(status), "seconds": round(time.monotonic() - began, 3)}


def _kill_at(order: dict[str, Any], reader: int, began: float) -> float | None:
    after = order.get("kill_after")
    if after is None:
        return None
    if order.get("from_boot"):
        return began + after
    select.select([reader], [], [], order.get("limit", 8))
    return time.monotonic() + after


def _ended(status: int) -> str:
    if os.WIFSIGNALED(status):
        return "trapped" if os.WTERMSIG(status) == signal.SIGKILL else "error"
    return "done" if os.WEXITSTATUS(status) == 0 else "error"


def _child(order: dict[str, Any], writer: int, run: Run) -> None:
    try:
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
        asyncio.run(run(order, lambda: _ready(writer)))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


async def _driver(order: dict[str, Any], ready: Callable[[], None]) -> None:
    if "prepare" in order:
        await prepare(order["prepare"], order.get("ways", ("buy", "sell")))
    else:
        await live(Plan(**order["plan"]), ready)


def _ready(writer: int) -> None:
    os.write(writer, b".")


if __name__ == "__main__":
    main()
