"""A memory of a bounded size: what was not used for longest is forgotten first."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(dict[K, V]):
    """Values by key, no more than ``limit``; None is no value."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def recall(self, key: K) -> V | None:
        """The value, which is then the one used last."""
        value = self.pop(key, None)
        if value is not None:
            self[key] = value
        return value

    def keep(self, key: K, value: V) -> V:
        """Remember a value."""
        self[key] = value
        if len(self) > self._limit:
            del self[next(iter(self))]
        return value
