"""Verify bundles and parts: the bytes of each, the names it repeats, and that none is missing."""

import json
from collections.abc import AsyncIterator, Sequence

from tortoise.backends.base.client import BaseDBAsyncClient

from engine.domain.decision import Action, Retirement, retirement_of
from engine.errors import InvalidInput
from engine.ports import Break, Fault
from engine.snapshot.canonical import unsqueeze
from engine.snapshot.parts import names_of

_PAGE = 2_000
#: Sorted keys put the names first, so that a document without any need not be read.
_NAMES = b'{"parts":'
_ROWS = {
    "part": "SELECT hash, body, parts FROM snapshot_part",
    "bundle": "SELECT hash, body, parts FROM snapshot_bundle",
}

# One row for each bundle, not for each strategy that looked at it.
_EVALUATIONS = """
SELECT snapshot_ref, min(id) FROM gate_snapshots
WHERE (final_signal = 'none' AND ts_utc < $1::timestamptz) IS NOT TRUE
GROUP BY snapshot_ref ORDER BY min(id)
"""


async def check_bundles(connection: BaseDBAsyncClient) -> tuple[set[str], list[Fault]]:
    """The hashes of the bundles that are whole, and a fault for every row that is not."""
    faults: list[Fault] = []
    whole: set[str] = set()
    needs: dict[str, tuple[str, ...]] = {}
    async for hash_, names in _sound(connection, "part", faults):
        whole.add(hash_)
        if names:
            needs[hash_] = names
    _drop_incomplete("part", whole, needs, whole, faults)
    bundles = {hash_: names async for hash_, names in _sound(connection, "bundle", faults)}
    sound = set(bundles)
    _drop_incomplete("bundle", sound, bundles, whole, faults)
    return sound, faults


async def _sound(
    connection: BaseDBAsyncClient, kind: str, faults: list[Fault]
) -> AsyncIterator[tuple[str, tuple[str, ...]]]:
    """Hash and names of the rows that are what they were."""
    last = ""
    while True:
        _, rows = await connection.execute_query(
            f"{_ROWS[kind]} WHERE hash > $1 ORDER BY hash LIMIT $2", [last, _PAGE]
        )
        for hash_, body, parts in rows:
            problem = _problem(hash_, body, parts)
            if problem is None:
                yield hash_, tuple(parts)
            else:
                faults.append(Fault(f"{kind} {hash_[:12]}", Break.BUNDLE, problem))
        if len(rows) < _PAGE:
            return
        last = rows[-1]["hash"]


def _problem(hash_: str, body: bytes, parts: list[str]) -> str | None:
    try:
        data = unsqueeze(hash_, body)
    except InvalidInput:
        return "its bytes are not those hashed"
    names = names_of(json.loads(data)) if data.startswith(_NAMES) else ()
    return None if names == tuple(parts) else "column parts differs from its bytes"


def _drop_incomplete(
    kind: str,
    kept: set[str],
    needs: dict[str, tuple[str, ...]],
    whole: set[str],
    faults: list[Fault],
) -> None:
    """Drop what needs a part that is not whole, until nothing does."""
    while True:
        broken = [h for h, names in needs.items() if h in kept and not whole.issuperset(names)]
        if not broken:
            return
        for hash_ in broken:
            lost = next(name for name in needs[hash_] if name not in whole)
            problem = f"its part {lost[:12]} is missing or damaged"
            faults.append(Fault(f"{kind} {hash_[:12]}", Break.BUNDLE, problem))
        kept.difference_update(broken)


async def retirements(connection: BaseDBAsyncClient) -> list[Retirement]:
    """Every retirement of the history, newest first; the records are verified with the others.

    One whose cutoff does not lie before the record itself excuses nothing.
    """
    _, rows = await connection.execute_query(
        "SELECT seq, body, occurred_at FROM decision_history WHERE action = $1 ORDER BY seq DESC",
        [str(Action.BUNDLES_RETIRED)],
    )
    found = ((retirement_of(seq, json.loads(body)["detail"]), at) for seq, body, at in rows)
    return [retired for retired, at in found if retired.cutoff < at]


async def check_evaluations(
    connection: BaseDBAsyncClient, sound: set[str], retired: Sequence[Retirement]
) -> list[Fault]:
    """A fault for every bundle that an evaluation rests on and that is neither whole nor retired.

    A folded no has no record in the history: what may be gone of those goes by the market's time.
    """
    cutoff = max((each.cutoff for each in retired), default=None)
    async with connection.acquire_connection() as raw:
        rows = await raw.fetch(_EVALUATIONS, cutoff)
    return [
        Fault(
            f"evaluation {first}",
            Break.BUNDLE,
            f"its bundle {ref[:12]} is missing or damaged",
        )
        for ref, first in rows
        if ref not in sound
    ]
