"""A whole installation on servers that ask for passwords, at DEBUG, and all that it writes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil
from redis.asyncio import Redis, from_url

from storage.embedded import Servers, data_folder, embedded_servers
from storage.embedded.binaries import tool
from tests.chaos.harness import ROOT, environment
from tests.chaos.leaks import ADDRESS, Watch

#: How often the processes' titles and arguments are looked at.
_LOOK_SECONDS = 0.2
_START_SECONDS = 90.0


@dataclass
class Installation:
    """Its servers, its processes, and whoever asks it over HTTP."""

    watch: Watch
    folder: Path
    servers: Servers
    owner: Any
    redis: Redis
    http: aiohttp.ClientSession
    #: Where the servers keep what they hold.
    data: Path
    url: str = ""
    owner_url: str = ""
    redis_url: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    titles: set[str] = field(default_factory=set)
    statuses: dict[int, int] = field(default_factory=dict)
    number: int = 0

    async def begin(self, name: str, **environ: str) -> None:
        """An empty database for the next life, with the settings of it."""
        secret = self.watch.secrets
        await self.owner.execute(f"CREATE DATABASE {name}")
        urls = (
            (self.servers.database_url, secret["DATABASE_URL"]),
            (self.servers.owner_url, secret["DATABASE_OWNER_URL"]),
        )
        self.url, self.owner_url = (
            url.replace("/ai_trader?", f"/{name}?").replace("@", f":{word}@") for url, word in urls
        )
        path, _, _ = self.servers.redis_url.partition("?")
        self.redis_url = path.replace("unix://", f"unix://:{secret['REDIS_URL']}@") + "?db=0"
        self.environ = environment(
            AI_TRADER_HOME=str(self.folder / name), DATABASE_URL=self.url,
            DATABASE_OWNER_URL=self.owner_url, REDIS_URL=self.redis_url, **environ,
        )  # fmt: skip

    @asynccontextmanager
    async def running(self, *words: str, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """One of the product's commands for the length of the block; what it prints is kept."""
        self.number += 1
        file = self.watch.folder / "logs" / f"{self.number:03} {words[0]}.log"
        file.parent.mkdir(exist_ok=True)
        with file.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.chaos.loud", *words, cwd=ROOT,
                env={**self.environ, **more}, stdin=asyncio.subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    def log(self) -> str:
        """Everything that was printed by what was started last."""
        (file,) = (self.watch.folder / "logs").glob(f"{self.number:03} *")
        return file.read_text(errors="replace")

    async def command(self, *words: str, feed: str = "", seconds: float = 30, **more: str) -> str:
        """One of the commands to its end, or cut off; what it printed, which is the caller's to
        keep.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.loud", *words, cwd=self.folder,
            env={**self.environ, **more}, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        talking = asyncio.ensure_future(process.communicate(feed.encode()))
        done, _ = await asyncio.wait([talking], timeout=seconds)
        if not done:
            os.killpg(process.pid, signal.SIGKILL)
        told, _ = await talking
        return told.decode(errors="replace")

    async def ask(
        self, method: str, path: str, *belongs: str, key: str | None = None, **options: Any
    ) -> tuple[int, Any]:
        """Ask the API; the whole answer is kept. ``belongs`` are the secrets it is to tell."""
        headers = {**options.pop("headers", {}), **({"X-API-Key": key} if key else {})}
        address = f"http://127.0.0.1:{self.environ['API_PORT']}{path}"
        async with self.http.request(
            method, address, headers=headers, allow_redirects=False, **options
        ) as answer:
            raw = await answer.read()
            told = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            # Not what was asked: a secret in a path is the caller's own.
            text = f"{method}\n{answer.status}\n{told}\n\n".encode() + raw
            self.watch.keep("answers", text, *belongs)
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            with suppress(ValueError):
                return answer.status, json.loads(raw)
            return answer.status, raw.decode(errors="replace")

    async def refused(self, seconds: float) -> None:
        """For so long nobody of the product gets into PostgreSQL or Redis; who is in is put out."""
        wrong = "0123456789" * 3
        await self.owner.execute(f"ALTER ROLE ai_trader PASSWORD '{wrong}'")
        await self.redis.config_set("requirepass", wrong)
        await self.owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        await self.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await asyncio.sleep(seconds)
        secret = self.watch.secrets
        await self.owner.execute(f"ALTER ROLE ai_trader PASSWORD '{secret['DATABASE_URL']}'")
        await self.redis.config_set("requirepass", secret["REDIS_URL"])

    async def look(self) -> None:
        """Note every title and argument of a process below this one, until it is cancelled."""
        me = psutil.Process()
        while True:
            for child in await asyncio.to_thread(me.children, recursive=True):
                with suppress(psutil.Error):
                    self.titles.add(" ".join([child.name(), *child.cmdline()]))
            await asyncio.sleep(_LOOK_SECONDS)

    async def dump(self) -> None:
        """Keep every row, every key of Redis, and what a backup holds."""
        connection = await asyncpg.connect(self.owner_url)
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        )
        for (table,) in tables:
            rows = await connection.fetch(f'SELECT t::text FROM "{table}" t')
            channel = "history" if table == "decision_history" else "database"
            belongs = (ADDRESS,) if table == "webhook_endpoint" else ()
            self.watch.keep(channel, f"{table}\n" + "\n".join(row[0] for row in rows), *belongs)
        await connection.close()
        async for name in self.redis.scan_iter():
            self.watch.keep("Redis", name + b"\n" + (await self._value(name)))
        file = self.folder / f"{self.number:03}.backup"
        self.watch.keep("commands", await self.command("backup", str(file)))
        restore = str(tool("pg_restore", self.owner.get_server_version().major))
        process = await asyncio.create_subprocess_exec(
            restore, "--file=-", str(file), stdout=asyncio.subprocess.PIPE
        )
        told, _ = await process.communicate()
        assert b"decision_history" in told, "the backup was not read"
        self.watch.keep("backup", told)

    async def _value(self, name: bytes) -> bytes:
        kind = (await self.redis.type(name)).decode()
        how = {
            "string": ("GET",), "hash": ("HGETALL",), "set": ("SMEMBERS",),
            "list": ("LRANGE", 0, -1), "zset": ("ZRANGE", 0, -1), "stream": ("XRANGE", "-", "+"),
        }[kind]  # fmt: skip
        first, *rest = how
        return repr(await self.redis.execute_command(first, name, *rest)).encode()

    def written(self) -> dict[str, Path]:
        """The files of the product and of its servers, by channel."""
        return {"files of the home": self.folder, "files of the servers": self.data}


@asynccontextmanager
async def installed(watch: Watch, folder: Path) -> AsyncIterator[Installation]:
    """PostgreSQL and Redis that let nobody in without a password, and nothing started yet."""
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(embedded_servers(folder / "servers", fsync=False))
        owner = await asyncpg.connect(servers.owner_url)
        stack.push_async_callback(owner.close)
        secret = watch.secrets
        for role, name in (
            ("ai_trader", "DATABASE_URL"),
            ("ai_trader_owner", "DATABASE_OWNER_URL"),
        ):
            await owner.execute(f"ALTER ROLE {role} PASSWORD '{secret[name]}'")
        data = data_folder(folder / "servers")
        (rules,) = data.rglob("pg_hba.conf")
        rules.write_text("local all all scram-sha-256\n")
        await owner.execute("SELECT pg_reload_conf()")
        redis = await stack.enter_async_context(
            from_url(servers.redis_url, single_connection_client=True)
        )
        await redis.config_set("requirepass", secret["REDIS_URL"])
        http = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        )
        made = Installation(watch, folder / "homes", servers, owner, redis, http, data)
        made.folder.mkdir()
        looking = asyncio.get_running_loop().create_task(made.look())
        try:
            yield made
        finally:
            looking.cancel()
            watch.keep("processes", "\n".join(sorted(made.titles)))
            await redis.config_set("requirepass", "")
