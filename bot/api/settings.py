"""The risk settings (source 004 §6.2): the limits and the switch, and their versions."""

from collections.abc import Collection
from dataclasses import fields
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from bot.api.fields import Done, Exact, Flag, Given, Instant, Number, Symbol, Text, Told, Whole
from bot.api.routing import Call, Routes
from bot.api.shapes import Limit
from engine.domain.person import Role
from engine.domain.settings import NO_REASON, RANGES, RiskSettings, written
from engine.flow.risk_config import RiskConfig

routes = Routes("settings")

#: The limits that source 004 names; the other settings stand behind them.
DOCUMENTED = (
    "min_confidence_threshold",
    "max_lot_size",
    "max_concurrent_trades",
    "daily_profit_target",
    "stop_after_target",
    "max_drawdown_amount",
    "halt_on_drawdown",
    "allow_off_watchlist_autotrade",
)
KINDS = {field.name: type(getattr(RiskSettings(), field.name)) for field in fields(RiskSettings)}
_FURTHER = tuple(name for name in KINDS if name not in DOCUMENTED)
_TOLD: dict[type, Any] = {Decimal: Number, int: int, bool: bool, tuple: list[str]}


def taken(name: str) -> Any:
    """What a setting takes."""
    if name in RANGES:
        low, high = RANGES[name]
        return Annotated[Whole if KINDS[name] is int else Exact, Field(ge=low, le=high)]
    if KINDS[name] is bool:
        return Flag
    return Annotated[list[Symbol], Field(min_length=1, max_length=100)]


def _told(name: str, base: type[BaseModel], names: Collection[str]) -> Any:
    """A model that tells these settings behind the fields of another."""
    return create_model(name, __base__=base, **{one: _TOLD[KINDS[one]] for one in names})


class _Enabled(Told):
    ai_trading_enabled: bool


class _Halted(_told("_Limits", _Enabled, DOCUMENTED)):  # type: ignore[misc]
    last_halt_reason: str | None
    version: int


class Risk(_told("_Further", _Halted, _FURTHER)):  # type: ignore[misc]
    """What is in force: source 004's fields, then the version and our further settings."""


class RiskVersion(_told("_Settings", Told, tuple(KINDS))):  # type: ignore[misc]
    """The settings from one change to the next: who made it, when, and why."""

    version: int
    changed_by: str
    reason: str
    created_at: Instant


_Wanted: Any = create_model(  # type: ignore[call-overload]
    "_Wanted",
    __base__=Given,
    ai_trading_enabled=Flag,
    **{name: taken(name) for name in DOCUMENTED},
    **{name: (taken(name) | None, None) for name in _FURTHER},
)


class RiskWanted(_Wanted):  # type: ignore[misc]
    """Source 004's fields, all of them; our further settings stay as they are where left out.

    What GET tells may be sent back: ``version`` is the one that was looked at, and while another
    is in force the answer is OUTDATED. ``last_halt_reason`` lifts the halt or the emergency stop
    that it names; without it they stay (NOT_CONFIRMED).
    """

    version: Annotated[Whole, Field(ge=1, le=10**9)] | None = None
    last_halt_reason: Annotated[Text, Field(max_length=200)] | None = None
    reason: Annotated[Text, Field(min_length=1, max_length=200)] = NO_REASON


@routes.get("/v1/settings/risk", role=Role.VIEWER)
async def risk(call: Call) -> Risk:
    """The limits and the switch in force."""
    return _risk(await call.uses.reads.risk(call.person_id))


@routes.put("/v1/settings/risk", role=Role.ADMIN, statuses=(409,))
async def put_risk(call: Call, body: RiskWanted) -> Done:
    """Put limits and the switch in force, at once for every check that follows; all or nothing.

    Turning trading off pauses it, turning it on resumes it; both are on record (ai_halted,
    ai_resumed). WOULD_HALT: a limit is reached that would halt it again.
    """
    given = body.model_dump(include=set(KINDS), exclude_none=True)
    await call.uses.reads.put_risk(
        call.person_id,
        {name: as_text(value) for name, value in given.items()},
        enabled=body.ai_trading_enabled,
        reason=body.reason,
        expected=body.version,
        seen=body.last_halt_reason,
    )
    return Done()


@routes.get("/v1/settings/risk/versions", role=Role.VIEWER)
async def risk_versions(call: Call, limit: Limit = 50) -> list[RiskVersion]:
    """Every version of the settings, the one in force first."""
    versions = await call.uses.talk.read_settings(call.person_id, limit=limit)
    return [
        RiskVersion(
            version=one.version,
            changed_by=one.changed_by,
            reason=one.reason,
            created_at=one.created_at,
            **_values(one.settings),
        )
        for one in versions
    ]


def _risk(config: RiskConfig) -> Risk:
    return Risk(
        ai_trading_enabled=config.is_enabled,
        last_halt_reason=config.last_halt_reason,
        version=config.version,
        **_values(config.settings),
    )


def _values(settings: RiskSettings) -> dict[str, Any]:
    values = {name: getattr(settings, name) for name in KINDS}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def as_text(value: Any) -> str:
    """A value as a person writes it; a Decimal without an exponent."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return written(tuple(value) if isinstance(value, list) else value)
