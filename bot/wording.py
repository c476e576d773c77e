"""A language model for people's questions, put together; each process that answers has its own."""

import asyncio
import time

from bot.analyst_settings import build_analyst
from bot.world import World
from engine.flow.ask.inquiries import Inquire, StopInquiry, Wording
from engine.flow.ask.lookups import LookUp
from engine.flow.ask.wording import Word


def build_wording(world: World, look_up: LookUp) -> Wording | None:
    """None where no model is used."""
    analyst = build_analyst(world.provider.plan, world.model, world.store)
    if analyst is None:
        return None
    asked = asyncio.Event()
    return Wording(
        word=Word(
            store=world.store,
            analyst=analyst,
            look_up=look_up,
            within=world.model.whole,
            clock=time.monotonic,
        ),
        inquire=Inquire(store=world.store, wake=asked.set),
        stop=StopInquiry(store=world.store),
        asked=asked,
    )
