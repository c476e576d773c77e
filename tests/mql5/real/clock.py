"""A database whose clock is moved by a test.

``clock_timestamp()`` is found in a schema before ``pg_catalog``: every statement of the product
reads the simulated instant without knowing it. Defaults of columns were bound when the tables were
made, so they are set again.
"""

from datetime import UTC, datetime

import asyncpg

_MAKE = """
CREATE SCHEMA simulated;
CREATE TABLE simulated.instant (at timestamptz NOT NULL);
CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz
LANGUAGE sql VOLATILE SECURITY DEFINER AS 'SELECT at FROM simulated.instant';
GRANT USAGE ON SCHEMA simulated TO PUBLIC;
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT adrelid::regclass AS place, attname FROM pg_attrdef
        JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
        WHERE pg_get_expr(adbin, adrelid) ILIKE '%clock_timestamp()%'
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER %I SET DEFAULT simulated.clock_timestamp()',
                       found.place, found.attname);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I SET search_path = simulated, pg_catalog, public',
                   current_database());
END $$;
"""


class Clock:
    """The clock of one database. It is made before the product connects."""

    def __init__(self, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._owner = owner

    @classmethod
    async def make(cls, owner_url: str, seconds: float) -> "Clock":
        """Take a database's clock over, at an instant in seconds since 1970."""
        owner = await asyncpg.connect(owner_url)
        await owner.execute(_MAKE)
        await owner.execute("INSERT INTO simulated.instant VALUES ($1)", _instant(seconds))
        return cls(owner)

    async def set(self, seconds: float) -> None:
        """It is that instant now."""
        await self._owner.execute("UPDATE simulated.instant SET at = $1", _instant(seconds))

    async def close(self) -> None:
        """The clock stands from here on."""
        await self._owner.close()


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
