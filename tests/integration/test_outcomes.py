"""What the market did after each idea, stored: by hand, on the recording, after downtime, twice."""

import asyncio
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import pytest
from tortoise.backends.asyncpg.client import AsyncpgDBClient

from bot import jobs, reports
from bot.settings import Settings
from bot.world import now
from broker.instruments import instrument
from engine.domain.approval import Ending
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.market import Timeframe
from engine.domain.outcome import Outcome, Progress, Result
from engine.domain.strategy import ExitRules
from engine.errors import NotAllowed
from engine.flow import outcomes
from engine.flow.approvals import Choice
from engine.flow.outcomes import FollowIdeas
from engine.scoring.mirror import Answers
from engine.scoring.outcome import follow
from storage.database import open_database
from storage.models import OutcomeRow
from storage.outcomes import _DUE
from storage.transaction import PostgresStore
from tests import builders
from tests.builders import HOUR, IDEA_ID, NOW, candle
from tests.conftest import Database
from tests.fakes import HandMarket
from tests.integration.conftest import ANN, EVE, LUIS, Desk

RISES = {"open": "1.10010", "high": "1.10450", "low": "1.10000", "close": "1.10430"}
FALLS = {"open": "1.09900", "high": "1.09950", "low": "1.09700", "close": "1.09750"}


#: The built idea twenty thousand times over, ended.
_MANY_ENDED = (
    """
    INSERT INTO trade_ideas
    SELECT (jsonb_populate_record(idea, jsonb_build_object(
        'id', gen_random_uuid(), 'number', 1000 + n))).*
    FROM trade_ideas idea, generate_series(1, 20000) n WHERE idea.id = $1
    """,
    """
    INSERT INTO idea_outcome (idea_id, result, r, seen, document)
    SELECT id, 'target', 2, market_time, '{}' FROM trade_ideas WHERE number > 1000
    """,
)


def hand_market() -> HandMarket:
    """The quiet hours before the built idea."""
    return HandMarket(instrument("EURUSD"), builders.candles())


async def stored(
    desk: Desk, number: int = 0, *, minutes: int | None = None, **values: object
) -> Idea:
    """A built idea with its bundle, as if the loop had just made it."""
    strategy = builders.strategy(exit_rules=ExitRules("2 * atr", ("RR>=2",), minutes))
    async with desk.world.store.begin() as tx:
        hash_ = await tx.bundles.put(builders.bundle(strategies=(strategy,)))
        fields = {"id": uuid5(IDEA_ID, str(number)), "bundle_hash": hash_} | values
        return await tx.ideas.add(builders.idea(**fields))


async def known(desk: Desk, idea: Idea) -> Progress | Outcome | None:
    async with desk.world.store.begin() as tx:
        return await tx.outcomes.of_idea(idea.id)


def following(desk: Desk, market: HandMarket) -> FollowIdeas:
    return FollowIdeas(store=desk.world.store, market=market)


@pytest.mark.parametrize("status", [s for s in IdeaStatus if s is not IdeaStatus.WAITING])
async def test_idea_is_followed_to_its_end_whatever_became_of_it(
    desk: Desk, status: IdeaStatus
) -> None:
    market, idea = hand_market(), await stored(desk, status=status)
    follow_ideas = following(desk, market)
    assert await follow_ideas("EURUSD", Timeframe.H1) == 1
    assert await known(desk, idea) == builders.progress()
    market.close(candle(NOW), candle(NOW + HOUR, **RISES))
    assert await follow_ideas("EURUSD", Timeframe.H1) == 1
    outcome = await known(desk, idea)
    assert isinstance(outcome, Outcome)
    assert (outcome.result, outcome.r, outcome.at) == (Result.TARGET, Decimal(2), NOW + 2 * HOUR)
    market.close(candle(NOW + 2 * HOUR, **FALLS))
    assert await follow_ideas("EURUSD", Timeframe.H1) == 0
    assert await known(desk, idea) == outcome


async def test_time_limit_is_that_of_the_strategy_that_made_the_idea(desk: Desk) -> None:
    market, idea = hand_market(), await stored(desk, minutes=120)
    market.close(*(candle(NOW + HOUR * i) for i in range(5)))
    await following(desk, market)("EURUSD", Timeframe.H1)
    outcome = await known(desk, idea)
    assert isinstance(outcome, Outcome)
    assert (outcome.result, outcome.at) == (Result.TIMED_OUT, NOW + 2 * HOUR)


async def test_downtime_changes_nothing(desk: Desk) -> None:
    """One idea is followed candle by candle, another only afterwards."""
    first = await stored(desk, 1)
    market, hours = hand_market(), [candle(NOW + HOUR * i) for i in range(6)]
    for hour in (*hours, candle(NOW + 6 * HOUR, **FALLS)):
        market.close(hour)
        await following(desk, market)("EURUSD", Timeframe.H1)
    second = await stored(desk, 2)
    await following(desk, market)("EURUSD", Timeframe.H1)
    assert isinstance(await known(desk, first), Outcome)
    assert await known(desk, first) == await known(desk, second)


async def test_two_workers_at_once_store_it_once(desk: Desk) -> None:
    market = hand_market()
    ideas = [await stored(desk, n) for n in range(20)]
    market.close(candle(NOW), candle(NOW + HOUR, **RISES))
    await asyncio.gather(*(following(desk, market)("EURUSD", Timeframe.H1) for _ in range(4)))
    assert await OutcomeRow.filter(result="target", r=2).count() == len(ideas)


async def test_worker_that_is_behind_takes_nothing_back(desk: Desk) -> None:
    idea = await stored(desk)
    ahead = builders.progress(seen=NOW + HOUR, candles=2)
    ended = follow(ahead, [candle(NOW + 2 * HOUR, **RISES)])
    assert isinstance(ended, Outcome)
    async with desk.world.store.begin() as tx:
        for step, kept in (
            (ahead, ahead),
            (builders.progress(), ahead),
            (ended, ended),
            (ahead, ended),
            (replace(ended, r=Decimal(-1), at=ended.at + HOUR), ended),
        ):
            await tx.outcomes.save(idea.id, step)
            assert await tx.outcomes.of_idea(idea.id) == kept


async def test_idea_that_another_worker_ends_meanwhile_stops_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    market, idea = hand_market(), await stored(desk)
    await following(desk, market)("EURUSD", Timeframe.H1)
    market.close(candle(NOW), candle(NOW + HOUR, **RISES))
    ask = AsyncpgDBClient.execute_query_dict

    async def asked(self: Any, *arguments: Any) -> Any:
        found = await ask(self, *arguments)
        if arguments[0] == _DUE:
            monkeypatch.undo()
            outside = copy_context()
            other = following(desk, market)("EURUSD", Timeframe.H1)
            await asyncio.get_running_loop().create_task(other, context=outside)
        return found

    monkeypatch.setattr(AsyncpgDBClient, "execute_query_dict", asked)
    await following(desk, market)("EURUSD", Timeframe.H1)
    assert isinstance(await known(desk, idea), Outcome)


async def test_call_is_bounded_and_the_next_one_takes_what_it_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "PER_CALL", 3)
    market = hand_market()
    for number in range(7):
        await stored(desk, number)
    market.close(candle(NOW), candle(NOW + HOUR))
    moved = [await following(desk, market)("EURUSD", Timeframe.H1) for _ in range(4)]
    assert moved == [3, 3, 1, 0]
    assert await OutcomeRow.filter(result=None, seen=NOW + HOUR).count() == 7


async def test_other_symbols_and_timeframes_are_left_alone(desk: Desk) -> None:
    idea = await stored(desk)
    follow_ideas = following(desk, hand_market())
    assert await follow_ideas("XAUUSD", Timeframe.H1) == 0
    assert await follow_ideas("EURUSD", Timeframe.M15) == 0
    assert await known(desk, idea) is None


async def test_idea_whose_snapshot_is_missing_is_unknown_and_keeps_nobody_waiting(
    desk: Desk,
) -> None:
    lost, idea = await stored(desk, 1, bundle_hash="ab" * 32), await stored(desk, 2)
    market = hand_market()
    market.close(candle(NOW, **RISES))
    assert await following(desk, market)("EURUSD", Timeframe.H1) == 2
    unknown, known_ = await known(desk, lost), await known(desk, idea)
    assert isinstance(unknown, Outcome)
    assert (unknown.result, unknown.r) == (Result.UNKNOWN, None)
    assert isinstance(known_, Outcome)


async def test_what_is_due_is_found_by_indexes_however_many_ideas_have_ended(
    desk: Desk, database: Database
) -> None:
    due = [await stored(desk, number) for number in range(3)]
    owner = await asyncpg.connect(database.owner_url)
    for statement in (*_MANY_ENDED, "ANALYZE"):
        await owner.execute(statement, *([due[0].id] if "$1" in statement else []))
    plan = await owner.fetch(f"EXPLAIN {_DUE}", "EURUSD", "H1", NOW + HOUR, 100)
    await owner.close()
    said = "\n".join(row[0] for row in plan)
    assert "Index" in said
    assert "Seq Scan" not in said
    async with desk.world.store.begin() as tx:
        found = await tx.outcomes.due("EURUSD", Timeframe.H1, before=NOW + HOUR, limit=100)
    assert found == [(idea.id, None) for idea in due]


async def test_market_without_candles_moves_nothing(desk: Desk) -> None:
    await stored(desk)
    assert await following(desk, HandMarket(instrument("EURUSD"), ()))("EURUSD", Timeframe.H1) == 0


async def test_database_refuses_outcomes_that_mean_nothing(database: Database) -> None:
    connection = await asyncpg.connect(database.url)
    refused = ("'target', NULL", "'stop', 'NaN'", "'won', 1", "NULL, 1", "'unknown', 1")
    for number, pair in enumerate(refused):
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.NumericValueOutOfRangeError)):
            await connection.execute(
                "INSERT INTO idea_outcome (idea_id, result, r, seen, document)"
                f" VALUES ($1, {pair}, now(), '{{}}')",
                UUID(int=number),
            )
    await connection.close()


async def test_recording_gives_every_idea_the_outcome_its_candles_show(desk: Desk) -> None:
    """Two weeks of real candles: each stored step is what following all at once gives."""
    decided: list[UUID] = []
    for _ in range(240):
        ids = [decision.entry.idea_id for decision in await desk.next_candle()]
        decided += [id_ for id_ in ids if id_ is not None]
        await desk.work.follow_ideas("EURUSD", Timeframe.H1)
    assert len(decided) > 5
    market, results = desk.world.market, set()
    async with desk.world.store.begin() as tx:
        for idea_id in decided:
            idea, step = await tx.ideas.get(idea_id), await tx.outcomes.of_idea(idea_id)
            bundle = await tx.bundles.get(idea.bundle_hash)
            begun = Progress(
                proposal=idea.proposal,
                spread=Decimal("0.00008"),
                deadline=None,
                seen=bundle.candles[-1].time,
            )
            candles = await market.candles_since("EURUSD", Timeframe.H1, begun.seen)
            assert step == follow(begun, candles)
            results.add(getattr(step, "result", None))
        tallies = await tx.outcomes.tallies()
    assert {Result.TARGET, Result.STOP} <= results
    assert sum(tally.ideas for tally in tallies) == len(decided)
    seen = await desk.talk.read_calibration(EVE.id)
    rows = await OutcomeRow.filter(result__not_isnull=True)
    assert seen.whole.ideas == sum(band.ideas for band in seen.by_score) == len(rows)
    assert seen.whole.total_r == sum(row.r for row in rows)
    assert seen.by_symbol[0].name == "EURUSD"
    assert {band.name for band in seen.by_strategy} <= {"EMA trend", "Pullback buy"}
    one = await desk.talk.read_calibration(None, of="ema trend")
    (band,) = (band for band in seen.by_strategy if band.name == "EMA trend")
    assert one.whole == replace(band, name="")


async def test_score_buckets_are_those_of_the_scores(desk: Desk) -> None:
    market = hand_market()
    for number, parts in enumerate(((0, 0, 0), (9, 0, 0), (50, 20, 0), (50, 25, 24), (50, 25, 25))):
        await stored(desk, number, confidence=builders.confidence(*parts))
    await stored(desk, 9, confidence=builders.confidence("49.99", 20, 0))
    market.close(candle(NOW, **RISES))
    await following(desk, market)("EURUSD", Timeframe.H1)
    seen = await desk.talk.read_calibration(EVE.id)
    assert [(band.name, band.ideas, band.mean_r) for band in seen.by_score] == [
        ("0–9", 2, 2), ("60–69", 1, 2), ("70–79", 1, 2), ("90–100", 2, 2),
    ]  # fmt: skip


async def decide(desk: Desk, idea: Idea, choice: Choice) -> None:
    await desk.talk.decide_idea(idea.id, choice, person_id=ANN.id, chat_id=ANN.chat_id)


async def test_mirror_counts_real_trades_as_dealt_and_the_rest_as_followed(desk: Desk) -> None:
    approved = await desk.until_idea()
    await decide(desk, approved, Choice.HALF)
    await desk.send_all()
    held = await desk.talk.read_mirror(ANN.id)
    assert held.approved == Answers(ideas=1, ended=0, won=0, total_r=Decimal(0))
    for _ in range(200):
        await desk.next_candle()
        if not await desk.world.broker.positions():
            break
    rejected = await desk.until_idea()
    ours = (approved.id, rejected.id)
    await decide(desk, rejected, Choice.REJECT)
    for _ in range(20):
        for _ in range(10):
            await desk.next_candle()
        await desk.work.follow_ideas("EURUSD", Timeframe.H1)
        if await OutcomeRow.filter(idea_id__in=ours, result__not_isnull=True).count() == len(ours):
            break
    mirror = await desk.talk.read_mirror(ANN.id)
    story = await desk.talk.read_idea(ANN.id, approved.id)
    assert story.order is not None
    assert story.trade is not None
    at_risk = approved.sizing.risk_money * story.order.volume / approved.sizing.volume
    assert mirror.approved.total_r == (story.trade.profit / at_risk).quantize(Decimal("0.0001"))
    assert isinstance(story.afterwards, Outcome)
    # Slippage: what was dealt is near what was followed, and not the same.
    assert 0 < abs(mirror.approved.total_r - story.afterwards.r) < Decimal("0.1")
    after = (await desk.talk.read_idea(ANN.id, rejected.id)).afterwards
    assert isinstance(after, Outcome)
    assert mirror.rejected.total_r == after.r
    assert (await desk.talk.read_mirror(LUIS.id)).rejected.ideas == 0


async def test_expired_ideas_are_in_everyones_mirror(desk: Desk) -> None:
    market = hand_market()
    for number, (ending, who) in enumerate(
        ((Ending.EXPIRED, None), (Ending.REJECTED, ANN.id), (Ending.GATE_CLOSED, ANN.id))
    ):
        idea = await stored(desk, number)
        async with desk.world.store.begin() as tx:
            await tx.ideas.ask(builders.approval(idea_id=idea.id, expires_at=await tx.now()))
            answer = replace(builders.answered(ending, decided_by=who), idea_id=idea.id)
            assert await tx.ideas.end(answer, expired=True)
    market.close(candle(NOW, **FALLS))
    await following(desk, market)("EURUSD", Timeframe.H1)
    lost = Answers(ideas=1, ended=1, won=0, total_r=Decimal(-1))
    ann, luis = await desk.talk.read_mirror(ANN.id), await desk.talk.read_mirror(LUIS.id)
    assert (ann.rejected, ann.expired, ann.blocked) == (lost, lost, lost)
    assert (luis.rejected.ideas, luis.expired, luis.blocked.ideas) == (0, lost, 0)


async def test_stranger_reads_neither(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        await desk.talk.read_calibration(4711)
    with pytest.raises(NotAllowed):
        await desk.talk.read_mirror(4711)


async def test_worker_follows_after_each_candle_and_catches_up(desk: Desk) -> None:
    world = replace(desk.world, pace=timedelta(0), waits=False)
    context = {"world": world, "work": desk.work}
    idea, counted = await desk.until_idea(), []
    await jobs.ingest(context)
    counted.append(await known(desk, idea))
    assert await world.market.advance(now, timedelta(0)) is not None
    await jobs.follow(context)
    counted.append(await known(desk, idea))
    assert [step.candles for step in counted if step is not None] == [1, 2]


async def test_terminal_shows_the_whole_table_and_an_empty_one(database: Database) -> None:
    settings = Settings(_env_file=None, database_url=database.url)  # type: ignore[call-arg]
    empty: list[str] = []
    assert await reports.calibration(settings, None, say=empty.append) == 0
    assert empty[-1] == "0 still open, 0 unknown"
    async with open_database(database.url):
        for number, prices in enumerate((RISES, FALLS, {})):
            async with PostgresStore().begin() as tx:
                idea = await tx.ideas.add(builders.idea(id=UUID(int=number)))
                end = follow(builders.progress(), [candle(NOW, **prices)])
                await tx.outcomes.save(idea.id, end)
    said: list[str] = []
    assert await reports.calibration(settings, "eurusd", say=said.append) == 0
    assert said == [
        "                          ideas  target  stop  timed out  hit %    95 %   mean R",
        "all",
        "                              2       1     1          0     50    9–91    +0.50",
        "by score",
        "  90–100                      2       1     1          0     50    9–91    +0.50",
        "by strategy",
        "  EMA trend                   2       1     1          0     50    9–91    +0.50",
        "by symbol",
        "  EURUSD                      2       1     1          0     50    9–91    +0.50",
        "1 still open, 0 unknown",
    ]
