"""The check of the feed: whether what was seen can be a market at all."""

from functools import lru_cache

from engine.domain.feed_fault import FeedFault
from engine.domain.gate import Check
from engine.domain.snapshot import Bundle
from engine.gate.case import Finding, Scene, scene_check
from engine.gate.feed_guard import faults, sight_of

_CLEAN = "clean"


class _Same:
    """A bundle as the key of what was found in it: the very object, for it never changes."""

    __slots__ = ("bundle",)

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def __hash__(self) -> int:
        return id(self.bundle)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.bundle is self.bundle


@scene_check(Check.DATA_QUALITY)
def _data_quality(scene: Scene) -> Finding:
    """The first fault: its code with what was seen, and what it was held against."""
    found = _faults(_Same(scene.bundle))
    if not found:
        return True, _CLEAN, _CLEAN
    return False, f"{found[0].code}: {found[0].seen}", found[0].limit or _CLEAN


@lru_cache(maxsize=4)
def _faults(same: _Same) -> tuple[FeedFault, ...]:
    """Every strategy judges the same bundle, whose data is looked at once; the few that are kept
    keep their bundle, so that no other can have its identity meanwhile.
    """
    return faults(sight_of(same.bundle))
