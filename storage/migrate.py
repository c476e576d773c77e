"""Bring the schema up to date, one process at a time, and give the run-time role its rights."""

from importlib.resources import files

import asyncpg
from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationTarget

from engine.errors import InvalidInput
from storage.database import configuration
from storage.locks import Lock
from storage.stepping import Steps

_RIGHTS = """
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE UPDATE, DELETE, TRUNCATE ON gate_snapshots, settings_version, strategy_version FROM {role};
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON decision_history, history_head FROM {role};
GRANT EXECUTE ON FUNCTION append_decisions TO {role};
REVOKE UPDATE, DELETE, TRUNCATE ON calendar_release FROM {role};
REVOKE UPDATE, TRUNCATE ON candle FROM {role};
REVOKE UPDATE, TRUNCATE ON snapshot_bundle, snapshot_part, ea_snapshot FROM {role};
"""


async def migrate(
    owner_url: str, *, runtime_role: str | None = None, to: str = "__latest__"
) -> None:
    """Apply every migration that is missing, as the schema's owner.

    Processes that start together wait for each other. ``runtime_role`` is the role the product runs
    as: it may append to the history and never change it. ``to`` is the migration to stand at: those
    after it are taken back, with what is in their tables (``__first__`` takes back every one).
    """
    keeper = await asyncpg.connect(owner_url)
    try:
        await keeper.execute("SELECT pg_advisory_lock($1)", Lock.MIGRATION)
        config = configuration(owner_url, pool=2)
        await Tortoise.init(config=config, init_connections=False)
        steps = Steps(get_connection("default"), config["apps"])
        await steps.migrate([MigrationTarget("storage", to)])
        await Tortoise.close_connections()
        if runtime_role is not None:
            await keeper.execute(_RIGHTS.format(role=_identifier(runtime_role)))
    finally:
        await keeper.close()


def _identifier(role: str) -> str:
    if not role.replace("_", "").isalnum():
        raise InvalidInput(f"{role!r} is no role name: use letters, digits and underscores")
    return f'"{role}"'


def known_migrations() -> frozenset[str]:
    """The migrations this program has."""
    return frozenset(
        path.name.removesuffix(".py")
        for path in files("storage.migrations").iterdir()
        if path.name[:4].isdigit()
    )


async def missing(url: str) -> tuple[str, ...]:
    """Migrations this program has and the database has not, for a role that cannot apply them."""
    ours = sorted(known_migrations())
    connection = await asyncpg.connect(url)
    try:
        known = await connection.fetchval("SELECT to_regclass('tortoise_migrations') IS NOT NULL")
        rows = []
        if known:
            rows = await connection.fetch(
                "SELECT name FROM tortoise_migrations WHERE app = 'storage'"
            )
    finally:
        await connection.close()
    applied = {row["name"] for row in rows}
    return tuple(name for name in ours if name not in applied)


async def may_migrate(url: str) -> bool:
    """Whether this role may change the schema."""
    connection = await asyncpg.connect(url)
    try:
        answer: bool = await connection.fetchval("SELECT has_schema_privilege('public', 'CREATE')")
        return answer
    finally:
        await connection.close()


async def may_rewrite_history(url: str) -> bool:
    """Whether this role could change the history: an owner or a superuser can, and must not run."""
    connection = await asyncpg.connect(url)
    try:
        answer: bool = await connection.fetchval(
            "SELECT has_table_privilege('decision_history', 'UPDATE, DELETE, TRUNCATE, TRIGGER')"
            " OR has_table_privilege('history_head', 'UPDATE, DELETE, TRUNCATE, TRIGGER')"
            " OR EXISTS (SELECT FROM pg_class WHERE oid = 'decision_history'::regclass"
            "            AND pg_has_role(relowner, 'MEMBER'))"
            " OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
        )
        return answer
    finally:
        await connection.close()
