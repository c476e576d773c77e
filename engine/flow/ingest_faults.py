"""What is wrong with the streams of candles, as findings."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.domain.diagnosis import Finding, Level
from engine.domain.market import Timeframe
from engine.domain.stream import StreamState, StreamTrouble
from engine.flow.ingest import wanted
from engine.ports import Store

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FindStreamFaults:
    """Which streams bring nothing since when, and which still fetch candles of before."""

    store: Store
    name: str
    watched: tuple[tuple[str, Timeframe], ...]

    async def __call__(self) -> Sequence[Finding]:
        async with self.store.begin() as tx:
            keys = await wanted(tx, self.watched)
            states = await tx.streams.states(self.name, keys)
            now = await tx.now()
        found = []
        for trouble in StreamTrouble:
            failing = [state for state in states if state.trouble is trouble]
            if failing:
                facts = _named(failing)
                since = [state.good_at for state in failing if state.good_at is not None]
                oldest = min(since, default=now)
                facts["minutes"] = int((now - oldest).total_seconds()) // 60
                facts["failures"] = max(state.failures for state in failing)
                code = f"stream_{trouble}"
                found.append(Finding(code=code, level=Level.WARNING, facts=facts))
        filling = [state for state in states if state.is_filling]
        if filling:
            facts = _named(filling)
            facts["percent"] = sum(state.percent for state in filling) // len(filling)
            found.append(Finding(code="stream_filling", level=Level.NOTE, facts=facts))
        return found


def _named(states: Sequence[StreamState]) -> dict[str, str | int]:
    """The first few by name, and how many they are."""
    names = [f"{state.symbol} {state.timeframe}" for state in states[:_SHOWN]]
    more = ["…"] if len(states) > _SHOWN else []
    return {"streams": ", ".join([*names, *more]), "count": len(states)}
