"""The loop, from market data to decision history. Open this file first.

    1 market data       broker/feeds              through the ports MarketData, Calendar, News
    2 snapshot bundle   engine/snapshot/collect   everything seen, frozen, hashed
    3 strategy          engine/strategies         proposes, or says why not
    4 idea, confidence  engine/scoring            0 to 100, with its parts
    5 gate              engine/gate/judge         every check, one verdict
    6a approval         bot/courier, a person, bot/handlers/approvals, engine/flow/approvals
    6b order            engine/flow/execution     to a broker; its truth by engine/flow/reconcile
    7 decision history  storage/history           replayed by engine/flow/replay

Stage 1 is asked by stage 2; ``RunCycle`` below runs 2 to 5 and decides between 6a and 6b; every
stage writes 7 in the transaction that makes it true.
"""

from asyncio import Semaphore, gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.domain.decision import Action, Decision, Entry, GateSnapshot
from engine.domain.gate import Verdict
from engine.domain.idea import IdeaStatus
from engine.domain.market import Timeframe
from engine.domain.notice import Audience
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.errors import FeedError, NotFound
from engine.flow.cycle import PUT_FORWARD, Seen, Written
from engine.flow.evaluations import no_trade, rationale, snapshot_of
from engine.flow.ideas import idea_id, idea_notice, intent, made_of, past_idea, question_of
from engine.flow.judgement import Outcome, consider
from engine.gate.feed_guard import is_unclosed, sight_of
from engine.ports import Bell, Store, Transaction
from engine.snapshot.canonical import plain
from engine.snapshot.collect import Collect, Survey
from engine.strategies.base import applies

#: Symbols that share one transaction.
TOGETHER = 50
#: Of them, those whose bundles are collected at the same time.
_AT_ONCE = 50

_STATUS = {
    Verdict.EXECUTE: (IdeaStatus.AUTO_EXECUTED, Action.AI_AUTO_EXECUTED),
    Verdict.ASK: (IdeaStatus.NEEDS_APPROVAL, Action.AI_PROPOSED),
    Verdict.REFUSE: (IdeaStatus.REJECTED, Action.RISK_REJECTED),
    Verdict.HALTED: (IdeaStatus.HALTED_BY_RISK, Action.RISK_REJECTED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCycle:
    """Run the loop once on the last closed candle of one symbol, or of many.

    Answers the decisions written; none when the candle was judged before, when every answer was
    the same no as on the candle before, or in emergency stop. Raises :class:`FeedError` when there
    is no market data to decide on, :class:`NotFound` for a symbol the market does not have.
    """

    collect: Collect
    store: Store
    bell: Bell
    account_id: str

    async def __call__(self, symbol: str, timeframe: Timeframe) -> tuple[Decision, ...]:
        decisions, missing = await self.over(((symbol, timeframe),))
        if missing:
            raise missing[0]
        return decisions

    async def over(
        self, watched: Sequence[tuple[str, Timeframe]]
    ) -> tuple[tuple[Decision, ...], tuple[FeedError | NotFound, ...]]:
        """The loop over many symbols: the decisions, and what data was missing for.

        A symbol sees the exposure that the ones before it took. Some symbols share a transaction,
        few enough that a stop never waits long for it.
        """
        decisions: list[Decision] = []
        missing: list[FeedError | NotFound] = []
        for start in range(0, len(watched), TOGETHER):
            try:
                decisions += await self._run(watched[start : start + TOGETHER], missing)
            except FeedError as nothing:
                # Not even the market's time: a venue may be away for hours.
                missing.append(nothing)
        for decision in decisions:
            if decision.entry.action is Action.AI_AUTO_EXECUTED:
                await self.bell.ring("send_order", decision.entry.detail["client_id"])
        if any(decision.entry.idea_id for decision in decisions):
            await self.bell.ring("deliver")
            # Whoever has a language model explains it afterwards; nothing here waits for one.
            await self.bell.ring("explain_ideas")
        return tuple(decisions), tuple(missing)

    async def _run(
        self, watched: Sequence[tuple[str, Timeframe]], missing: list[FeedError | NotFound]
    ) -> Sequence[Decision]:
        while True:
            survey = await self.collect.survey()
            if not survey.control.evaluates:
                return ()
            bundles, errors = await self._freeze(survey, watched)
            # Strategies are other people's code: nobody waits for them behind the control's lock.
            answers = [_answers(bundle) for bundle in bundles]
            async with self.store.begin() as tx:
                # A pause or a new mode that came in between makes the picture an old one.
                if not await self.collect.still_holds(tx, survey, await tx.controls.hold()):
                    continue
                missing += errors
                written = Written()
                # First every claim: who stores a bundle makes those wait who have claimed one.
                closed = [(b.symbol, b.timeframe, b.candles[-1].time) for b in bundles]
                mine = await tx.evaluations.claim(closed)
                latest = await tx.evaluations.latest([(s, frame) for s, frame, _ in mine])
                now = await tx.now()
                # Who watches a symbol twice has it judged once.
                due = dict(zip(closed, map(Seen, bundles, answers), strict=True))
                asked = [due[candle] for candle in due if candle in mine and due[candle].outcomes]
                await _keep(tx, asked)
                for seen in asked:
                    last = latest.get((seen.frozen.symbol, seen.frozen.timeframe), {})
                    await self._judge(tx, seen, last, now, written)
                await tx.evaluations.record(written.evaluations)
                # The head of the history is locked by the first append: they all come last.
                return await tx.history.extend(written.entries)

    async def _freeze(
        self, survey: Survey, watched: Sequence[tuple[str, Timeframe]]
    ) -> tuple[list[Bundle], list[FeedError | NotFound]]:
        """Bundles in the order of what is watched; some are collected at the same time, because a
        venue is asked for each symbol's quote.
        """
        gate = Semaphore(_AT_ONCE)
        read = await self.collect.candles_of(watched)

        async def one(symbol: str, timeframe: Timeframe) -> Bundle:
            async with gate:
                bundle = await self.collect.freeze(
                    survey, symbol, timeframe, read.get((symbol, timeframe))
                )
            # Claiming it would leave the real candle of that time unjudged.
            if is_unclosed(sight_of(bundle)):
                raise FeedError(f"the last {timeframe} candle of {symbol} has not closed yet")
            return bundle

        found = await gather(*(one(*stream) for stream in watched), return_exceptions=True)
        bundles: list[Bundle] = []
        errors: list[FeedError | NotFound] = []
        for each in found:
            if isinstance(each, FeedError | NotFound):
                errors.append(each)
            elif isinstance(each, BaseException):
                raise each
            else:
                bundles.append(each)
        return bundles, errors

    async def _judge(
        self,
        tx: Transaction,
        seen: Seen,
        latest: Mapping[UUID, GateSnapshot],
        now: datetime,
        written: Written,
    ) -> None:
        """What every strategy made of one symbol's last candle."""
        stored, hash_ = (seen.frozen if seen.hash_ else None), seen.hash_
        for strategy, answer in seen.outcomes:
            bundle = written.seen_by(seen.frozen)
            outcome = answer if bundle is seen.frozen else consider(strategy, bundle)
            if bundle is not stored:
                hash_, stored = await tx.bundles.put(bundle), bundle
            before = latest.get(strategy.id)
            evaluation = snapshot_of(strategy, bundle, hash_, outcome, before)
            written.evaluations.append(evaluation)
            if outcome.report is not None:
                await self._act(tx, strategy, bundle, hash_, outcome, before, now, written)
            elif not evaluation.folded:
                written.entries.append(no_trade(strategy, bundle, hash_, outcome, before, now))

    async def _act(
        self,
        tx: Transaction,
        strategy: Strategy,
        bundle: Bundle,
        hash_: str,
        outcome: Outcome,
        before: GateSnapshot | None,
        now: datetime,
        written: Written,
    ) -> None:
        """Store the idea, and ask for it or take its order, as the verdict says."""
        assert outcome.report is not None
        status, action = _STATUS[outcome.report.verdict]
        idea = await tx.ideas.add(
            made_of(
                outcome,
                bundle,
                id_=idea_id(hash_, strategy),
                bundle_hash=hash_,
                name=strategy.name,
                now=now,
            )
        )
        await tx.ideas.swap(idea, idea.move(status))
        detail: dict[str, Any] = {
            "outcome": plain(outcome),
            "idea": idea.number,
            "folded": before.repeats if before else 0,
        }
        if outcome.report.verdict is Verdict.EXECUTE:
            order = intent(idea, self.account_id, idea.sizing.volume, now)
            await tx.orders.add(order)
            written.take(order, bundle)
            detail["client_id"] = order.client_id
        if outcome.report.verdict is Verdict.ASK:
            await tx.ideas.ask(question_of(idea, bundle))
        if outcome.report.verdict in PUT_FORWARD:
            await tx.outbox.tell(idea_notice(idea), Audience())
            written.ideas = (*written.ideas, past_idea(idea))
        written.entries.append(
            Entry(
                action=action,
                occurred_at=now,
                actor="ai",
                symbol=bundle.symbol,
                market_time=bundle.instant,
                rationale=rationale(outcome),
                confidence_score=idea.confidence.score,
                risk_check_result=outcome.report.result,
                strategy_id=strategy.id,
                strategy_version=strategy.version,
                idea_id=idea.id,
                bundle_hash=hash_,
                detail=detail,
            )
        )


async def _keep(tx: Transaction, asked: Sequence[Seen]) -> None:
    """Store the bundles that will be judged as they are: up to the first one that makes an idea,
    which all that come after it see as well.
    """
    first = next((at for at, seen in enumerate(asked) if seen.is_put_forward), len(asked))
    certain = asked[: first + 1]
    hashes = await tx.bundles.put_all([seen.frozen for seen in certain])
    for seen, hash_ in zip(certain, hashes, strict=True):
        seen.hash_ = hash_


def _answers(bundle: Bundle) -> list[tuple[Strategy, Outcome]]:
    """What each strategy that has anything to say makes of a bundle."""
    asked = [strategy for strategy in bundle.strategies if applies(strategy, bundle)]
    return [(strategy, consider(strategy, bundle)) for strategy in asked]
