"""The process that plays a backtest: asked to end, it tells what it did until then."""

import asyncio
from pathlib import Path

from bot import backtest_child as child
from bot.backtest_jobs import _process
from bot.backtesting import calendar_of, shipped
from bot.i18n import words_for
from engine.domain.backtest import Wish
from engine.domain.settings import RiskSettings
from engine.research.plan import plan_of
from engine.strategies.documents import shipped as strategies


def _put(folder: Path) -> None:
    past = shipped()
    name, news = calendar_of(past.source, None, quiet=False)
    wish = Wish(symbol=past.columns.symbol, timeframe=past.columns.timeframe)
    plan = plan_of(wish, strategies(), RiskSettings(), 1, source=past.source, calendar=name)
    child.put(folder, plan, past.columns, news)
    assert child.taken(folder)[0] == plan


async def test_it_reports_what_was_done_when_it_is_asked_to_end(tmp_path: Path) -> None:
    _put(tmp_path)
    async with _process(tmp_path, words_for("de")) as process:
        assert process.stdout is not None
        done, of = map(int, (await process.stdout.readline()).split())
        assert 0 < done < of
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
    report = child.report(tmp_path)
    assert not report.is_whole
    assert done <= report.candles < of
    assert "Vorzeitig beendet" in (tmp_path / child.PAGE).read_text("utf-8")
    assert (tmp_path / child.PICTURE).read_bytes().startswith(b"\x89PNG")


async def test_it_ends_when_nobody_reads_what_it_tells(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    _put(folder)
    async with _process(folder, words_for("en")) as process:
        assert process.stdout is not None
        await process.stdout.readline()
        # As when the worker that started it was killed.
        process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        assert await asyncio.wait_for(process.wait(), 30) == 1
    assert not folder.exists()
