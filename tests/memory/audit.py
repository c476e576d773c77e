"""Verify the history that is kept in memory."""

from engine.domain.decision import Decision
from engine.ports import Break, Fault
from storage.chain import GENESIS
from tests.memory.records import chained
from tests.memory.store import MemoryStore


class MemoryAuditor:
    """The port ``Auditor`` over a store in memory."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def verify(self) -> tuple[int, tuple[Fault, ...]]:
        decisions: list[Decision] = self._store.all("decision")
        faults = []
        head = (0, GENESIS)
        for decision in decisions:
            if decision != chained(*head, decision.entry):
                problem = "it is not what was written behind the one before it"
                faults.append(Fault(f"decision {decision.seq}", Break.HASH, problem))
            head = (decision.seq, decision.hash)
        if self._store.all("head") != [head]:
            faults.append(Fault("head", Break.HEAD, "it does not name the last record"))
        return len(decisions), tuple(faults)
