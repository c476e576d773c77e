"""What a model proposes, let through only as far as it is surely harmless (source 001's strict diff
filtering).

The text is untrusted. It may name a few settings, each with a number, in the safer direction or
within a few percent of what is in force, and say why in plain words. Anything else is refused as a
whole: what is half right is not repaired. What passes is a draft that people still have to approve.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.domain.change_proposal import ChangeDraft, Source, Subject, Target
from engine.domain.exact import read
from engine.domain.settings import RANGES, RiskSettings, must_agree, with_changes
from engine.errors import InvalidInput
from engine.flow.change_proposals import LONGEST_WORDS, settings_changes

#: Bytes of a candidate, settings in it, and digits of a number, at most.
LARGEST, MOST_CHANGES, _MOST_DIGITS = 4_096, 5, 15
#: Settings that a model may only raise, and only lower: each makes trading stricter.
RAISED = frozenset(
    ("min_confidence_threshold", "confidence_floor", "strategy_min_interval_seconds", "min_candles")
)
LOWERED = frozenset(
    (
        "max_lot_size", "max_concurrent_trades", "max_drawdown_amount", "max_daily_loss_percent",
        "risk_per_trade_percent", "max_exposure_percent", "max_currency_exposure_percent",
        "max_spread_pips", "max_data_age_candles", "max_trades_per_direction",
        "strategy_rate_limit_per_min", "strategy_daily_budget",
    )
)  # fmt: skip
#: Settings with no safer side: by so many percent of what is in force, either way.
WITHIN = {
    "max_drift_r": Decimal(25),
    "idea_ttl_seconds": Decimal(50),
    "strategy_dedup_ttl_seconds": Decimal(50),
}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
#: Addresses, mentions and commands would be live links in a chat.
_LINK = re.compile(r"://|www\.|@|(?<!\w)/\w|t\.me", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a candidate was not let through: a code, and a sentence for the log."""

    code: str
    why: str


class _Refused(Exception):
    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.refusal = Refusal(code, why)


def candidate(
    text: str | bytes, settings: RiskSettings, version: int, *, by: str
) -> ChangeDraft | Refusal:
    """A draft of what the text asks for, or why not; never raises for any text.

    The text is ``{"changes": [{"setting": NAME, "to": NUMBER}, ...], "rationale": TEXT}`` and
    nothing else. ``by`` names the model.
    """
    try:
        document = _document(text)
        wanted = _changes(document["changes"], settings)
        after = with_changes(settings, wanted)
        must_agree(after)
        changes = settings_changes(settings, after)
        if {change.field for change in changes} != set(wanted):
            raise _Refused("unchanged", "a setting has this value already")
        told = {value for one in changes for value in (one.before, one.after)}
        said = _rationale(document["rationale"], told)
    except _Refused as refused:
        return refused.refusal
    except InvalidInput as error:
        return Refusal("invalid", str(error))
    except RecursionError:
        return Refusal("invalid", "it is nested too deeply")
    return ChangeDraft(
        subject=Subject(Target.SETTINGS, version=version),
        changes=changes,
        source=Source.MODEL,
        by=by[:60],
        said=said,
    )


def _document(text: str | bytes) -> dict[str, Any]:
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogatepass")
    if len(text) > LARGEST:
        raise _Refused("too_large", f"it has more than {LARGEST} bytes")
    document = read(text)
    if not isinstance(document, dict) or set(document) != {"changes", "rationale"}:
        raise _Refused("shape", "it is not an object of changes and rationale")
    return document


def _changes(given: Any, settings: RiskSettings) -> dict[str, str]:
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_CHANGES:
        raise _Refused("shape", f"changes is no list of 1 to {MOST_CHANGES}")
    wanted: dict[str, str] = {}
    for one in given:
        if not isinstance(one, dict) or set(one) != {"setting", "to"}:
            raise _Refused("shape", "a change is not a setting and a number")
        name, to = one["setting"], one["to"]
        if not isinstance(name, str) or name not in RAISED | LOWERED | set(WITHIN):
            raise _Refused("setting", "it names something that no model may change")
        if name in wanted:
            raise _Refused("twice", f"it names {name} twice")
        _must_be_safe(name, _number(to), Decimal(getattr(settings, name)))
        wanted[name] = f"{to:f}" if isinstance(to, Decimal) else str(to)
    return wanted


def _number(to: Any) -> Decimal:
    if isinstance(to, bool) or not isinstance(to, int | Decimal):
        raise _Refused("number", "a value is no number")
    number = Decimal(to)
    if not number.is_finite() or len(number.as_tuple().digits) > _MOST_DIGITS:
        raise _Refused("number", "a value has too many digits")
    return number


def _must_be_safe(name: str, to: Decimal, now: Decimal) -> None:
    low, high = RANGES[name]
    if not low <= to <= high:
        raise _Refused("range", f"{name} must be between {low:f} and {high:f}")
    if name in RAISED:
        is_safe = to > now
    elif name in LOWERED:
        is_safe = to < now
    else:
        is_safe = abs(to - now) <= now * WITHIN[name] / 100
    if not is_safe:
        raise _Refused("direction", f"{name} may not go from {now:f} to {to:f}")


def _rationale(given: Any, told: set[str | None]) -> str:
    """The model's words. A number in them must be a value of the change: any other could be taken
    for a figure that somebody measured.
    """
    if not isinstance(given, str) or not 1 <= len(given.strip()) <= LONGEST_WORDS:
        raise _Refused("rationale", f"the rationale is no text of 1 to {LONGEST_WORDS} characters")
    said = " ".join(given.split())
    if not said.isprintable() or _LINK.search(said):
        raise _Refused("rationale", "the rationale has signs or links that are not shown")
    known = {Decimal(value) for value in told if value is not None}
    for found in _NUMBER.findall(said):
        if not _is_known(found, known):
            raise _Refused("figure", "the rationale names a figure that is not of the change")
    return said


def _is_known(text: str, known: set[Decimal]) -> bool:
    if not text.isascii() or text.count(",") or text.count(".") > 1:
        return False
    return Decimal(text) in known
