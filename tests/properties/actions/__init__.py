"""Everything that can happen in the small world, by name."""

from tests.properties.actions import jobs, limits, people, weather
from tests.properties.actions.limits import boundary, change
from tests.properties.actions.table import ACTIONS

__all__ = ["ACTIONS", "boundary", "change", "jobs", "limits", "people", "weather"]
