"""The signal of source 003: the approved random forest is sure enough that the price rises, or that
it does not.
"""

from engine.domain.account import Direction
from engine.domain.idea import Observation
from engine.domain.signal import BUY_FROM, SELL_TO
from engine.domain.snapshot import Bundle
from engine.strategies.registry import Found, setup


@setup("forest")
def forest(bundle: Bundle, direction: Direction) -> Found | None:
    """From a probability of 0.55 a buy, up to 0.45 a sell; between them, or without an approved
    model, nothing. Stop and target are the document's.
    """
    said = bundle.prediction
    if said is None:
        return None
    buys = direction is Direction.BUY
    sure = said.probability >= BUY_FROM if buys else said.probability <= SELL_TO
    limit = BUY_FROM if buys else SELL_TO
    return Found(
        (
            Observation("model", f"{said.hash[:12]}", said.model, met=True, required=False),
            Observation("forecast", str(limit), str(said.probability), met=sure, required=True),
        )
    )
