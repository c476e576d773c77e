"""Snapshot bundles by hash: each a manifest, and the parts it shares with others."""

from collections.abc import Collection, Sequence
from datetime import datetime

from engine.domain.snapshot import Bundle
from engine.errors import InvalidInput, SnapshotNotFound
from engine.snapshot.canonical import canonical
from engine.snapshot.parts import MissingParts, Packed, pack, unpack
from storage import drawn
from storage.locks import Lock
from storage.mapping import json_text
from storage.table import Table

# A bundle that is there already is left alone, and what is drawn from it too: two workers may see
# the same picture at once. The answer is the parts it names that are not in the store; whoever adds
# parts waits here till no other transaction does, before it holds a bundle that others may want:
# two that store several bundles each would otherwise wait for each other's.
_STORE = """
WITH told AS MATERIALIZED (
    SELECT DISTINCT ON (hash) hash, symbol, instant, body, string_to_array(names, ',') AS names,
        drawn::jsonb AS drawn
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bytea[], $5::text[], $6::text[])
        AS told (hash, symbol, instant, body, names, drawn)
), missing AS MATERIALIZED (
    SELECT DISTINCT name FROM told, unnest(names) AS name
    WHERE NOT EXISTS (SELECT FROM snapshot_part WHERE snapshot_part.hash = name)
), waited AS MATERIALIZED (
    SELECT pg_advisory_xact_lock($7::bigint) FROM missing LIMIT 1
), stored AS (
    INSERT INTO snapshot_bundle (hash, symbol, instant, body, parts, created_at)
    SELECT hash, symbol, instant, body, names, clock_timestamp() FROM told
    WHERE (SELECT count(*) FROM waited) >= 0
    ORDER BY hash
    ON CONFLICT DO NOTHING RETURNING hash
), new AS (
    SELECT drawn FROM told JOIN stored USING (hash)
), market AS (
    INSERT INTO snapshot_market (symbol, timeframe, "time", open, high, low, close, volume,
        captured_at)
    SELECT symbol, timeframe, "time", open, high, low, close, volume, captured_at
    FROM new, jsonb_populate_record(NULL::snapshot_market, drawn -> 'market')
), indicators AS (
    INSERT INTO snapshot_indicators (symbol, timeframe, rsi_14, sma_50, sma_200, macd, atr,
        "values", captured_at)
    SELECT symbol, timeframe, rsi_14, sma_50, sma_200, macd, atr, "values", captured_at
    FROM new, jsonb_populate_record(NULL::snapshot_indicators, drawn -> 'indicators')
), account AS (
    INSERT INTO snapshot_account (account_id, balance, equity, margin_used, margin_free, open_pl,
        open_positions, captured_at)
    SELECT account_id, balance, equity, margin_used, margin_free, open_pl, open_positions,
        captured_at
    FROM new, jsonb_populate_recordset(NULL::snapshot_account, drawn -> 'account')
)
SELECT name FROM missing
"""

_ADD = """
WITH parts AS (
    INSERT INTO snapshot_part (hash, body, parts)
    SELECT hash, body, string_to_array(names, ',')
    FROM unnest($1::text[], $2::bytea[], $3::text[]) AS part (hash, body, names)
    ON CONFLICT DO NOTHING
), calendar AS (
    INSERT INTO snapshot_calendar (event_time, currency, impact_level, title, previous_value,
        forecast_value, actual_value, captured_at)
    SELECT event_time, currency, impact_level, title, previous_value, forecast_value, actual_value,
        captured_at
    FROM jsonb_populate_recordset(NULL::snapshot_calendar, $4::jsonb -> 'calendar')
    ON CONFLICT DO NOTHING
)
INSERT INTO snapshot_news (headline, source, symbols, published_at, captured_at)
SELECT headline, source, symbols, published_at, captured_at
FROM jsonb_populate_recordset(NULL::snapshot_news, $4::jsonb -> 'news')
ON CONFLICT DO NOTHING
"""

_REACHABLE = """
WITH RECURSIVE wanted (name) AS (
    SELECT unnest($1::text[])
    UNION SELECT unnest(parts) FROM snapshot_part JOIN wanted ON hash = name
)
SELECT hash, body FROM snapshot_part JOIN wanted ON hash = name
"""

# A bundle without any record is not ours to judge; one seen again lately is kept. The record of a
# folded no is its row in gate_snapshots.
_RETIRABLE = """
    created_at < $1
    AND (EXISTS (SELECT FROM decision_history WHERE snapshot_ref = old.hash)
         OR EXISTS (SELECT FROM gate_snapshots WHERE snapshot_ref = old.hash))
    AND NOT EXISTS (SELECT FROM decision_history WHERE snapshot_ref = old.hash
                    AND (action <> 'no_trade' OR occurred_at >= $1))
    AND NOT EXISTS (SELECT FROM gate_snapshots WHERE snapshot_ref = old.hash
                    AND (final_signal <> 'none' OR ts_utc >= $1))
    AND NOT EXISTS (SELECT FROM trade_ideas WHERE snapshot_ref = old.hash)
"""
_CANDIDATES = f"SELECT hash FROM snapshot_bundle AS old WHERE {_RETIRABLE} LIMIT $2"  # noqa: S608
_RETIRE = f"""
DELETE FROM snapshot_bundle AS old WHERE hash = ANY($2::text[]) AND {_RETIRABLE}
RETURNING hash, parts
"""  # noqa: S608

_RETIRE_PARTS = """
DELETE FROM snapshot_part AS old WHERE hash = ANY($1::text[])
AND NOT EXISTS (SELECT FROM snapshot_bundle WHERE parts @> ARRAY[old.hash::text])
AND NOT EXISTS (SELECT FROM snapshot_part WHERE parts @> ARRAY[old.hash::text])
RETURNING parts
"""


class BundleTable(Table):
    """The port ``Bundles`` in one transaction."""

    async def put(self, bundle: Bundle) -> str:
        return (await self.put_all([bundle]))[0]

    async def put_all(self, bundles: Sequence[Bundle]) -> Sequence[str]:
        if not bundles:
            return []
        packed = [pack(bundle) for bundle in bundles]
        rows = await self._rows(
            _STORE,
            [each.hash for each in packed],
            [bundle.symbol for bundle in bundles],
            [bundle.instant for bundle in bundles],
            [each.body for each in packed],
            [",".join(each.manifest.names) for each in packed],
            [canonical(drawn.of_bundle(bundle)).decode() for bundle in bundles],
            Lock.PARTS,
        )
        missing = {row["name"] for row in rows}
        for each, bundle in zip(packed, bundles, strict=True):
            wanted = missing.intersection(each.manifest.names)
            if wanted:
                await self._add(each, sorted(wanted), bundle)
                missing -= wanted
        return [each.hash for each in packed]

    async def _add(self, packed: Packed, missing: Sequence[str], bundle: Bundle) -> None:
        """Store the parts that are missing, and below a missing one whatever it needs."""
        parts = packed.below(missing)
        world = {packed.places.get("calendar"), packed.places.get("news")}
        await self._connection.execute_query(
            _ADD,
            [
                [part.hash for part in parts],
                [part.body for part in parts],
                [",".join(part.names) for part in parts],
                json_text({} if world.isdisjoint(missing) else drawn.of_world(bundle)),
            ],
        )

    async def get(self, hash_: str) -> Bundle:
        rows = await self._manifests([hash_])
        if not rows:
            raise SnapshotNotFound(f"bundle {hash_[:12]} is not in the store")
        bodies: dict[str, bytes] = {}
        while True:
            try:
                return unpack(hash_, rows[hash_], bodies.get)
            except MissingParts as gap:
                if not await self._fetch(gap.names, bodies):
                    raise

    async def find(self, hashes: Collection[str]) -> dict[str, Bundle]:
        waiting, found = await self._manifests(hashes), {}
        bodies: dict[str, bytes] = {}
        while waiting:
            gaps: set[str] = set()
            for hash_, body in list(waiting.items()):
                try:
                    found[hash_] = unpack(hash_, body, bodies.get)
                except MissingParts as gap:
                    gaps.update(gap.names)
                    continue
                except InvalidInput:
                    pass  # left out: get() says what is wrong with it
                del waiting[hash_]
            if not await self._fetch(gaps, bodies):
                break
        return found

    async def _manifests(self, hashes: Collection[str]) -> dict[str, bytes]:
        rows = await self._rows(
            "SELECT hash, body FROM snapshot_bundle WHERE hash = ANY($1::text[])", list(hashes)
        )
        return {row["hash"]: row["body"] for row in rows}

    async def _fetch(self, names: Collection[str], bodies: dict[str, bytes]) -> bool:
        """Add these parts and all below them; whether there was one that was not there yet."""
        if bodies.keys() >= set(names):
            return False
        rows = await self._rows(_REACHABLE, list(names))
        found = {row["hash"]: row["body"] for row in rows}
        is_new = not found.keys() <= bodies.keys()
        bodies |= found
        return is_new

    async def retire(self, cutoff: datetime, limit: int) -> Sequence[str]:
        found = await self._rows(_CANDIDATES, cutoff, limit)
        if not found:
            return ()
        # Who stores a bundle meanwhile would count on parts that are about to go. Trading does not
        # wait behind us for long: the search is over, and a busy table is left for the next day.
        await self._connection.execute_script(
            "SET LOCAL lock_timeout = '2s';"
            "LOCK TABLE snapshot_bundle, snapshot_part IN SHARE ROW EXCLUSIVE MODE"
        )
        removed = await self._rows(_RETIRE, cutoff, [row["hash"] for row in found])
        names = {name for row in removed for name in row["parts"]}
        while names:
            rows = await self._rows(_RETIRE_PARTS, sorted(names))
            names = {name for row in rows for name in row["parts"]}
        return [row["hash"] for row in removed]
