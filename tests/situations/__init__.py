"""For every check of the gate: situations in which it passes, and in which it fails."""

from tests.situations.limits import LIMITS
from tests.situations.market import MARKET
from tests.situations.trades import TRADES

#: In the order of the codes.
SITUATIONS = {**MARKET, **TRADES, **LIMITS}
