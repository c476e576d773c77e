"""The jobs of a worker: plain coroutines over ids; each may run twice and do its work once."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from bot.courier import Courier
from bot.wiring import Work
from bot.world import World, now
from engine.domain.market import Timeframe
from engine.domain.order import OrderState
from engine.domain.position_orders import PositionOrderState
from engine.domain.stream import StreamTrouble
from engine.errors import BrokerSilent, FeedError, HistoryBroken, NotFound
from engine.flow.ingest import Ingested
from engine.flow.pipeline import TOGETHER
from storage.sole import Sole

log = logging.getLogger(__name__)

Context = Mapping[str, Any]


async def ingest(ctx: Context) -> None:
    """Move the market on when it is time, read the venue, and judge the candle that closed.

    The next candle is not played before the last one was judged, so that a worker that dies in
    between skips nothing. Candles of a venue that has to be asked are judged by whoever fetches
    them; this worker calls the others.
    """
    world: World = ctx["world"]
    work: Work = ctx["work"]
    if work.ingestion.candles is not None:
        await work.ingestion.candles.spread()
        await fetch(ctx)
        await judge(ctx)
        return
    if world.tape is None:
        # It moves by itself; what closed since is judged, and followed by the sweep.
        await _judge(ctx)
        return
    instant = await world.tape.instant()
    await _judge(ctx)
    async with world.store.begin() as tx:
        waiting = await tx.ideas.pending()
        leaving = [order for order in await tx.orders.unproven() if order.state != "unknown"]
        asked = await tx.position_orders.in_state(PositionOrderState.INTENT)
        # A flatten may take days; the market does not stand still for it.
        exits = [order for order in asked if order.valid_until is not None]
    # An hour must not pass between a tap and the order it becomes.
    if world.waits and (waiting or leaving or exits):
        await world.tape.rest(now)
        return
    # Somebody else may have moved it since, and not have judged that candle yet.
    if await world.tape.advance(now, world.pace, after=instant) is not None:
        await sync_broker(ctx)
        await manage(ctx)
        await _judge(ctx)
        await follow(ctx)


async def _judge(ctx: Context) -> None:
    world: World = ctx["world"]
    due = []
    for symbol, timeframe in world.symbols:
        try:
            last = await world.market.candles(symbol, timeframe, 1)
        except (FeedError, NotFound) as error:
            log.warning("%s %s was not judged: %s", symbol, timeframe, error)
            continue
        if not last:
            log.warning("%s %s was not judged: it has no candles", symbol, timeframe)
            continue
        async with world.store.begin() as tx:
            if not await tx.evaluations.known(symbol, timeframe, last[-1].time):
                due.append((symbol, timeframe))
    await _run_cycle(ctx, due)


async def fetch(ctx: Context) -> None:
    """Read some streams that are due and that nobody else has, and judge what closed."""
    work: Work = ctx["work"]
    if work.ingestion.candles is None:
        return
    done = await work.ingestion.candles()
    for each in done:
        _say(each)
    if any(each.is_closed for each in done):
        await judge(ctx)


def _say(done: Ingested) -> None:
    stream = f"{done.symbol} {done.timeframe}"
    if not done.is_ours:
        log.warning("candles of %s came too late, somebody else reads them now", stream)
    elif done.error is not None:
        # Only what nobody foresaw needs its trace.
        trace = done.error if done.trouble is StreamTrouble.BROKEN else None
        log.warning("candles of %s were not read: %r", stream, done.error, exc_info=trace)
    if done.revised:
        log.info("%d candles of %s were revised by the venue", done.revised, stream)
    if done.percent is not None:
        log.info("candles of %s from before: %d %% are there", stream, done.percent)


async def judge(ctx: Context) -> None:
    """Judge the candles that were stored and that nobody has judged, whoever stored them.

    One worker does it at a time, because each decision makes the picture of the others an old one.
    Who comes meanwhile leaves it to that one, who looks again before it ends; what is stored after
    that look is found by the next second's.
    """
    work: Work = ctx["work"]
    world: World = ctx["world"]
    sole: Sole = ctx["judging"]
    candles = work.ingestion.candles
    if candles is None:
        return
    tried: set[tuple[str, Timeframe]] = set()
    async with sole.try_enter() as is_alone:
        while is_alone:
            left = set(await candles.left()) - tried
            # In the order everybody has; the timeframes that are only looked at are not judged.
            due = [stream for stream in world.symbols if stream in left][:TOGETHER]
            if not due:
                return
            tried.update(due)
            await _run_cycle(ctx, due)


async def keep_account(ctx: Context) -> None:
    """Keep the account's figures, when they are due."""
    work: Work = ctx["work"]
    try:
        if work.ingestion.account is not None:
            await work.ingestion.account()
    except BrokerSilent as error:
        log.warning("the account's figures were not read: %s", error)


async def evaluate(ctx: Context, symbol: str, timeframe: str) -> None:
    """Run the loop once for a symbol."""
    await _run_cycle(ctx, [(symbol, Timeframe(timeframe))])


async def _run_cycle(ctx: Context, due: Sequence[tuple[str, Timeframe]]) -> None:
    work: Work = ctx["work"]
    if not due:
        return
    _, missing = await work.run_cycle.over(due)
    for error in missing:
        log.warning("not judged: %s", error)


async def follow(ctx: Context) -> None:
    """See what became of ideas on the candles that closed since."""
    world: World = ctx["world"]
    work: Work = ctx["work"]
    for symbol, timeframe in world.symbols:
        try:
            await work.follow_ideas(symbol, timeframe)
        except (FeedError, NotFound) as error:
            log.warning("ideas of %s %s were not followed: %s", symbol, timeframe, error)


async def send_order(ctx: Context, client_id: str) -> None:
    """Send one order that was decided."""
    work: Work = ctx["work"]
    await work.send_order(client_id)


async def send_position_order(ctx: Context, client_id: str) -> None:
    """Send what a person wants of an open trade."""
    work: Work = ctx["work"]
    await work.send_position_order(client_id)


async def flatten(ctx: Context) -> None:
    """Turn a flatten into closes."""
    work: Work = ctx["work"]
    await work.pursue_flatten()


async def execute_commands(ctx: Context) -> None:
    """Carry out what the operator commanded."""
    work: Work = ctx["work"]
    for command in await work.execute_commands():
        log.info("command %s %s: %s", command.id, command.type, command.status)


async def manage(ctx: Context) -> None:
    """Lead open trades by their strategy's rules."""
    work: Work = ctx["work"]
    await work.manage_positions()


async def sync_broker(ctx: Context) -> None:
    """Read the venue's truth."""
    work: Work = ctx["work"]
    try:
        await work.sync_broker()
    except BrokerSilent as error:
        log.warning("the broker does not answer: %s", error)


async def watch(ctx: Context) -> None:
    """Look whether the broker and the feed are alive."""
    work: Work = ctx["work"]
    for lost in await work.watch_heartbeats():
        log.warning("%s gives no sign of life since %s", lost.part.name, lost.since)
    if await work.watch_terminal():
        log.warning("the MetaTrader terminal gives no sign of life")


async def watch_feeds(ctx: Context) -> None:
    """Look whether the market's data can be believed."""
    work: Work = ctx["work"]
    for (symbol, timeframe), found in (await work.watch_feeds()).items():
        for fault in found:
            log.warning("%s %s: %s (%s)", symbol, timeframe, fault.code, fault.seen)


async def expire(ctx: Context) -> None:
    """End ideas nobody answered."""
    work: Work = ctx["work"]
    await work.expire_ideas()


async def deliver(ctx: Context) -> None:
    """Tell people what there is to tell."""
    courier: Courier = ctx["courier"]
    await courier.deliver()


async def remind(ctx: Context) -> None:
    """Remind of a halt nobody has seen, sum up quiet hours that ended, and send briefs."""
    work: Work = ctx["work"]
    await work.remind_of_halt()
    await work.sum_up_quiet_hours()
    await work.queue_briefs()


async def anchor(ctx: Context) -> None:
    """Anchor the history, once a day; asked every hour, so that no day is missed."""
    work: Work = ctx["work"]
    try:
        await work.anchor_history(daily=True)
    except (HistoryBroken, OSError) as error:
        log.error("the history was not anchored: %s", error)


async def poll_feeds(ctx: Context) -> None:
    """Fetch the calendar and the news that are due."""
    work: Work = ctx["work"]
    for fetched in await work.poll_feeds():
        # The rest of an address may hold a token.
        server = urlsplit(fetched.name).hostname
        if fetched.trouble is not None:
            log.warning("the feed of %s was not read: %s", server, fetched.trouble)
        else:
            log.info("the feed of %s was read", server)


async def retire(ctx: Context) -> None:
    """Remove the snapshots of old no-trades, old candles, and what a model was asked long ago."""
    work: Work = ctx["work"]
    await work.retire_bundles()
    await work.forget_answers()
    await work.retire_replies()
    await work.ingestion.retire()


async def sweep(ctx: Context) -> None:
    """The real queue: find everything a bell did not announce."""
    world: World = ctx["world"]
    work: Work = ctx["work"]
    async with world.store.begin() as tx:
        intents = await tx.orders.in_state(OrderState.INTENT)
        exits = await tx.position_orders.in_state(PositionOrderState.INTENT)
    steps: list[Callable[[], Awaitable[object]]] = [
        work.resolve_position_orders,
        work.pursue_flatten,
        # The venue of a recording closes on time by itself, in its own prices.
        *([work.close_on_time] if world.tape is None else []),
        work.manage_positions,
        *(partial(work.send_position_order, order.client_id) for order in exits),
        *(partial(work.send_order, order.client_id) for order in intents),
        work.resolve_orders,
        partial(sync_broker, ctx),
        partial(follow, ctx),
    ]
    for step in steps:
        try:
            await step()
        except Exception:
            # One order that cannot be judged must not keep the others waiting.
            log.exception("a step of the sweep failed")
