"""The worker's part of a backtest: a process of its own plays it, its person sees how far it is."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from bot.children import Child, child, died
from bot.i18n import Words
from bot.past import news_of, past_of
from bot.past_models import model_for
from bot.playing import MODULE, Given, input_of, must_be_well
from bot.progress import Progress
from bot.views import backtest_form as views
from bot.world import World
from engine.domain.backtest import BacktestRun, RunState, Wish
from engine.errors import TraderError
from engine.ports.backtests import RunFiles
from engine.research.plan import plan_of
from engine.research.runs import currency_of

#: A worker that says nothing for so long is taken for dead.
LEASE = 30.0
#: Seconds between two looks at whether somebody asked it to stop.
_LOOK = 1.0
#: Seconds between two edits of the message.
_EDIT = 3.0
#: So long a process may take to report what it did until it was asked to end.
_PATIENCE = 30.0

log = logging.getLogger(__name__)


@dataclass(eq=False, kw_only=True)
class Player:
    """Plays what waits, one after the other; a worker has one."""

    world: World
    _here: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def _progress(self) -> Progress:
        return Progress(store=self.world.store)

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
        words = await self._progress.words(run.person_id)
        try:
            given = await self._prepared(run.wish, words)
            # Packing years of minutes takes a second that trading needs.
            data = await asyncio.to_thread(input_of, given)
            async with child(MODULE, data) as playing:
                cancelled, told = await self._watched(run, playing)
                if told is not None:
                    await self._done(run, told, await playing.bodies(told), cancelled=cancelled)
                elif cancelled:
                    await self._finish(run, RunState.CANCELLED)
                else:
                    raise died()
        except TraderError as problem:
            await self._finish(run, RunState.FAILED, problem=str(problem))
        except asyncio.CancelledError:
            # The worker ends. Whoever starts it again finds it waiting for nobody.
            await self._finish(run, RunState.BROKEN_OFF)
            raise

    async def _watched(
        self, run: BacktestRun, playing: Child
    ) -> tuple[bool, dict[str, Any] | None]:
        """Let a process play it: whether somebody stopped it, and what announces its result."""
        looked, edited, done, total, stops = 0.0, monotonic(), 0, 0, False
        patience = 0.0
        while True:
            with suppress(TimeoutError):
                told = await asyncio.wait_for(playing.told(), _LOOK)
                if told is None or "bytes" in told:
                    return stops, told
                must_be_well(told)
                done, total = told["done"], told["of"]
            if stops and monotonic() - patience > _PATIENCE:
                return stops, None
            if monotonic() - looked < _LOOK:
                continue
            looked = monotonic()
            async with self.world.store.begin() as tx:
                asked = await tx.backtests.note(run.id, done, total, LEASE)
            if asked is not False and not stops:
                stops, patience = True, looked
                playing.ask_to_end()
            if monotonic() - edited > _EDIT:
                edited = looked
                await self._tell(run, f"at:{done}")

    async def _done(
        self, run: BacktestRun, told: dict[str, Any], made: dict[str, bytes], *, cancelled: bool
    ) -> None:
        document = json.loads(made["report"])
        candles = document["candles"]
        state = RunState.DONE if told["is_whole"] or not cancelled else RunState.CANCELLED
        files = RunFiles(page=made["page"], picture=made["picture"])
        async with self.world.store.begin() as tx:
            await tx.backtests.note(run.id, candles, candles, LEASE)
        await self._finish(run, state, report=document, files=files)

    async def _finish(self, run: BacktestRun, state: RunState, **came_to: Any) -> None:
        """Note how it ended and tell it; nothing where it is not this worker's any more."""
        async with self.world.store.begin() as tx:
            is_ours = await tx.backtests.finish(run.id, state, **came_to)
        if is_ours:
            await self._tell(run, "ended")

    async def _prepared(self, wish: Wish, words: Words) -> Given:
        world = self.world
        past = await past_of(world, wish.symbol, wish.timeframe)
        name, news = news_of(world, past.source, quiet=wish.quiet)
        currency = await currency_of(world.broker)
        async with world.store.begin() as tx:
            version, settings = await tx.settings.risk()
            strategies = await tx.settings.strategies()
        plan = plan_of(
            wish, strategies, settings, version, source=past.source, calendar=name,
            zone=world.zone.key, currency=currency,
        )  # fmt: skip
        loaded = await model_for(world.store, plan.strategies, (plan.symbol, plan.timeframe))
        plan = loaded.into(plan, past.columns)
        reader = (words.language, words.timezone)
        return Given(plan, past.columns, news, reader, loaded.body)

    async def _tell(self, run: BacktestRun, what: str) -> None:
        """Change the message that shows the run; add the report when it has ended."""
        if run.message_id is None:
            return
        async with self.world.store.begin() as tx:
            now = await tx.backtests.get(run.id)
        words = await self._progress.words(run.person_id)
        screens = {what: views.progress(words, now, edit=True)}
        if now.report is not None:
            for number, screen in enumerate(views.finished(words, now)):
                screens[f"report:{number}"] = screen
        for name, screen in screens.items():
            key = f"backtest:{run.id}:{name}"
            await self._progress.show(key, run.person_id, run.message_id, screen)


async def play_backtests(ctx: Mapping[str, Any]) -> None:
    """Play the backtests that wait."""
    await ctx["player"]()
