"""The jobs of models: new trainings when it is time, and signals for the EA server."""

import logging
from collections.abc import Mapping
from typing import Any

from bot.wiring import Work
from bot.world import World

log = logging.getLogger(__name__)


async def retrain(ctx: Mapping[str, Any]) -> None:
    """Ask for a training of every approved model that has grown old; may run anywhere and twice."""
    work: Work = ctx["work"]
    for training in await work.retrain():
        log.info("training %s of %s is due", training.id, training.wish.symbol)


async def generate_signals(ctx: Mapping[str, Any]) -> None:
    """Queue what approved models say of candles that closed, where signals are pushed."""
    work: Work = ctx["work"]
    world: World = ctx["world"]
    if world.signal_server is None:
        return
    for made in await work.generate_signal.all(world.symbols):
        log.info(
            "generated signal: %s %s (confidence: %.1f%%)",
            made.symbol, made.side, 100 * made.confidence,
        )  # fmt: skip
