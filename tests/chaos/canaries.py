"""A known secret in every setting that has one, a whole installation that works and fails among
them, and a look through everything it wrote or sent: ``canaries --seed 1 --venues paper,binance``.

``--planted`` puts some where they do not belong, and must find every one of them.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.alone import report
from tests.chaos.around import PLANTED, around
from tests.chaos.installation import Installation, installed
from tests.chaos.leaks import Watch
from tests.chaos.misplaced import WRONG
from tests.chaos.secret_story import VENUES, Story

#: What is planted, by the channel in which it has to be found.
_PLANTS: Mapping[str, str] = {
    **dict.fromkeys(("database", "history", "answers", "chats", "backup", "commands"), PLANTED),
    "files of the servers": PLANTED,
    "logs": "OANDA_TOKEN",
    "Redis": "BINANCE_API_SECRET",
    "processes": "WEBHOOK_SECRET",
    "files of the home": "JWT_SECRET",
}


async def run(wanted: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Live through everything, and look."""
    chance, watch = Random(wanted.seed), Watch(folder / "kept")
    watch.folder.mkdir()
    more = {}
    async with AsyncExitStack() as stack:
        outside = await stack.enter_async_context(around(watch, chance, planted=wanted.planted))
        place = await stack.enter_async_context(installed(watch, folder))
        story = Story(watch, outside, place, chance, wanted.fault_seconds)
        if wanted.planted:
            more = {"PLANTED_LEAK": watch.secrets[_PLANTS["logs"]]}
        for venue in wanted.venues.split(","):
            await story.life(venue, **more)
        await story.misplaced(wanted.wrong)
        if wanted.planted:
            await _plant(place)
        outside.finish()
        written = place.written()
    leaks = await asyncio.to_thread(watch.found, written)
    counts: dict[str, Any] = {
        "secrets": len(watch.secrets), "things looked through": watch.number, **story.counts,
        "requests to outside": outside.asked,
        **{f"answers {status}": count for status, count in sorted(place.statuses.items())},
    }  # fmt: skip
    if wanted.planted:
        missed = [
            f"{name} was planted in {channel} and not found"
            for channel, name in _PLANTS.items()
            if not any(one.startswith(name) for one in leaks.get(channel, ()))
        ]
        return {**counts, "planted and found": len(_PLANTS) - len(missed)}, missed
    return counts, [f"{channel}: {one}" for channel in leaks for one in sorted(leaks[channel])]


async def _plant(place: Installation) -> None:
    """Put secrets where the product itself would not."""
    secret = place.watch.secrets
    packed = b64encode(b"x:" + secret[_PLANTS["Redis"]].encode())
    await place.redis.set("planted", packed)
    place.watch.keep("Redis", packed)
    (place.folder / "planted").write_text(secret[_PLANTS["files of the home"]])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import time; time.sleep(2)",
        secret[_PLANTS["processes"]].encode().hex(),
    )
    await process.wait()


def main(arguments: list[str]) -> int:
    """``make chaos ARGS="canaries --seed 1"``."""
    parser = argparse.ArgumentParser(prog="canaries", description=__doc__)
    parser.add_argument("--venues", default=",".join(VENUES))
    parser.add_argument("--wrong", type=int, default=len(WRONG), help="so many wrong settings")
    parser.add_argument("--fault-seconds", type=float, default=6.0)
    parser.add_argument("--planted", action="store_true", help="the negative control")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave what was looked through")
    wanted = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="ait-"))
    folder.chmod(0o711)
    try:
        counts, violations = asyncio.run(run(wanted, folder))
    finally:
        if wanted.keep:
            print(f"kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return report(counts, violations)
