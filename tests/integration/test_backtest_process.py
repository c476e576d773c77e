"""The process that plays a backtest: asked to end, it tells what it did until then."""

import asyncio
import json
from typing import Any

from bot.backtesting import calendar_of, shipped
from bot.children import Child, child, unpacked
from bot.playing import MODULE, Given, given_of, input_of
from engine.domain.backtest import Wish
from engine.domain.settings import RiskSettings
from engine.research.plan import plan_of
from engine.research.report import Report
from engine.snapshot.canonical import restore
from engine.strategies.documents import shipped as strategies


def _input() -> bytes:
    past = shipped()
    name, news = calendar_of(past.source, None, quiet=False)
    wish = Wish(symbol=past.columns.symbol, timeframe=past.columns.timeframe)
    plan = plan_of(wish, strategies(), RiskSettings(), 1, source=past.source, calendar=name)
    data = input_of(Given(plan, past.columns, news, ("de", "UTC")))
    assert given_of(*unpacked(data)).plan == plan
    return data


async def _told(playing: Child) -> dict[str, Any]:
    told = await playing.told()
    assert told is not None
    return told


async def test_it_reports_what_was_done_when_it_is_asked_to_end() -> None:
    async with child(MODULE, _input()) as playing:
        first = await _told(playing)
        assert 0 < first["done"] < first["of"]
        playing.ask_to_end()
        while "bytes" not in (last := await _told(playing)):
            pass
        made = await playing.bodies(last)
        assert await playing.told() is None
        assert await asyncio.wait_for(playing.process.wait(), 30) == 0
    report = restore(Report, json.loads(made["report"]))
    assert not report.is_whole
    assert last["is_whole"] is False
    assert first["done"] <= report.candles < first["of"]
    assert "Vorzeitig beendet" in made["page"].decode()
    assert made["picture"].startswith(b"\x89PNG")


async def test_it_ends_when_nobody_reads_what_it_tells() -> None:
    async with child(MODULE, _input()) as playing:
        await _told(playing)
        # As when the worker that started it was killed.
        playing.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        assert await asyncio.wait_for(playing.process.wait(), 30) == 1
