"""What a command to read the parameters again finds.

Limits, strategies and the trading state are read from the database for every decision, so that
nothing old is ever decided by. What a process was started with cannot change while it runs: of that
it is said what a restart would change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.domain.operator_command import CommandType
from engine.domain.settings import differences
from engine.ports import Transaction

#: The names of process settings that are no longer as this process was started with.
Stale = Callable[[], Sequence[str]]
_VERSIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadParams:
    """Read what is in force now, and compare with the last such command."""

    stale: Stale

    async def __call__(self, tx: Transaction) -> dict[str, Any]:
        """``settings_version``, ``strategies`` with their versions, what ``changed`` since the last
        time, and ``needs_restart``, names alone: a value may be a secret.
        """
        version, _ = await tx.settings.risk()
        strategies = {
            strategy.name: strategy.version for strategy in await tx.settings.strategies()
        }
        last = await tx.operator_commands.last_done(CommandType.RELOAD_PARAMS)
        before = last.actions[0] if last is not None and last.actions else None
        found: dict[str, Any] = {"settings_version": version, "strategies": strategies}
        if before is not None:
            found["changed"] = {
                "settings": await _settings(tx, before["settings_version"]),
                "strategies": {
                    name: [before["strategies"].get(name), strategies.get(name)]
                    for name in sorted({*before["strategies"], *strategies})
                    if before["strategies"].get(name) != strategies.get(name)
                },
            }
        return {**found, "needs_restart": sorted(self.stale())}


async def _settings(tx: Transaction, before: int) -> list[str]:
    """The names of limits that differ from those of an earlier version."""
    versions = await tx.settings.risk_versions(_VERSIONS)
    then = next((known for known in versions if known.version == before), None)
    return [] if then is None else sorted(differences(then.settings, versions[0].settings))
