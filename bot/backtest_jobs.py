"""The worker's part of a backtest: a process of its own plays it, its person sees how far it is."""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from bot import backtest_child as child
from bot.courier import payload
from bot.i18n import Words, words_for
from bot.past_models import model_for
from bot.screen import Screen, parcel_of
from bot.views import backtest_form as views
from bot.world import World
from broker.feeds.calendar_csv import CsvCalendar
from broker.feeds.stored import StoredMarket
from engine.domain.backtest import BacktestRun, RunState, Wish
from engine.domain.snapshot import CalendarView
from engine.errors import BrokerSilent, InvalidInput, TraderError
from engine.ports.backtests import RunFiles
from engine.research.columns import Columns, columns_of
from engine.research.plan import Plan, plan_of
from storage.outbox import PostgresDeliveries

#: A worker that says nothing for so long is taken for dead.
LEASE = 30.0
#: Seconds between two looks at whether somebody asked it to stop.
_LOOK = 1.0
#: Seconds between two edits of the message.
_EDIT = 3.0
#: So long a process may take to report what it did until it was asked to end.
_PATIENCE = 30.0
_MOST = 10_000_000

log = logging.getLogger(__name__)


@dataclass(eq=False, kw_only=True)
class Player:
    """Plays what waits, one after the other; a worker has one."""

    world: World
    deliveries: PostgresDeliveries = field(default_factory=PostgresDeliveries)
    _here: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self) -> None:
        """Say which runs were broken off, and play what waits unless this worker plays already."""
        async with self.world.store.begin() as tx:
            broken = await tx.backtests.break_off()
        for lost in broken:
            log.warning("backtest %s was broken off", lost.id)
            await self._tell(lost, "broken")
        if self._here.locked():
            return
        async with self._here:
            while (run := await self._take()) is not None:
                await self._play(run)

    async def _take(self) -> BacktestRun | None:
        async with self.world.store.begin() as tx:
            return await tx.backtests.take(LEASE)

    async def _play(self, run: BacktestRun) -> None:
        words = await self._words(run)
        try:
            plan, columns, calendar = await self._prepared(run.wish)
            stream = (plan.symbol, plan.timeframe)
            loaded = await model_for(self.world.store, plan.strategies, stream)
            plan = loaded.into(plan, columns)
            with TemporaryDirectory(prefix="ai-trader-backtest-") as name:
                folder = Path(name)
                await asyncio.to_thread(child.put, folder, plan, columns, calendar, loaded.body)
                cancelled = await self._run(run, folder, words)
                if cancelled and not (folder / child.REPORT).exists():
                    await self._finish(run, RunState.CANCELLED)
                else:
                    await asyncio.to_thread(_must_have_report, folder)
                    await self._done(run, folder, cancelled=cancelled)
        except TraderError as problem:
            await self._finish(run, RunState.FAILED, problem=str(problem))
        except asyncio.CancelledError:
            # The worker ends. Whoever starts it again finds it waiting for nobody.
            await self._finish(run, RunState.BROKEN_OFF)
            raise

    async def _run(self, run: BacktestRun, folder: Path, words: Words) -> bool:
        """Let a process play it; whether somebody asked it to stop."""
        looked, edited, done, total, stops = 0.0, monotonic(), 0, 0, False
        async with _process(folder, words) as process:
            assert process.stdout is not None
            while True:
                try:
                    line = await asyncio.wait_for(process.stdout.readline(), _LOOK)
                except TimeoutError:
                    line = b" "
                if not line:
                    break
                if line.strip():
                    done, total = map(int, line.split())
                if monotonic() - looked < _LOOK:
                    continue
                looked = monotonic()
                async with self.world.store.begin() as tx:
                    asked = await tx.backtests.note(run.id, done, total, LEASE)
                if asked is None or (asked and not stops):
                    stops = True
                    process.terminate()
                if monotonic() - edited > _EDIT:
                    edited = looked
                    await self._tell(run, f"at:{done}")
            await asyncio.wait_for(process.wait(), _PATIENCE)
        return stops

    async def _done(self, run: BacktestRun, folder: Path, *, cancelled: bool) -> None:
        report = await asyncio.to_thread(child.report, folder)
        state = RunState.DONE if report.is_whole or not cancelled else RunState.CANCELLED
        files = RunFiles(
            page=(folder / child.PAGE).read_bytes(), picture=(folder / child.PICTURE).read_bytes()
        )
        document = json.loads((folder / child.REPORT).read_text())
        async with self.world.store.begin() as tx:
            await tx.backtests.note(run.id, report.candles, report.candles, LEASE)
        await self._finish(run, state, report=document, files=files)

    async def _finish(self, run: BacktestRun, state: RunState, **came_to: Any) -> None:
        """Note how it ended and tell it; nothing where it is not this worker's any more."""
        async with self.world.store.begin() as tx:
            is_ours = await tx.backtests.finish(run.id, state, **came_to)
        if is_ours:
            await self._tell(run, "ended")

    async def _prepared(self, wish: Wish) -> tuple[Plan, Columns, CalendarView | None]:
        source, columns = await self._candles(wish)
        name, news = self._news(source, wish)
        world = self.world
        try:
            currency = (await world.broker.account()).currency
        except BrokerSilent:
            currency = "USD"
        async with world.store.begin() as tx:
            version, settings = await tx.settings.risk()
            strategies = await tx.settings.strategies()
        plan = plan_of(
            wish, strategies, settings, version, source=source, calendar=name,
            zone=world.zone.key, currency=currency,
        )  # fmt: skip
        return plan, columns, news

    async def _candles(self, wish: Wish) -> tuple[str, Columns]:
        """All of the recording, played or not, or what was stored of the venue."""
        world = self.world
        if world.tape is not None:
            recording = world.tape.recording
            return recording.name, columns_of(wish.symbol, wish.timeframe, recording.candles)
        if not isinstance(world.market, StoredMarket):
            raise InvalidInput("this venue's candles are not stored; use ai-trader backtest --file")
        async with world.store.begin() as tx:
            key = (wish.symbol, wish.timeframe)
            candles = await tx.candles.last(world.market.source, key, _MOST)
        return world.market.source, columns_of(wish.symbol, wish.timeframe, candles)

    def _news(self, source: str, wish: Wish) -> tuple[str | None, CalendarView | None]:
        """The recording's own; of other candles nobody kept the news, which the report says."""
        calendar = self.world.outside.calendar
        if not wish.quiet and self.world.tape is not None and isinstance(calendar, CsvCalendar):
            return f"{source} calendar", calendar.whole
        return None, views.quiet()

    async def _words(self, run: BacktestRun) -> Words:
        if run.person_id is None:
            return words_for("en")
        async with self.world.store.begin() as tx:
            person = await tx.people.get(run.person_id)
        return words_for("en") if person is None else words_for(person.language, person.timezone)

    async def _tell(self, run: BacktestRun, what: str) -> None:
        """Change the message that shows the run; add the report when it has ended."""
        if run.person_id is None or run.message_id is None:
            return
        async with self.world.store.begin() as tx:
            now = await tx.backtests.get(run.id)
        words = await self._words(run)
        await self._send(run, what, views.progress(words, now, edit=True))
        if now.report is not None:
            for number, screen in enumerate(views.finished(words, now)):
                await self._send(run, f"report:{number}", screen)

    async def _send(self, run: BacktestRun, what: str, screen: Screen) -> None:
        assert run.person_id is not None
        parcel = parcel_of(screen, edit_message_id=run.message_id)
        key = f"backtest:{run.id}:{what}"
        await self.deliveries.answer(key, run.person_id, run.person_id, payload(parcel))


@asynccontextmanager
async def _process(folder: Path, words: Words) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.backtest_child", str(folder), words.language, words.timezone,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _must_have_report(folder: Path) -> None:
    if (folder / child.PROBLEM).exists():
        raise InvalidInput((folder / child.PROBLEM).read_text())
    if not (folder / child.REPORT).exists():
        raise InvalidInput("the process that played it ended before its time")


async def play_backtests(ctx: Mapping[str, Any]) -> None:
    """Play the backtests that wait."""
    await ctx["player"]()
