"""The language model's own ideas for the settings: asked with figures, filtered, tried, proposed.

    asked      the settings that it may name, and how trades went; nothing that strangers wrote
    filtered   engine/research/candidates: a few settings, towards safety, or refused as a whole
    tried      played over spans of the past beside the settings of now, as the optimizer's are
    proposed   as its idea, to people; nothing is ever applied without their yes

Nothing that trades waits for this or reads what the model says.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

from engine.domain.analyst import Author, Conversation, Message, Purpose
from engine.domain.change_proposal import ChangeDraft, ChangeProposal, FoldFigures, Target
from engine.domain.settings import RANGES, RiskSettings, with_changes
from engine.domain.values import quantize
from engine.errors import AnalystUnavailable, InvalidInput, NotSetUp, Outdated
from engine.flow.change_proposals import LONGEST_WORDS, ProposeChange, wanted_of
from engine.ports import Analyst, MarketData, Store, Transaction
from engine.research.advice import ENOUGH_TRADES, Situation, mean_of
from engine.research.advisor import situation
from engine.research.candidates import LOWERED, MOST_CHANGES, RAISED, WITHIN, Refusal, candidate
from engine.research.walkforward import (
    BETTER,
    ENOUGH_OUTSIDE,
    Fold,
    Window,
    error_of,
    folds_of,
    results_of,
)
from engine.scoring.metrics import Trade

log = logging.getLogger(__name__)

#: The past that a candidate is tried on, in so many steps; a trade is taken to last at most a day.
DAYS, FOLDS, EMBARGO = timedelta(days=365), 4, timedelta(days=1)
#: By how many standard errors a setting without a safer side must gain.
_SURE = Decimal("1.65")
_TOKENS = 500

_NOTHING = "NOTHING"

_RULES = f"""\
You look at how an automatic trading program fared and may suggest other limits for it. People \
decide about every suggestion; what does not keep to these rules is thrown away unread.
Answer with one JSON object and nothing else, no markup around it:
{{"changes": [{{"setting": NAME, "to": NUMBER}}], "rationale": TEXT}}
- From one to {MOST_CHANGES} changes, each of a setting that stands under SETTINGS, within what \
stands behind it.
- The rationale has at most {LONGEST_WORDS} characters of plain English. A number in it must be \
the value of a change, before or after; name no other figure. No links, no commands, no names.
- Where nothing should change, answer {_NOTHING} instead.
"""


class SettingsEvaluator(Protocol):
    """Plays what is switched on over a span of the past, with settings of one's choice."""

    async def tried(self, settings: RiskSettings, window: Window) -> tuple[Trade, ...]:
        """The trades that were opened and closed in the window, oldest first; raises
        :class:`NotSetUp` where no past is kept.
        """
        ...


@dataclass(frozen=True, slots=True)
class Suggested:
    """What came of asking: a proposal, or a code for why there is none."""

    proposal: ChangeProposal | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggest:
    """Ask the model once what it would change, and propose what stands the trial. Whatever the
    model says, and whether it says anything, ends in a :class:`Suggested`.
    """

    store: Store
    market: MarketData
    analyst: Analyst
    propose: ProposeChange
    evaluator: SettingsEvaluator

    async def __call__(self) -> Suggested:
        async with self.store.begin() as tx:
            if await _waits(tx):
                return Suggested(None, "another_waits")
            seen = await situation(tx)
        if seen.metrics.trades < ENOUGH_TRADES:
            return Suggested(None, "too_few_trades")
        try:
            said = await self.analyst.complete(question(seen))
        except AnalystUnavailable as problem:
            return Suggested(None, problem.reason)
        if said.text.strip() == _NOTHING:
            return Suggested(None, "nothing")
        found = candidate(unwrapped(said.text), seen.settings, seen.version, by=said.model)
        if isinstance(found, Refusal):
            await self._count()
            return Suggested(None, f"refused_{found.code}")
        return await self._try(found, seen.settings)

    async def _count(self) -> None:
        async with self.store.begin() as tx:
            await tx.analyst_books.count((await tx.now()).date(), unsupported=1)

    async def _try(self, draft: ChangeDraft, now: RiskSettings) -> Suggested:
        wanted = with_changes(now, wanted_of(draft))
        end = await self.market.instant()
        try:
            folds = folds_of(Window(end - DAYS, end), count=FOLDS, embargo=EMBARGO)
            tried = await compare(self.evaluator, now, wanted, folds)
            reason = tried.refusal(draft)
            if reason is not None:
                return Suggested(None, reason)
            made = await self.propose(replace(draft, folds=tried.folds))
        except NotSetUp:
            return Suggested(None, "no_past")
        except Outdated:
            return Suggested(None, "outdated")
        except InvalidInput as error:
            log.warning("a candidate of the model could not be tried: %s", error)
            return Suggested(None, "not_tried")
        return Suggested(made, None if made is not None else "proposed_before")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A candidate beside the settings of now, step by step; results in units of risk."""

    folds: tuple[FoldFigures, ...]
    outside: tuple[Decimal, ...]
    baseline: tuple[Decimal, ...]

    def refusal(self, draft: ChangeDraft) -> str | None:
        """Why it is not to be proposed, as a code. What makes trading stricter must not make it
        worse; a setting without a safer side must make it surely better, as the optimizer's must.
        """
        if min(len(self.outside), len(self.baseline)) < ENOUGH_OUTSIDE:
            return "too_few_trades"
        mean, before = mean_of(self.outside), mean_of(self.baseline)
        if all(change.field in RAISED | LOWERED for change in draft.changes):
            return None if mean >= before else "worse"
        error = error_of(self.outside)
        if error is None or not mean >= _SURE * error:
            return "may_be_luck"
        return None if mean >= before + BETTER else "no_better"


async def compare(
    evaluator: SettingsEvaluator, now: RiskSettings, wanted: RiskSettings, folds: Sequence[Fold]
) -> Compared:
    """Play a candidate in each step's two spans, and the settings of now in the second."""
    figures, outside, baseline = [], list[Decimal](), list[Decimal]()
    for fold in folds:
        inside, tested, same = [
            results_of(await evaluator.tried(settings, window), window)
            for settings, window in ((wanted, fold.train), (wanted, fold.test), (now, fold.test))
        ]
        outside += tested
        baseline += same
        figures.append(
            FoldFigures(
                train_from=fold.train.start, train_until=fold.train.end,
                test_from=fold.test.start, test_until=fold.test.end,
                inside=mean_of(inside) if inside else None,
                outside=mean_of(tested) if tested else None,
                baseline=mean_of(same) if same else None,
                trades_inside=len(inside), trades_outside=len(tested),
            )
        )  # fmt: skip
    return Compared(folds=tuple(figures), outside=tuple(outside), baseline=tuple(baseline))


def question(seen: Situation) -> Conversation:
    """What the model is asked: numbers and names of settings, and nothing that anybody wrote."""
    lines = ["SETTINGS", *(_setting(name, seen.settings) for name in _NAMES), "", "RESULTS"]
    lines += [f"{name} = {value}" for name, value in _results(seen)]
    return Conversation(
        purpose=Purpose.ADVISE,
        messages=(
            Message(author=Author.SYSTEM, text=_RULES),
            Message(author=Author.USER, text="\n".join(lines)),
        ),
        max_tokens=_TOKENS,
    )


_NAMES = (*sorted(RAISED), *sorted(LOWERED), *sorted(WITHIN))


def _setting(name: str, settings: RiskSettings) -> str:
    now, (low, high) = Decimal(getattr(settings, name)), RANGES[name]
    if name in RAISED:
        bounds = f"only higher, at most {high:f}"
    elif name in LOWERED:
        bounds = f"only lower, at least {low:f}"
    else:
        part = now * WITHIN[name] / 100
        bounds = f"from {max(low, now - part):f} to {min(high, now + part):f}"
    return f"{name} = {now:f} ({bounds})"


def _results(seen: Situation) -> list[tuple[str, str]]:
    """Figures of the last trades, those that are known."""
    metrics = seen.metrics
    slips = [past.slippage for past in seen.past if past.slippage is not None]
    found: list[tuple[str, Decimal | int | None]] = [
        ("trades", metrics.trades),
        ("trades won", metrics.wins),
        ("mean result in units of risk", metrics.average_r),
        ("profit factor", metrics.profit_factor),
        ("deepest fall of the balance, in money", metrics.drawdown),
        ("mean slippage in units of risk", mean_of(slips) if slips else None),
        ("ideas approved by people", seen.answered),
        ("of them too late, because the price had moved", seen.moved),
    ]
    found += [
        (f"mean result of trades with confidence {name}", mean) for name, mean in _bands(seen)
    ]
    return [
        (name, f"{value if isinstance(value, int) else quantize(value, 3)}")
        for name, value in found
        if value is not None
    ]


def _bands(seen: Situation) -> list[tuple[str, Decimal]]:
    """Mean results by confidence, ten at a time."""
    found: dict[int, list[Decimal]] = {}
    for past in seen.past:
        if past.score is not None and past.r is not None:
            found.setdefault(min(90, int(past.score) // 10 * 10), []).append(past.r)
    return [(f"{low} to {low + 10}", mean_of(results)) for low, results in sorted(found.items())]


def unwrapped(text: str) -> str:
    """The text without the fence of a block of code, which many models put around what they were
    asked for; nothing else is repaired.
    """
    lines = text.strip().split("\n")
    if len(lines) > 2 and lines[0] in ("```", "```json") and lines[-1] == "```":
        return "\n".join(lines[1:-1])
    return text


async def _waits(tx: Transaction) -> bool:
    pending = await tx.change_proposals.pending()
    return any(one.draft.subject.target is Target.SETTINGS for one in pending)
