"""The diagnosis for this installation: its venue, its feeds, and what else it was set up with."""

from collections.abc import Sequence
from functools import partial

from bot.analyst_settings import model_faults
from bot.ingesting import stream_faults
from bot.provider_settings import secret_faults
from bot.pushing import push_faults
from bot.wiring import build_feed_faults
from bot.world import World
from engine.domain.diagnosis import Finding
from engine.flow.diagnosis import Diagnose, Surroundings
from engine.flow.live import ReadLive
from engine.flow.webhook_faults import FindWebhookFaults
from engine.snapshot.collect import Collect
from storage.surroundings import surroundings


def build_diagnose(world: World, collect: Collect, read_live: ReadLive) -> Diagnose:
    """Everything trading needs, looked at."""
    return Diagnose(
        store=world.store,
        broker=world.broker,
        market=world.market,
        calendar=collect.calendar,
        news=collect.news,
        feed_faults=build_feed_faults(world),
        symbols=world.symbols,
        look_live=read_live.view,
        surroundings=partial(
            _around,
            world,
            push_faults(world.store, world.signal_server),
            stream_faults(world.store, world.market),
        ),
    )


async def _around(
    world: World, push: Surroundings, streams: Surroundings | None
) -> Sequence[Finding]:
    near = await surroundings(local_chat=world.local_chat)
    vault = secret_faults(world.keys, world.store, world.provider.plan)
    model = model_faults(world.provider.plan, world.model, world.store)
    hooks = FindWebhookFaults(store=world.store)
    found = [*near, *await world.venue.faults(), *await push(), *await vault(), *await model()]
    found += await hooks()
    return found if streams is None else [*found, *await streams()]
