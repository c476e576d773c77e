"""kill -9 of the whole product: the demo in one process, its servers, its chat, and a person."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from engine.domain.state import Mode
from storage.embedded import embedded_servers
from storage.migrate import migrate
from tests.chaos import invariants
from tests.chaos.driver import PERSON, prepare
from tests.chaos.harness import ROOT, command, environment

_START_SECONDS = 60.0
_IDLE_SECONDS = 6.0
_SETTLE_SECONDS = 22.0
_EXPLAINED = re.compile(r"v1:(ok|go|card):.*")


@dataclass
class Result:
    """What a run found."""

    kills: int = 0
    during_start: int = 0
    taps: int = 0
    acknowledged: dict[str, str] = field(default_factory=dict)
    books: invariants.Books | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """Everything that must not be."""
        return [*(self.books.violations if self.books else ["nothing was checked"]), *self.faults]


@dataclass
class Person:
    """Taps Approve on whatever asks, and looks for what does not show itself."""

    url: str
    result: Result
    tapped: set[tuple[int, str]] = field(default_factory=set)
    queries: dict[str, str] = field(default_factory=dict)
    busy_at: float = field(default_factory=time.monotonic)
    idle: int = 0

    def up(self) -> bool:
        """Whether the page answers."""
        try:
            self._get("state")
        except (OSError, ValueError, urllib.error.URLError):
            return False
        return True

    def look(self) -> None:
        """One look at the chat; a dead process is nobody's fault here."""
        try:
            self._look()
        except (OSError, ValueError, urllib.error.URLError, EOFError):
            time.sleep(0.05)

    def _look(self) -> None:
        chats = {chat["info"]["id"]: chat for chat in self._get("state")["chats"]}
        for post in chats[PERSON]["posts"][-30:]:
            self._press(post["message"])
        for call in self._get("log")["calls"]:
            if call["method"] == "answerCallbackQuery" and call["status"] == 200:
                parameters = call["params"]
                idea = self.queries.get(parameters["callback_query_id"])
                if idea is not None:
                    self.result.acknowledged[idea] = parameters.get("text") or ""
        if time.monotonic() - self.busy_at > _IDLE_SECONDS:
            self.busy_at = time.monotonic()
            self.idle += 1
            self.say("/ideas" if self.idle % 3 else "/resume")

    def _press(self, message: dict[str, Any]) -> None:
        for row in (message.get("reply_markup") or {}).get("inline_keyboard", []):
            for button in row:
                data = button.get("callback_data") or ""
                key = (message["message_id"], data)
                if key in self.tapped or not _EXPLAINED.fullmatch(data):
                    continue
                self.tapped.add(key)
                self.busy_at = time.monotonic()
                wish = {"user": PERSON, "message_id": message["message_id"], "data": data}
                query = self._post("tap", wish)["query"]
                if data.startswith("v1:ok:"):
                    self.queries[query] = data.removeprefix("v1:ok:")
                    self.result.taps += 1

    def say(self, text: str) -> None:
        """Write to the bot."""
        self._post("send", {"user": PERSON, "text": text})

    def again(self) -> None:
        """After a restart every Approve that is still there is tapped again."""
        self.tapped = {key for key in self.tapped if not key[1].startswith("v1:ok:")}
        self.busy_at = time.monotonic()

    def _get(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/sim/{what}", timeout=5) as answer:
            return json.load(answer)

    def _post(self, what: str, wish: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{self.url}/sim/{what}",
            data=json.dumps(wish).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


@contextmanager
def _demo(home: Path, port: int) -> "Iterator[subprocess.Popen[bytes]]":
    with (home.parent / "demo.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo", "--home", str(home), "--port", str(port),
             "--pace", "0.3"],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def run(*, kills: int, seed: int, say: Any = print, settle: float = _SETTLE_SECONDS) -> Result:
    """Kill so many times, let it settle, and check everything."""
    folder = Path(tempfile.mkdtemp(prefix="ait-"))
    folder.chmod(0o711)
    try:
        return _run(folder / "home", kills, Random(seed), say, settle)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(home: Path, kills: int, chance: Random, say: Any, settle: float) -> Result:
    result = Result()
    asyncio.run(_fill(home))
    port = _free_port()
    person = Person(f"http://127.0.0.1:{port}", result)
    for number in range(1, kills + 1):
        began = time.monotonic()
        moment = _one_death(home, port, person, chance)
        result.kills += 1
        result.during_start += moment == "start"
        say(f"kill {number}/{kills} during {moment}, {time.monotonic() - began:.1f} s", flush=True)
    _last_life(home, port, person, settle)
    asyncio.run(_check(home, result))
    return result


async def _fill(home: Path, mode: Mode = Mode.SUPERVISED) -> None:
    async with embedded_servers(home) as servers:
        await migrate(servers.owner_url, runtime_role="ai_trader")
        await prepare(servers.database_url, ways=("buy",), mode=mode)


def _one_death(home: Path, port: int, person: Person, chance: Random) -> str:
    early = chance.random() < 0.3
    after = chance.uniform(0.3, 5.0) if early else chance.uniform(0.0, 14.0)
    with _demo(home, port) as process:
        if early:
            time.sleep(after)
        else:
            _until_up(process, person)
            person.again()
            until = time.monotonic() + after
            while time.monotonic() < until:
                person.look()
        os.kill(process.pid, signal.SIGKILL)
    return "start" if early else "work"


def _until_up(process: "subprocess.Popen[bytes]", person: Person) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not person.up():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the demo did not start: {process.poll()}")
        time.sleep(0.05)


def _last_life(home: Path, port: int, person: Person, settle: float) -> None:
    with _demo(home, port) as process:
        _until_up(process, person)
        person.again()
        until = time.monotonic() + settle
        while time.monotonic() < until:
            person.look()
        person.say("/pause")
        time.sleep(4)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            person.result.faults.append("SIGTERM did not end it within 30 s")


async def _check(home: Path, result: Result) -> None:
    async with embedded_servers(home) as servers:
        result.books = await invariants.check(servers.owner_url)
        for words in (("verify",), ("replay", "--all")):
            done = await asyncio.to_thread(command, *words, DATABASE_URL=servers.database_url)
            if done.returncode != 0:
                result.faults.append(f"{' '.join(words)}: {done.stdout[-300:]}{done.stderr[-300:]}")
    for hex_ in result.acknowledged:
        ended = next((row for id_, row in result.books.approvals.items() if id_.hex == hex_), None)
        if ended is None or ended["ending"] == "pending":
            result.faults.append(f"a tap on idea {hex_} was answered and its approval never ended")
    venue = {trade for trade, count in invariants.venue_trades(result.books.venue).items() if count}
    orders = {row["client_id"] for row in result.books.orders}
    result.faults += [f"the venue has {id_}, we do not" for id_ in sorted(venue - orders)]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
