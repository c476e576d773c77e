"""Tortoise's migrations, with a copy of the models built only for the step that looks at it.

Before every step Tortoise copies every model of the schema, with its filters and queries, even for
a line of SQL that asks for none of them. That was most of what a new database took.
"""

from typing import Any

from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.schema_generator.state import ModelState, State
from tortoise.migrations.schema_generator.state_apps import StateApps


class _Described(State):
    """The models as they are described; they are built when somebody asks for them."""

    def __init__(self, models: dict[tuple[str, str], ModelState], source: StateApps) -> None:
        self.models = models
        self._source = source
        self._built: StateApps | None = None

    @property
    def apps(self) -> StateApps:  # type: ignore[override]
        if self._built is None:
            self._built = self._source.clone(model_states=self.models)
        return self._built

    def clone(self) -> State:
        models = {name: model.clone() for name, model in self.models.items()}
        return _Described(models, self._source)


class Steps(MigrationExecutor):
    """Applies migrations, or takes them back, as its base does and with the same result."""

    async def _project_state(
        self, applied: set[MigrationKey], *, upto: MigrationKey | None = None
    ) -> State:
        return _described(await super()._project_state(applied, upto=upto))

    async def _project_state_cache(self, applied: set[MigrationKey]) -> dict[Any, State]:
        found = await super()._project_state_cache(applied)
        return {key: _described(state) for key, state in found.items()}


def _described(state: State) -> State:
    return _Described(state.models, state.apps)
