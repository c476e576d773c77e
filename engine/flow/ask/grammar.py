"""Which concepts together make which question. Nothing that is left over is ignored.

A rule says what must be there, what may be there too, and which slots may narrow it. A question
with a concept or a slot that a rule does not have is not that question.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.domain.ask import Intent

#: Concepts that mean nothing by themselves.
IGNORED = frozenset(("filler", "me", "this"))
#: A word that some languages have for a person's no and for a check's.
TURN_DOWN = "turndown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``needs``: exactly one concept of each group. ``pick``: at most one of these, it becomes
    ``what``, which is fixed otherwise; one of ``groups`` becomes ``by``. ``must``: slots that have
    to be filled.
    """

    intent: Intent
    needs: tuple[frozenset[str], ...]
    may: frozenset[str] = frozenset()
    pick: Mapping[str, str] = field(default_factory=dict)
    slots: frozenset[str] = frozenset()
    must: frozenset[str] = frozenset()
    what: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)

    def fits(self, concepts: frozenset[str]) -> bool:
        """Whether these concepts, whatever their slots, are this question."""
        known = self.may.union(self.pick, *self.needs)
        picked = len(concepts & self.pick.keys())
        return (
            concepts <= known
            and picked <= 1
            and all(len(concepts & group) == 1 for group in self.needs)
        )

    def takes(self, slots: Iterable[str]) -> bool:
        """Whether these slots may narrow it, and those it needs are there."""
        filled = set(slots)
        return filled <= self.slots | self.must and self.must <= filled

    def by_of(self, concepts: frozenset[str]) -> str | None:
        """By what the answer is grouped."""
        return next((self.groups[c] for c in sorted(concepts & self.groups.keys())), None)

    def what_of(self, concepts: frozenset[str]) -> str | None:
        """What of the intent these concepts name."""
        named = [self.pick[concept] for concept in sorted(concepts & self.pick.keys())]
        return named[0] if named else self.what


def _of(*concepts: str) -> frozenset[str]:
    return frozenset(concepts)


def _rule(intent: Intent, *needs: str, **others: object) -> Rule:
    """A rule of groups written ``a|b``; ``may``, ``slots`` and ``must`` as words."""
    sets: dict[str, Any] = {
        name: _of(*str(others.pop(name)).split())
        for name in ("may", "slots", "must")
        if name in others
    }
    return Rule(
        intent=intent,
        needs=tuple(_of(*group.split("|")) for group in needs),
        **sets,
        **others,  # type: ignore[arg-type]
    )


_SPAN = "period symbol"
_ANSWERS = {"approve": "approve", "reject": "reject"}
_USED = {
    "daily_loss": "max_daily_loss_percent",
    "drawdown": "max_drawdown_amount",
    "target": "daily_profit_target",
    "exposure": "max_exposure_percent",
}
_GROUPS = {
    "hour": "hour", "day": "day", "weekday": "weekday",
    "symbols": "symbol", "strategies": "strategy", "trade": "trade",
}  # fmt: skip
_UNTAKEN = {
    "refuse": "refused", "reject": "rejected", "expire": "expired", "untaken": "untaken",
    "missed": "untaken",
}  # fmt: skip
_PLAIN = {name: name for name in ("decision", "idea", "trade")}
_LASTS = {name: name for name in ("refuse", "approve", "reject", "expire", "halt", "resume")}

RULES = (
    # ---- why, who
    _rule(Intent.WHY, "why",
          may="trade idea deed last refuse approve reject expire decision", must="idea"),
    _rule(Intent.WHY, "why", "not", "trade|deed", may="idea", must="idea"),
    _rule(Intent.WHY, "why", "untaken", may="idea", must="idea"),
    _rule(Intent.WHY, "why", may="decision refuse trade", must="decision"),
    _rule(Intent.WHY, "why", "not", "trade|deed", may="decision", must="decision"),
    _rule(Intent.WHY, "why", "trade|deed", may="last idea", slots="symbol direction", what="trade"),
    _rule(Intent.WHY, "why", "idea", may="last", slots="symbol direction", what="idea"),
    _rule(Intent.WHY, "happen", may="idea trade", must="idea"),
    _rule(Intent.NONE, "why", "not", "trade|idea|deed", may="now", slots=_SPAN),
    _rule(Intent.NONE, "why", "not", slots="period", must="symbol"),
    _rule(Intent.NONE, "why", "untaken", may="trade now", slots="period", must="symbol"),
    _rule(Intent.WHY, "why", must="symbol", slots="direction", what="idea"),
    _rule(Intent.WHO, "who", "approve|reject|answer", may="idea trade", pick=_ANSWERS,
          must="idea"),
    _rule(Intent.WHO, "who", "refuse", may="idea trade", must="idea"),
    _rule(Intent.WHO, "who", "approve|reject|answer", may="idea trade most", pick=_ANSWERS,
          slots=_SPAN),
    _rule(Intent.WHO, "approve|reject|answer", may="idea trade howmany", pick=_ANSWERS,
          slots="period symbol person"),
    # ---- what was refused
    _rule(Intent.REFUSED, "refuse", may="check most why howmany idea trade", slots=_SPAN),
    _rule(Intent.REFUSED, "check", "most", may="refuse reject block idea trade why", slots=_SPAN),
    _rule(Intent.REFUSED, "check", "refuse|reject|block", may="idea trade", slots=_SPAN),
    _rule(Intent.REFUSED, "block", "idea", may="most howmany why", slots=_SPAN),
    # ---- limits, exposure, confidence
    _rule(Intent.LIMITS, "close", may="limit", pick=_USED, slots="today"),
    _rule(Intent.LIMITS, "daily_loss|drawdown|target", may="limit howmuch now",
          pick={k: v for k, v in _USED.items() if k != "exposure"}, slots="today"),
    _rule(Intent.LIMITS, "limit", may="howmuch now", slots="today"),
    _rule(Intent.LIMITS, "exposure", "limit", may="howmuch now", what=_USED["exposure"]),
    _rule(Intent.CONFIDENCE, "confidence|threshold", may="close idea howmuch confidence threshold",
          must="idea"),
    _rule(Intent.CONFIDENCE, "close", "confidence|threshold", may="idea last limit"),
    _rule(Intent.CONFIDENCE, "confidence", "last", "idea", may="howmuch", slots="symbol"),
    _rule(Intent.EXPOSURE, "exposure", may="now howmuch open trade", slots="symbol"),
    _rule(Intent.EXPOSURE, "open", may="now howmuch howmany trade", slots="symbol"),
    # ---- results
    _rule(Intent.RESULT, "profit|winrate", may="howmuch howmany trade deed",
          slots="period symbol direction strategy"),
    _rule(Intent.BEST, "best|worst", "|".join(_GROUPS), may="profit deed",
          pick={"best": "best", "worst": "worst"}, groups=_GROUPS,
          slots="period symbol direction"),
    # ---- what would have been
    _rule(Intent.WOULD, "would", may="idea trade happen whatif taken", pick=_UNTAKEN, slots=_SPAN,
          what="untaken"),
    _rule(Intent.WOULD, "whatif", "happen", may="idea trade taken", pick=_UNTAKEN, slots=_SPAN,
          what="untaken"),
    _rule(Intent.WOULD, "would", may="idea trade happen whatif taken approve refuse reject expire",
          must="idea"),
    _rule(Intent.WOULD, "whatif", "happen|taken|trade|approve",
          may="idea happen taken trade approve refuse reject expire", must="idea"),
    _rule(Intent.WOULD, "expire", may="idea howmany", slots=_SPAN, what="expired"),
    _rule(Intent.WOULD, "missed", may="idea trade howmany", slots=_SPAN, what="untaken"),
    _rule(Intent.LOST, "missed", "trade", may="howmany", slots=_SPAN),
    _rule(Intent.THRESHOLD, "threshold", "whatif",
          may="would happen howmany idea trade confidence percent", must="number", slots=_SPAN),
    _rule(Intent.THRESHOLD, "threshold", "would",
          may="happen howmany idea trade confidence percent", must="number", slots=_SPAN),
    # ---- now, last, around
    _rule(Intent.BLOCKED, "block|state", may="now trade why", slots="symbol"),
    _rule(Intent.LAST, "last", "decision|idea|trade", pick=_PLAIN, slots="symbol"),
    _rule(Intent.LAST, "last", "refuse|approve|reject|expire|halt|resume",
          may="idea trade when why", pick=_LASTS, slots="symbol"),
    _rule(Intent.NEWS, "news", may="near idea trade decision", must="idea"),
    _rule(Intent.NEWS, "news", may="near decision", must="decision"),
    _rule(Intent.NEWS, "news", "last", "idea|trade|decision", may="near",
          pick=_PLAIN, slots="symbol"),
    _rule(Intent.HALTS, "halt|resume", may="why who when howmany trade", slots="period"),
    _rule(Intent.ACTIVITY, "happen", may="decision trade howmany", slots=_SPAN),
    _rule(Intent.ACTIVITY, "howmany", "decision|idea|trade", slots=_SPAN),
    _rule(Intent.HELP, "help"),
)  # fmt: skip
