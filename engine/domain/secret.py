"""A secret value: it is passed on, and shown nowhere."""

from hmac import compare_digest
from typing import NoReturn


class Secret:
    """A text that must not be seen. Printing it or putting it into a document does not give it
    away; only :meth:`reveal` does, which is called where it leaves the program.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")
