"""``ai-trader backup`` and ``restore``: a copy in one file, and a stopped product made from it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bot.bell import SilentBell
from bot.reports import CLEAN, FAULTY, Say, must_have_database
from bot.settings import Settings
from bot.talk import build_talk
from bot.world import build_world, now
from engine.flow.restored import SettleRestored
from storage.audit import PostgresAuditor
from storage.backup import back_up, finish_restore, restore
from storage.database import open_database
from storage.embedded import embedded_servers, running_servers
from storage.migrate import known_migrations, migrate
from storage.waiting import set_aside


@asynccontextmanager
async def _urls(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """The addresses of the database for its owner and for the product."""
    if settings.database_url is not None:
        yield settings.database_owner_url or settings.database_url, settings.database_url
        return
    servers = running_servers(settings.ai_trader_home)
    async with AsyncExitStack() as stack:
        if servers is None:
            servers = await stack.enter_async_context(
                embedded_servers(settings.ai_trader_home, want_redis=False)
            )
        yield servers.owner_url, servers.database_url


async def make(settings: Settings, file: Path | None, *, say: Say) -> int:
    """Copy the database into a file, while it works."""
    must_have_database(settings)
    at = now()
    path = file or Path(f"ai-trader-{at:%Y%m%d-%H%M%S}.backup")
    async with _urls(settings) as (owner_url, _):
        manifest = await back_up(owner_url, path, at)
    say(f"{path}: {sum(manifest.rows.values())} rows, history up to record {manifest.seq}")
    say(f"{path}.json says what is in it. Keep both, apart from secrets and from the anchors.")
    return CLEAN


async def bring_back(settings: Settings, file: Path, *, say: Say) -> int:
    """Fill an empty database from a file; trading is stopped until an admin resumes it."""
    async with _urls(settings) as (owner_url, url):
        manifest = await restore(owner_url, file, known_migrations())
        role = urlsplit(url).username
        await migrate(owner_url, runtime_role=role if owner_url != url else None)
        aside = await set_aside(owner_url)
        async with open_database(url):
            world = build_world(settings)
            talk = build_talk(world, SilentBell(), claim_code="")
            settled = await SettleRestored(
                store=world.store, bell=SilentBell(), change_control=talk.change_control
            )()
            aside["closes and moves"] = settled.cancelled
            aside["proposals"] = settled.proposals
            await finish_restore(owner_url)
            records, faults = await PostgresAuditor(anchors=world.anchors).verify()
    say(f"{file}: {sum(manifest.rows.values())} rows of {manifest.made_at}")
    told = ", ".join(f"{count} {what}" for what, count in aside.items() if count)
    say(f"Set aside, because they waited in it: {told or 'nothing'}")
    if settled.unknown:
        say(f"Orders that were under way, to be looked up at the venue: {settled.unknown}")
    for fault in faults:
        say(f"{fault.record}: {fault.problem}")
    say(f"History: {records} records, {len(faults)} faults. Trading is stopped.")
    say("Start the product; an admin resumes it in the chat: /resume")
    return FAULTY if faults else CLEAN
