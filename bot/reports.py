"""Commands that answer and end: replay, verify, anchor, status, calibration, halt, import."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path
from re import sub
from socket import gethostname

from bot.bell import SilentBell
from bot.i18n import words_for
from bot.narrator import plain_line
from bot.settings import Settings
from bot.talk import build_talk
from bot.views import status as status_views
from bot.views.doctor import lines_of
from bot.views.facts import badge, check_line
from bot.views.live import item_lines
from bot.views.snapshot import replay_document
from bot.wiring import build_anchor_history
from bot.world import World, build_world
from broker.feeds.csv_candles import read_candles, write_candles
from broker.instruments import instrument
from engine.domain.diagnosis import Level
from engine.domain.market import Timeframe
from engine.errors import InvalidInput, SnapshotNotFound, TraderError
from engine.flow.outcomes import ReadCalibration
from engine.flow.replay import Replay, ReplayDecision, ReplayHistory
from engine.scoring.calibration import Band
from engine.strategies.registry import load as load_setups
from storage.audit import PostgresAuditor
from storage.database import open_database
from storage.embedded import embedded_servers, has_database, running_servers
from storage.heartbeats import ages
from storage.migrate import missing

Say = Callable[[str], None]

CLEAN, FAULTY = 0, 1
_ALIVE_SECONDS = 30


@asynccontextmanager
async def open_database_of(settings: Settings) -> AsyncIterator[World]:
    """The database by its URL, else the embedded one of this machine, running or not."""
    async with AsyncExitStack() as stack:
        url = settings.database_url
        if url is None:
            must_have_database(settings)
            servers = running_servers(settings.ai_trader_home)
            if servers is None:
                servers = await stack.enter_async_context(
                    embedded_servers(settings.ai_trader_home, want_redis=False)
                )
            url = servers.database_url
        if await missing(url):
            line = "ai-trader migrate" if settings.database_url is not None else "ai-trader up"
            raise InvalidInput(f"the database is not up to date, or empty. Run {line}")
        await stack.enter_async_context(open_database(url))
        world = build_world(settings)
        stack.push_async_callback(world.close)
        yield world


def must_have_database(settings: Settings) -> None:
    """Raise :class:`InvalidInput` where no address is given and nothing ever ran in the home: to
    look would make an empty database there.
    """
    home = settings.ai_trader_home
    if settings.database_url is not None or has_database(home) or running_servers(home):
        return
    demo = f" The demo's is there: --home {home / 'demo'}" if has_database(home / "demo") else ""
    raise InvalidInput(
        f"there is no database in {home}. ai-trader up makes one; DATABASE_URL names one elsewhere."
        f"{demo}"
    )


async def verify(settings: Settings, *, say: Say) -> int:
    """0 when everything is as it was written, 1 when something is not."""
    async with open_database_of(settings) as world:
        records, faults = await PostgresAuditor(anchors=world.anchors).verify()
    for fault in faults:
        say(f"{fault.record}: {fault.kind}: {fault.problem}")
    say(f"{records} records checked, {len(faults)} faults")
    return FAULTY if faults else CLEAN


async def anchor(settings: Settings, *, say: Say) -> int:
    """Anchor the history's last record."""
    async with open_database_of(settings) as world:
        made = await build_anchor_history(world, SilentBell())()
    where = settings.anchor_path
    say(f"record {made.seq} is anchored in {where}" if made else f"nothing new for {where}")
    return CLEAN


async def replay_one(
    settings: Settings, seq: int, changes: Sequence[str], *, say: Say, as_json: bool = False
) -> int:
    """Replay one decision and show what was seen and decided."""
    load_setups()
    wanted = dict(pair(change, "--with name=value") for change in changes)
    async with open_database_of(settings) as world:
        done = await ReplayDecision(store=world.store)(seq, wanted)
    if as_json:
        say(json.dumps(replay_document(done), indent=2, ensure_ascii=False))
    else:
        _tell(done, changes, say)
    return FAULTY if done.differences else CLEAN


def _tell(done: Replay, changes: Sequence[str], say: Say) -> None:
    bundle = done.bundle
    say(plain_line(done.decision))
    say(f"  {done.decision.entry.rationale}")
    say(f"  bundle {done.decision.entry.bundle_hash}: {bundle.symbol} at {bundle.instant}")
    english, account = words_for("en"), bundle.account
    for check in done.made.checks:
        seen = check_line(english, check, account.currency if account else None)
        say(f"  {unescape(seen)} [{check.code}]")
    if done.what_if is not None:
        say(f"  with {', '.join(changes)}: {done.what_if.verdict} ({done.what_if.result})")
    for path in done.differences:
        say(f"  DIFFERS at {path}")
    say("differs" if done.differences else "equal, bit for bit")


def pair(change: str, example: str) -> tuple[str, str]:
    """A name and its value; raises :class:`InvalidInput` that shows how it is written."""
    name, sign, value = change.partition("=")
    if not sign:
        raise InvalidInput(f"write {example}, not {change!r}")
    return name, value


async def replay_all(settings: Settings, *, say: Say) -> int:
    """Replay every decision that rests on a bundle; name those that come out differently."""
    load_setups()
    equal = different = without = 0
    async with open_database_of(settings) as world:
        async for seq, done in ReplayHistory(store=world.store)():
            if isinstance(done, SnapshotNotFound):
                without += 1
            elif isinstance(done, Replay) and not done.differences:
                equal += 1
            else:
                different += 1
                say(_difference(seq, done))
    say(f"{equal} equal, {different} different, {without} without a market snapshot")
    return FAULTY if different else CLEAN


def _difference(seq: int, done: Replay | TraderError) -> str:
    if isinstance(done, TraderError):
        return f"decision {seq} cannot be computed again: {done}"
    return f"decision {seq} differs at {', '.join(done.differences[:3])}"


async def status(settings: Settings, *, say: Say) -> int:
    """How it stands, and which processes are alive."""
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        seen = await talk.read_status(None)
        alive = await ages()
    screen = status_views.status(words_for("en"), seen, is_live=world.broker.is_live)
    say(sub(r"<[^>]+>", "", screen.text or ""))
    for name, age in sorted(alive.items()):
        say(f"{name}: seen {age:.0f} s ago")
    return CLEAN


async def doctor(settings: Settings, *, say: Say) -> int:
    """What is wrong and the line that fixes it; 1 when something keeps it from working."""
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        found, live = await talk.diagnose(None), await talk.read_live(None)
    english = words_for("en")
    for finding in found:
        for line in lines_of(english, finding):
            say(unescape(sub(r"<[^>]+>", "", line)))
    for item in () if live.is_demo else live.items:
        for line in item_lines(english, item):
            say(unescape(sub(r"<[^>]+>", "", line)))
    faults = sum(finding.level is Level.FAULT for finding in found)
    say(f"{len(found)} findings, {faults} faults")
    return FAULTY if faults else CLEAN


async def calibration(settings: Settings, of: str | None, *, say: Say) -> int:
    """How often ideas of each score, strategy and symbol reached their target."""
    async with open_database_of(settings) as world:
        seen = await ReadCalibration(store=world.store)(None, of=of)
    say(f"{'':24}  ideas  target  stop  timed out  hit %    95 %   mean R")
    for title, bands in (
        ("all", (seen.whole,)),
        ("by score", seen.by_score),
        ("by strategy", seen.by_strategy),
        ("by symbol", seen.by_symbol),
    ):
        say(title)
        for band in bands:
            say(_band_line(band))
    say(f"{seen.open} still open, {seen.unknown} unknown")
    return CLEAN


def _band_line(band: Band) -> str:
    counts = f"{band.ideas:7}{band.reached:8}{band.stopped:6}{band.timed_out:11}"
    if band.hit_rate is None or band.mean_r is None or band.interval is None:
        return f"  {band.name:22}{counts}"
    low, high = (f"{part:.0%}".rstrip("%") for part in band.interval)
    rate = f"{band.hit_rate:.0%}".rstrip("%")
    return f"  {band.name[:22]:22}{counts}{rate:>7}{f'{low}–{high}':>8}{band.mean_r:>+9.2f}"


async def alive(settings: Settings, name: str, *, say: Say) -> int:
    """0 when such a process was seen lately: ``bot``, or ``worker``, which is this host's own if it
    ever had one, else any.
    """
    async with open_database_of(settings):
        known = await ages()
    own = f"{name}:{gethostname()}"
    seen = {found: age for found, age in known.items() if found.split(":")[0] == name}
    if own in seen:
        seen = {own: seen[own]}
    if not seen:
        say(f"no {name} was ever seen")
        return FAULTY
    youngest = min(seen.values())
    say(f"{name}: seen {youngest:.0f} s ago")
    return CLEAN if youngest <= _ALIVE_SECONDS else FAULTY


async def halt(settings: Settings, *, say: Say) -> int:
    """The emergency stop from this machine."""
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        control = await talk.change_control.stop(None)
    text = sub(r"<[^>]+>", "", badge(words_for("en"), control))
    say(f"{text}\nQueued orders are cancelled. An admin resumes it in the chat: /resume")
    return CLEAN


def import_candles(
    settings: Settings,
    file: Path,
    *,
    symbol: str,
    timeframe: str,
    offset: timedelta | None,
    say: Say,
) -> None:
    """Check a file of candles and keep it as a recording, whole or not at all."""
    if timeframe not in list(Timeframe):
        raise InvalidInput(f"there is no timeframe {timeframe!r}; there are {', '.join(Timeframe)}")
    instrument(symbol)
    candles = read_candles(file, Timeframe(timeframe), utc_offset=offset)
    folder = settings.ai_trader_home / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{symbol}-{timeframe}.csv".lower()
    write_candles(target, candles)
    say(f"{len(candles)} candles from {candles[0].time} to {candles[-1].time} kept in {target}")
