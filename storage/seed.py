"""What an empty database starts with: trading paused, cautious limits, the shipped strategies."""

from collections.abc import Sequence
from dataclasses import replace

from engine.domain.settings import FIRST_START, SHIPPED, RiskSettings
from engine.domain.state import Control
from engine.domain.strategy import Strategy
from engine.errors import NotFound
from storage.locks import Lock
from storage.transaction import PostgresStore, PostgresTransaction


async def seed(strategies: Sequence[Strategy], settings: RiskSettings, control: Control) -> None:
    """Fill what is missing; what is there stays as it is. The database must be open.

    New strategies of a later release are added to an existing installation, and start switched off
    there: nobody has approved them.
    """
    async with PostgresStore().begin() as tx:
        # Processes that start together fill an empty database one after the other.
        await tx.alone(Lock.SEEDING)
        fresh = await _is_fresh(tx)
        if fresh:
            await tx.controls.save(control)
            await tx.settings.save_risk(settings, by="system", reason=FIRST_START)
        known = {strategy.id for strategy in await tx.settings.strategies()}
        for strategy in strategies:
            if strategy.id not in known:
                await tx.settings.save_strategy(
                    strategy if fresh else _off(strategy), by="system", reason=SHIPPED
                )


async def _is_fresh(tx: PostgresTransaction) -> bool:
    try:
        await tx.controls.read()
    except NotFound:
        return True
    return False


def _off(strategy: Strategy) -> Strategy:
    return replace(strategy, is_active=False)
