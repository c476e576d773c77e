"""The trading state, read and held."""

from typing import Protocol

from engine.domain.state import Control


class Controls(Protocol):
    """The trading state's one row."""

    async def read(self) -> Control:
        """The control as it is."""
        ...

    async def hold(self) -> Control:
        """The control, locked against change until the transaction ends (every send does this)."""
        ...

    async def take(self) -> Control:
        """The control, locked for a change of one's own."""
        ...

    async def save(self, control: Control) -> None:
        """Write a control taken before."""
        ...
