"""The ports ``Store`` and ``Auditor`` in memory: a database's transactions at none of its cost."""

from tests.memory.audit import MemoryAuditor
from tests.memory.polls import MemoryPolls
from tests.memory.rows import Change, Duplicate
from tests.memory.store import MemoryStore, MemoryTransaction

__all__ = [
    "Change",
    "Duplicate",
    "MemoryAuditor",
    "MemoryPolls",
    "MemoryStore",
    "MemoryTransaction",
]
