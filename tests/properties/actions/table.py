"""The table of what can happen; ``n`` chooses among the possible."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from tests.properties.world import World

T = TypeVar("T")
Action = Callable[[World, int], Awaitable[Any]]
ACTIONS: dict[str, Action] = {}


def action(function: Action) -> Action:
    """Enter something that can happen."""
    ACTIONS[function.__name__] = function
    return function


def one(of: Sequence[T], n: int) -> T:
    """The n-th, round and round."""
    return of[n % len(of)]
