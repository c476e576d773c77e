"""A candle at which the pipeline is asked: judged, every check once more, and dealt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from engine.domain.account import Direction
from engine.domain.gate import Check, CheckResult, Verdict
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.order import Order
from engine.domain.snapshot import Bundle, open_order
from engine.domain.strategy import Strategy
from engine.errors import BrokerRefused
from engine.flow.evaluations import snapshot_of
from engine.flow.ideas import intent, past_idea
from engine.flow.judgement import Outcome, Question, ask_again, consider
from engine.gate.judge import NOTHING
from engine.research.eyes import Eyes
from engine.research.known import Known
from engine.research.lead import Lead
from engine.research.noes import Noes
from engine.research.simulation import State, Venue
from engine.research.stream import Dealt, Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class JudgeCandle:
    """Asks the ``strategies`` that speak of these candles, in their order, as the loop does. Where
    the run is ``screened``, what is certain already is not asked.
    """

    eyes: Eyes
    venue: Venue
    state: State
    stream: Stream
    lead: Lead
    strategies: Sequence[Strategy]
    noes: Noes
    screened: bool

    @cached_property
    def _told(self) -> Known:
        return Known(self.eyes, self.noes)

    def __call__(self, place: int) -> None:
        """Ask the pipeline at a candle, and send what it decides."""
        bundle = self.eyes.bundle(place, self.state, self.venue.account(), self.venue.positions())
        taken: list[tuple[Idea, Order]] = []
        for number, strategy in enumerate(self.strategies):
            is_first = self.screened and not bundle.orders
            known = self._told(place, number, bundle) if is_first else self._known(place)
            outcome = consider(strategy, bundle, known, self._silent(place, number))
            if outcome.report is None:
                self._no(strategy, bundle, outcome)
                continue
            self.stream.idea(bundle.instant, strategy, outcome)
            if is_first:
                self._told.learn(number, bundle, outcome.report)
            idea = self._idea(strategy, bundle, outcome)
            if idea is None:
                continue
            if self.screened and len(self.strategies) == 1:
                # Nobody is asked after it, and nothing has changed since it was judged.
                if idea.status is not IdeaStatus.NEEDS_APPROVAL:
                    self._deal(place, idea, self._order(idea))
                return
            bundle = replace(bundle, recent=(*bundle.recent, past_idea(idea)))
            if idea.status is IdeaStatus.NEEDS_APPROVAL:
                continue
            order = self._order(idea)
            taken.append((idea, order))
            bundle = replace(bundle, orders=(*bundle.orders, open_order(order)))
        for idea, order in taken:
            self._send(place, bundle, idea, order)

    def _no(self, strategy: Strategy, bundle: Bundle, outcome: Outcome) -> None:
        seen = snapshot_of(strategy, bundle, "", outcome, None)
        self.stream.no(seen.market_time, strategy, seen.reason, seen.closed, seen.signature)

    def _idea(self, strategy: Strategy, bundle: Bundle, outcome: Outcome) -> Idea | None:
        """The idea, where it is put forward: it waits for a person, or becomes an order."""
        assert outcome.report is not None
        verdict = outcome.report.verdict
        if verdict not in (Verdict.EXECUTE, Verdict.ASK):
            return None
        assert outcome.evaluation.proposal is not None
        assert outcome.sizing is not None
        assert outcome.confidence is not None
        idea = Idea(
            id=self.state.next_id(),
            number=self.state.number,
            proposal=outcome.evaluation.proposal,
            sizing=outcome.sizing,
            confidence=outcome.confidence,
            strategy_id=strategy.id,
            strategy_version=strategy.version,
            strategy_name=strategy.name,
            bundle_hash="",
            status=self._status(verdict),
            market_time=bundle.instant,
            created_at=bundle.instant,
        )
        self.state.recent = (*self.state.recent, past_idea(idea))
        return idea

    def _status(self, verdict: Verdict) -> IdeaStatus:
        if verdict is Verdict.EXECUTE:
            return IdeaStatus.AUTO_EXECUTED
        return IdeaStatus.APPROVED if self.eyes.rules.approves else IdeaStatus.NEEDS_APPROVAL

    def _known(self, place: int) -> Mapping[Check, CheckResult]:
        """What was found of the candle's data for all strategies at once."""
        return self.eyes.known(place) if self.screened else NOTHING

    def _silent(self, place: int, number: int) -> Direction | None:
        """A direction in which a strategy certainly proposes nothing."""
        if not self.screened or not self.noes.screens[number].is_silent.item(place):
            return None
        return self.strategies[number].direction.directions[0]

    def _send(self, place: int, seen: Bundle, idea: Idea, order: Order) -> None:
        """Every check once more, then to the venue; ``seen`` is what the ideas were made of."""
        bundle = replace(
            seen,
            account=self.venue.account(),
            positions=self.venue.positions(),
            orders=(open_order(order),),
        )
        question = Question(
            idea_id=idea.id,
            proposal=idea.proposal,
            confidence=idea.confidence,
            strategy_id=idea.strategy_id,
            strategy_version=idea.strategy_version,
            at_most=order.volume,
            own_order=order.client_id,
        )
        answer = ask_again(question, bundle, self._known(place))
        first = answer.report.first_failed
        approved = idea.status is IdeaStatus.APPROVED and answer.report.verdict is Verdict.ASK
        if first is not None and not approved:
            self.stream.lines.append(Dealt(str(first.code)))
            return
        self._deal(place, idea, replace(order, volume=answer.sizing.volume))

    def _order(self, idea: Idea) -> Order:
        return intent(idea, self.venue.account_id, idea.sizing.volume, idea.created_at)

    def _deal(self, place: int, idea: Idea, order: Order) -> None:
        try:
            fill = self.venue.submit(order)
        except BrokerRefused as error:
            self.stream.lines.append(Dealt(str(error)))
            return
        self.stream.lines.append(Dealt(fill))
        strategy = next(s for s in self.strategies if s.id == idea.strategy_id)
        self.lead.opened(order, strategy, place)
