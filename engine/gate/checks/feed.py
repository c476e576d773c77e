"""The check of the feed: whether what was seen can be a market at all."""

from engine.domain.gate import Check
from engine.gate.case import Finding, Scene, scene_check
from engine.gate.feed_guard import faults, sight_of

_CLEAN = "clean"


@scene_check(Check.DATA_QUALITY)
def _data_quality(scene: Scene) -> Finding:
    """The first fault: its code with what was seen, and what it was held against."""
    found = faults(sight_of(scene.bundle))
    if not found:
        return True, _CLEAN, _CLEAN
    return False, f"{found[0].code}: {found[0].seen}", found[0].limit or _CLEAN
