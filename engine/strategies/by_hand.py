"""The rules that an order by hand is held to: every limit there is, and no setup of its own.

It stands in no book and watches nothing. A person brings direction, stop and targets; all else is
judged as any idea is. Being made of the bundle alone, it is the same when a record is replayed.
"""

from datetime import time
from decimal import Decimal

from engine.domain.snapshot import Bundle
from engine.domain.strategy import (
    DAYS,
    ExitRules,
    ForbiddenConditions,
    RiskCaps,
    SessionWindow,
    Side,
    Strategy,
)
from engine.strategies.documents import strategy_id

#: No document can have this id: a name of one has no slash.
BY_HAND = strategy_id("/by hand")
#: Goes up when a rule below changes, so that a decision names what it was held to.
VERSION = 1

#: As the shipped strategies have it.
_NEWS_MINUTES = 30
_REWARD = Decimal(2)
#: The global limits are the only ones.
_ANY_LOTS, _ANY_NUMBER = Decimal(1_000_000), 1_000


def by_hand(bundle: Bundle) -> Strategy:
    """The rules for a bundle's symbol and timeframe: at any hour, away from news of its currencies,
    not in a chaotic or dead market, and worth at least half of the usual reward.
    """
    midnight = time(0, 0)
    return Strategy(
        id=BY_HAND,
        version=VERSION,
        name="By hand",
        is_active=True,
        timeframe=bundle.timeframe,
        direction=Side.BOTH,
        allowed_symbols=(bundle.symbol,),
        session_windows=(SessionWindow(midnight, midnight, DAYS),),
        entry_conditions=(),
        nice_to_have=(),
        exit_rules=ExitRules(stop_loss="by_hand", take_profit=("by_hand",)),
        forbidden_conditions=ForbiddenConditions(
            _NEWS_MINUTES, tuple(sorted(bundle.instrument.currencies))
        ),
        risk_caps=RiskCaps(_ANY_LOTS, _ANY_NUMBER),
        rr_expectation=_REWARD,
    )
