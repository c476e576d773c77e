"""kill -9 of us, of the servers and of their guards: nothing is left behind, nothing is lost."""

# ruff: noqa: ASYNC110, ASYNC220 -- short waits and file checks, nothing else runs

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis.asyncio import from_url

from storage.embedded import Servers, data_folder, embedded_servers

ROOT = Path(__file__).parents[2]
OURS = """
import asyncio, os, sys, time
from pathlib import Path
from storage.embedded import embedded_servers

async def main():
    async with embedded_servers(Path(sys.argv[1]), fsync=False) as servers:
        if "fork" in sys.argv and os.fork() == 0:
            time.sleep(600)
        print(servers.owner_url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def another_process(home: Path, *words: str) -> "tuple[subprocess.Popen[str], str]":
    """Ourselves in a process of its own, with its servers running, and the owner's URL."""
    ours = subprocess.Popen(
        [sys.executable, "-c", OURS, str(home), *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert ours.stdout
    with ours.stdout:
        return ours, ours.stdout.readline().strip()


def server_processes(home: Path) -> list[psutil.Process]:
    """The postmaster and Redis, in this order."""
    base = data_folder(home)
    postmaster = next(base.glob("postgres-*/postmaster.pid")).read_text().split()[0]
    redis = (base / "run/redis.pid").read_text()
    return [psutil.Process(int(postmaster)), psutil.Process(int(redis))]


async def gone(*processes: psutil.Process) -> None:
    while any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes):
        await asyncio.sleep(0.01)


async def write(owner_url: str) -> None:
    connection = await asyncpg.connect(owner_url)
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    await connection.close()


async def kept(servers: Servers) -> object:
    """What was written, asked as a client that keeps trying asks."""
    while True:
        try:
            connection = await asyncpg.connect(servers.owner_url)
            try:
                value = await connection.fetchval("SELECT n FROM kept")
            finally:
                await connection.close()
            async with from_url(servers.redis_url) as client:
                await client.ping()
        except (OSError, ConnectionError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.02)
        except Exception as error:
            if "redis" not in type(error).__module__:
                raise
            await asyncio.sleep(0.02)
        else:
            return value


async def test_kill_nine_of_our_process_ends_both_servers(ready_home: Path, servers_uid: int):
    ours, _ = another_process(ready_home)
    servers = server_processes(ready_home)
    everything = psutil.Process(ours.pid).children(recursive=True)
    assert {p.uids().real for p in servers} == {servers_uid}
    assert len(everything) > 4  # two guards, two servers, and PostgreSQL's own
    ours.kill()
    ours.wait()
    await gone(*everything)


async def test_a_start_right_after_kill_nine_waits_for_the_dying_servers(ready_home: Path):
    ours, url = another_process(ready_home)
    await write(url)
    old = server_processes(ready_home)
    ours.kill()
    async with embedded_servers(ready_home, fsync=False) as servers:
        assert await kept(servers) == 7
        assert not set(old) & set(server_processes(ready_home))
    ours.wait()


async def test_servers_that_have_lost_us_and_their_guards_are_ended_by_the_next_start(
    ready_home: Path,
):
    ours, url = another_process(ready_home)
    await write(url)
    old = server_processes(ready_home)
    ours.send_signal(signal.SIGSTOP)  # or it would start them again
    for guard in psutil.Process(ours.pid).children():
        guard.kill()
    ours.kill()
    ours.wait()
    assert all(p.is_running() for p in old)
    async with embedded_servers(ready_home, fsync=False) as servers:
        await gone(*old)
        assert await kept(servers) == 7


@pytest.mark.parametrize("victims", ["servers", "guards"])
async def test_what_is_killed_while_we_run_is_started_again_with_its_data(
    ready_home: Path, victims: str
):
    async with embedded_servers(ready_home, fsync=False) as servers:
        await write(servers.owner_url)
        old = server_processes(ready_home)
        for process in old if victims == "servers" else [p.parent() for p in old]:
            assert process
            process.kill()
        await gone(*old)
        assert await kept(servers) == 7
        assert not set(old) & set(server_processes(ready_home))


async def test_a_stale_pid_file_that_names_a_living_stranger_is_no_obstacle(ready_home: Path):
    ours, _ = another_process(ready_home)
    old = server_processes(ready_home)
    family = [*old, *old[0].children(recursive=True)]
    ours.send_signal(signal.SIGSTOP)
    old[0].kill()  # the postmaster leaves its files behind
    ours.kill()
    ours.wait()
    await gone(*family)
    stale = next(data_folder(ready_home).glob("postgres-*/postmaster.pid"))
    sockets = data_folder(ready_home) / "run"
    assert (sockets / ".s.PGSQL.5432").exists()
    uid = stale.stat().st_uid
    stranger = subprocess.Popen(
        ["/bin/sleep", "600"], user=uid if uid != os.geteuid() else None, cwd="/"
    )
    for file in (stale, sockets / ".s.PGSQL.5432.lock"):
        file.write_text(file.read_text().replace(str(old[0].pid), str(stranger.pid), 1))
    async with embedded_servers(ready_home, fsync=False) as servers:
        await write(servers.owner_url)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


async def test_a_forked_child_that_outlives_us_does_not_keep_the_servers(ready_home: Path):
    ours, _ = another_process(ready_home, "fork")
    old = server_processes(ready_home)
    child = next(p for p in psutil.Process(ours.pid).children() if "guard" not in str(p.cmdline()))
    ours.kill()
    ours.wait()
    await gone(*old)
    async with embedded_servers(ready_home, fsync=False):
        assert child.is_running()
    child.kill()
