"""The Expert Advisor's endpoint, put together and served."""

import asyncio
import gc
import logging
from zoneinfo import ZoneInfo

from bot.codes import new_token
from bot.listening import listening
from bot.settings import Settings
from bot.world import World
from ea.answers import Pace
from ea.app import Endpoint, create_app
from engine.flow.bridge import HearTerminal, OfferCommands, TakeResult
from engine.flow.terminal_sync import TakeSnapshot
from engine.flow.terminals import RegisterTerminal
from engine.ports import Bell
from storage.polls import PostgresPolls

log = logging.getLogger(__name__)


def build_endpoint(settings: Settings, world: World, bell: Bell) -> Endpoint:
    """What the Expert Advisor of a terminal talks to."""
    clock, polls = settings.ea_clock_zone, PostgresPolls()
    return Endpoint(
        register=RegisterTerminal(
            store=world.store, new_token=new_token, allow_live=settings.live_trading_enabled
        ),
        hear=HearTerminal(store=world.store, polls=polls, bell=bell),
        offer=OfferCommands(store=world.store, polls=polls, signals=world.signals),
        take_result=TakeResult(store=world.store, bell=bell),
        take_snapshot=TakeSnapshot(
            store=world.store,
            bell=bell,
            watched=world.watched,
            zone=world.zone,
            clock_zone=None if clock is None else ZoneInfo(clock),
        ),
        pace=Pace(),
        behind_proxy=settings.ea_behind_proxy,
    )


async def serve_endpoint(endpoint: Endpoint, host: str, port: int) -> None:
    """Serve until cancelled."""
    app = create_app(endpoint)
    # What was loaded stays: walking through all of it now and then would keep everyone waiting.
    gc.collect()
    gc.freeze()
    async with listening(app, host, port, patience=3.0) as address:
        log.info("the Expert Advisor's endpoint listens on %s", address)
        await asyncio.Event().wait()
