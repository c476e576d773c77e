"""What may be said of an idea: figures that were computed when it was made, and nothing else."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from engine.domain.gate import CheckResult, GateReport
from engine.domain.idea import Evaluation, Idea
from engine.domain.snapshot import Bundle, CalendarEvent, Impact
from engine.domain.values import quantize
from engine.llm.evidence import Evidence, Figure, Unit

#: Words for a level, in the languages of the catalogues: right before a number they claim it.
_LABELS = {
    "entry": ("entry", "entrada", "einstieg", "вход", "الدخول"),
    "stop": ("stop", "stop-loss", "стоп", "وقف الخسارة", "الوقف"),
    "target": ("target", "take-profit", "objetivo", "alvo", "ziel", "цель", "الهدف"),
    "confidence": ("confidence", "confianza", "confiança", "konfidenz", "уверенность", "الثقة"),
}
#: Indicators: field, what it is called, its period.
_INDICATORS = (
    ("ema_20", "ema", 20), ("ema_50", "ema", 50), ("sma_50", "sma", 50), ("sma_200", "sma", 200),
    ("rsi_14", "rsi", 14), ("atr_14", "atr", 14), ("adx_14", "adx", 14), ("macd", "macd", None),
    ("macd_signal", "macd signal", None), ("bb_low", "bollinger low", None),
    ("bb_mid", "bollinger middle", None), ("bb_high", "bollinger high", None),
    ("vwap", "vwap", None), ("swing_low", "swing low", None), ("swing_high", "swing high", None),
)  # fmt: skip
_OSCILLATORS = ("rsi_14", "adx_14")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]|:\d)")
_AHEAD = timedelta(hours=24)
_HEADLINES = 5


def evidence_of(
    idea: Idea, evaluation: Evaluation, report: GateReport | None, bundle: Bundle
) -> Evidence:
    """The evidence of an idea: levels, size, score, indicators, conditions, checks, the account."""
    checks = () if report is None else report.checks
    events = _events(bundle)
    return Evidence(
        figures=(
            *_levels(idea, bundle), *_size(idea, bundle), *_score(idea), *_indicators(bundle),
            *_market(bundle, events), *_account(bundle), *_conditions(evaluation),
            *_checks(checks),
        ),
        instants=_instants(idea, bundle, events),
        names=_names(idea, bundle, events),
        ids=frozenset((str(idea.number), str(idea.id), idea.bundle_hash)),
        facts=tuple(_facts(idea, evaluation, checks)),
        untrusted=_untrusted(idea, bundle, events),
    )  # fmt: skip


def _levels(idea: Idea, bundle: Bundle) -> Iterator[Figure]:
    proposal, places, quote = idea.proposal, bundle.instrument.digits, bundle.instrument.quote
    levels = [("entry", proposal.entry), ("stop", proposal.stop_loss)]
    levels += [("target", price) for price in proposal.take_profit]
    for name, price in levels:
        yield Figure(
            name=name, value=price, unit=Unit.PRICE, labels=_LABELS[name], currency=quote,
            places=places,
        )  # fmt: skip
    pips = bundle.instrument.pips
    yield Figure(name="distance of the stop", value=pips(proposal.risk), unit=Unit.PIPS)
    for price in proposal.take_profit:
        far = pips(abs(price - proposal.entry))
        yield Figure(name="distance of the target", value=far, unit=Unit.PIPS)
    yield Figure(
        name="reward for each unit of risk", value=quantize(proposal.reward_ratio, 2), unit=Unit.R
    )
    if proposal.time_limit_min is not None:
        limit = Decimal(proposal.time_limit_min)
        yield Figure(name="time limit", value=limit, unit=Unit.MINUTES)


def _size(idea: Idea, bundle: Bundle) -> Iterator[Figure]:
    sizing = idea.sizing
    currency = bundle.account.currency if bundle.account else None
    yield Figure(name="size", value=sizing.volume, unit=Unit.LOTS)
    yield Figure(name="money at risk", value=sizing.risk_money, unit=Unit.MONEY, currency=currency)
    yield Figure(name="part of equity at risk", value=sizing.risk_percent, unit=Unit.PERCENT)
    yield Figure(name="margin", value=sizing.margin, unit=Unit.MONEY, currency=currency)


def _score(idea: Idea) -> Iterator[Figure]:
    parts = idea.confidence
    labels = _LABELS["confidence"]
    yield Figure(name="confidence", value=parts.score, unit=Unit.SCORE, labels=labels)
    for name, value, most in (
        ("strategy match", parts.strategy_match, 50), ("market risk", parts.market_risk, 25),
        ("account comfort", parts.account_comfort, 25), ("confidence's most", Decimal(100), 100),
    ):  # fmt: skip
        yield Figure(name=name, value=value, unit=Unit.SCORE)
        yield Figure(name=f"most of {name}", value=Decimal(most), unit=Unit.SCORE)
    for each in parts.adjustments:
        yield Figure(name=f"points for {each.name}", value=each.points, unit=Unit.SCORE)


def _indicators(bundle: Bundle) -> Iterator[Figure]:
    digits = bundle.instrument.digits
    for field, name, period in _INDICATORS:
        value = getattr(bundle.indicators, field)
        if value is None:
            continue
        label = name if period is None else f"{name} {period}"
        is_price = field not in _OSCILLATORS
        shown = quantize(value, digits if is_price else 2)
        labels = (label, f"{name}{period}", f"{name}({period})", f"{name}-{period}")
        bare = (name,) if field in ("rsi_14", "adx_14", "atr_14", "vwap", "macd") else ()
        yield Figure(
            name=label.upper(), value=shown, unit=Unit.PRICE if is_price else Unit.FIGURE,
            labels=(*labels, *bare), currency=bundle.instrument.quote,
        )  # fmt: skip
        if period is not None:
            yield Figure(
                name=f"period of {name.upper()}", value=Decimal(period), unit=Unit.PERIOD,
                labels=(name,),
            )  # fmt: skip


def _market(bundle: Bundle, events: Sequence[CalendarEvent]) -> Iterator[Figure]:
    last, places = bundle.candles[-1], bundle.instrument.digits
    for name in ("open", "high", "low", "close"):
        price = getattr(last, name)
        yield Figure(
            name=f"{name} of the last candle", value=price, unit=Unit.PRICE, places=places,
            currency=bundle.instrument.quote,
        )  # fmt: skip
    if bundle.quote is not None:
        spread = quantize(bundle.instrument.pips(bundle.quote.spread), 2)
        yield Figure(name="spread", value=spread, unit=Unit.PIPS)
    for event in events:
        away = quantize(Decimal(int((event.time - bundle.instant).total_seconds())) / 60, 0)
        yield Figure(name="until the next release", value=away, unit=Unit.MINUTES)


def _account(bundle: Bundle) -> Iterator[Figure]:
    account, limit = bundle.account, bundle.settings.max_daily_loss_percent
    yield Figure(name="limit of the daily loss", value=limit, unit=Unit.PERCENT)
    yield Figure(name="open positions", value=Decimal(len(bundle.positions)), unit=Unit.COUNT)
    if account is None:
        return
    for name in ("balance", "equity", "margin_free"):
        yield Figure(
            name=name.replace("_", " "), value=getattr(account, name), unit=Unit.MONEY,
            currency=account.currency,
        )  # fmt: skip
    if bundle.day is not None:
        used = quantize(bundle.day.loss_percent(account.equity), 2)
        yield Figure(name="daily loss so far", value=used, unit=Unit.PERCENT)


def _conditions(evaluation: Evaluation) -> Iterator[Figure]:
    seen = evaluation.observations
    met = sum(each.met for each in seen)
    yield Figure(name="conditions that hold", value=Decimal(met), unit=Unit.COUNT)
    yield Figure(name="conditions", value=Decimal(len(seen)), unit=Unit.COUNT)
    for each in seen:
        for number in _NUMBER.findall(f"{each.argument} {each.observed}"):
            yield Figure(name=f"of the condition {each.name}", value=Decimal(number))


def _checks(checks: Sequence[CheckResult]) -> Iterator[Figure]:
    passed = sum(check.passed for check in checks)
    yield Figure(name="checks that passed", value=Decimal(passed), unit=Unit.COUNT)
    yield Figure(name="checks", value=Decimal(len(checks)), unit=Unit.COUNT)
    for check in checks:
        if not check.passed:
            for number in _NUMBER.findall(f"{check.observed} {check.limit}"):
                yield Figure(name=f"of the check {check.code}", value=Decimal(number))


def _facts(idea: Idea, evaluation: Evaluation, checks: Sequence[CheckResult]) -> Iterator[str]:
    yield f"direction {idea.proposal.direction}"
    for seen in evaluation.observations:
        sign = "holds" if seen.met else "does not hold"
        yield f"condition {seen.name} {seen.argument}: {seen.observed}, {sign}"
    for check in checks:
        if not check.passed:
            yield f"check {check.code} closed: {check.observed}, limit {check.limit}"


def _events(bundle: Bundle) -> tuple[CalendarEvent, ...]:
    if bundle.calendar is None:
        return ()
    found = [
        event
        for event in bundle.calendar.events
        if event.impact is Impact.HIGH
        and bundle.instant <= event.time <= bundle.instant + _AHEAD
        and event.concerns(bundle.instrument.currencies)
    ]
    return tuple(found[:3])


def _instants(idea: Idea, bundle: Bundle, events: Sequence[CalendarEvent]) -> tuple[datetime, ...]:
    return (
        bundle.instant, idea.created_at, bundle.candles[-1].time,
        *(event.time for event in events),
    )  # fmt: skip


def _names(idea: Idea, bundle: Bundle, events: Sequence[CalendarEvent]) -> frozenset[str]:
    spec = bundle.instrument
    account = {bundle.account.currency} if bundle.account else set()
    return frozenset(
        {
            bundle.symbol, spec.base, spec.quote, str(bundle.timeframe),
            str(idea.proposal.direction).upper(), f"v{idea.strategy_version}",
            *(str(frame.timeframe) for frame in bundle.frames),
            *(event.currency for event in events if event.currency in spec.currencies), *account,
        }
    )  # fmt: skip


def _untrusted(idea: Idea, bundle: Bundle, events: Sequence[CalendarEvent]) -> tuple[str, ...]:
    return (
        f"strategy: {idea.strategy_name}",
        *(f"release: {event.title}" for event in events),
        *(f"headline: {each.text}" for each in bundle.news[:_HEADLINES]),
    )
