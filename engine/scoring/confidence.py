"""The deterministic confidence of a proposal (source 004 §14.1): three parts, every point named."""

from dataclasses import dataclass
from decimal import Decimal

from engine.domain.idea import Adjustment, Confidence, Observation, Proposal
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.gate.news import minutes_to_news

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Weights:
    """Every penalty and bonus, in points, and the figures that trigger them."""

    strategy_start: Decimal = Decimal(50)
    required_missed: Decimal = Decimal(-20)
    nice_missed: Decimal = Decimal(-5)
    reward_short: Decimal = Decimal(-8)

    market_start: Decimal = Decimal(25)
    news_near_minutes: int = 120
    spike: Decimal = Decimal(-10)
    spike_ranges: Decimal = Decimal("2.0")
    wide_candle: Decimal = Decimal(-5)
    wide_ranges: Decimal = Decimal("1.4")
    choppy: Decimal = Decimal(-5)
    choppy_adx: Decimal = Decimal(18)
    costly_spread: Decimal = Decimal(-4)
    costly_spread_atr: Decimal = Decimal("0.12")

    account_start: Decimal = Decimal(25)
    same_direction: Decimal = Decimal(-10)
    same_symbol: Decimal = Decimal(-6)
    other_trade: Decimal = Decimal(-3)
    margin_tight: Decimal = Decimal(-8)
    margin_tight_part: Decimal = Decimal("0.5")
    day_loss_used: Decimal = Decimal(-6)
    day_loss_used_part: Decimal = Decimal("0.5")


WEIGHTS = Weights()


def score(
    strategy: Strategy,
    bundle: Bundle,
    proposal: Proposal,
    observations: tuple[Observation, ...],
    weights: Weights = WEIGHTS,
) -> Confidence:
    """The confidence of a proposal; the same bundle gives the same number everywhere.

    Nice-to-have conditions are counted from full marks down: source 004 starts at 50, its cap, so a
    bonus can only give back what missing ones take.
    """
    strategy_part = _strategy(strategy, proposal, observations, weights)
    market_part = _market(bundle, weights)
    account_part = _account(bundle, proposal, weights)
    return Confidence(
        strategy_match=_total(weights.strategy_start, strategy_part),
        market_risk=_total(weights.market_start, market_part),
        account_comfort=_total(weights.account_start, account_part),
        adjustments=(*strategy_part, *market_part, *account_part),
    )


def _total(start: Decimal, adjustments: list[Adjustment]) -> Decimal:
    return max(_ZERO, min(start, start + sum([a.points for a in adjustments], _ZERO)))


def _strategy(
    strategy: Strategy,
    proposal: Proposal,
    observations: tuple[Observation, ...],
    weights: Weights,
) -> list[Adjustment]:
    found = [
        Adjustment(o.name, weights.required_missed if o.required else weights.nice_missed)
        for o in observations
        if not o.met
    ]
    if proposal.reward_ratio < strategy.rr_expectation:
        found.append(Adjustment("reward_short", weights.reward_short))
    return found


def _market(bundle: Bundle, weights: Weights) -> list[Adjustment]:
    if bundle.calendar is None or bundle.calendar.known_until < bundle.instant:
        return [Adjustment("calendar_unknown", -weights.market_start)]
    near = minutes_to_news(bundle, bundle.instrument.currencies)
    if near is not None and near <= weights.news_near_minutes:
        return [Adjustment("news_near", -weights.market_start)]
    found = []
    now, last = bundle.indicators, bundle.candles[-1]
    atr = now.atr_14
    if not atr:
        return [Adjustment("volatility_unknown", -weights.market_start)]
    span = (last.high - last.low) / atr
    if span > weights.spike_ranges:
        found.append(Adjustment("spike", weights.spike))
    elif span > weights.wide_ranges:
        found.append(Adjustment("wide_candle", weights.wide_candle))
    if now.adx_14 is None or now.adx_14 < weights.choppy_adx:
        found.append(Adjustment("choppy", weights.choppy))
    if bundle.quote is None or bundle.quote.spread / atr > weights.costly_spread_atr:
        found.append(Adjustment("costly_spread", weights.costly_spread))
    return found


def _account(bundle: Bundle, proposal: Proposal, weights: Weights) -> list[Adjustment]:
    if bundle.account is None or not bundle.account.equity > 0:
        return [Adjustment("account_unknown", -weights.account_start)]
    found = []
    for held in bundle.holdings:
        if held.symbol != proposal.symbol:
            found.append(Adjustment("other_trade", weights.other_trade))
        elif held.direction is proposal.direction:
            found.append(Adjustment("same_direction", weights.same_direction))
        else:
            found.append(Adjustment("same_symbol", weights.same_symbol))
    if bundle.account.margin_free / bundle.account.equity < weights.margin_tight_part:
        found.append(Adjustment("margin_tight", weights.margin_tight))
    limit = bundle.settings.max_daily_loss_percent * weights.day_loss_used_part
    if bundle.day is None or bundle.day.loss_percent(bundle.account.equity) > limit:
        found.append(Adjustment("day_loss_used", weights.day_loss_used))
    return found
