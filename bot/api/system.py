"""Stop and start: the trading state, the mode, and what source 001 calls the scheduler."""

from typing import Annotated, Literal

from pydantic import Field

from bot.api.fields import Given, Instant, Text, Told, Whole
from bot.api.machine import Part, Sign, part_of, sign_of
from bot.api.routing import Call, Routes
from engine.domain.person import Role
from engine.domain.state import Control, Mode, TradingState

routes = Routes("system")

#: The version of the state that somebody looked at.
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
StateName = Literal["RUNNING", "PAUSED", "HALTED", "EMERGENCY_STOP"]


class State(Told):
    """How trading stands. ``HALTED`` is a stop of the product's own, with its ``reason``;
    ``version`` is what a resume after a stop has to name.
    """

    state: StateName
    reason: str
    ai_trading_enabled: bool
    mode: Mode
    paused_symbols: list[str]
    changed_by: str
    changed_at: Instant
    version: int


class StateWanted(Given):
    """Another state. ``reason`` goes on record; ``version`` is needed to leave a stop."""

    state: Literal["RUNNING", "PAUSED", "EMERGENCY_STOP"]
    reason: Annotated[Text, Field(max_length=200)] = ""
    version: Annotated[Whole, Field(ge=1, le=2**31 - 1)] | None = None


class ModeNow(Told):
    """Who decides on an idea that passes every check; ``version`` is that of the trading state."""

    mode: Mode
    version: int


class ModeWanted(Given):
    """Another mode; with ``version`` only if nothing has changed since."""

    mode: Literal["supervised", "autonomous"]
    version: Annotated[Whole, Field(ge=1, le=2**31 - 1)] | None = None


class Scheduler(Told):
    """Whether candles are judged and traded. Workers run all the time: ``running`` is that trading
    is not stopped, ``ready`` that everything it needs is there, ``missing`` what is not.
    """

    running: bool
    ready: bool
    missing: list[Part]
    workers: list[Sign]
    state: State


@routes.get("/v1/system/state", role=Role.VIEWER)
async def state(call: Call) -> State:
    """How trading stands."""
    return _state(await call.uses.acts.steer.read(call.person_id))


@routes.post("/v1/system/state", role=Role.TRADER, statuses=(409,))
async def change_state(call: Call, body: StateWanted) -> State:
    """Run, pause or stop.

    A halt or an emergency stop is only left by who names the ``version`` of the state they looked
    at (else 409 ``NOT_CONFIRMED``); an emergency stop only by an admin.
    """
    wanted = TradingState(body.state.lower())
    control = await call.uses.acts.steer.to(
        call.caller, wanted, version=body.version, said=body.reason
    )
    return _state(control)


@routes.post("/v1/system/emergency-stop", role=Role.TRADER)
async def emergency_stop(call: Call) -> State:
    """Stop at once: nothing is judged, what is queued is cancelled; open trades keep their stops.

    It is pulled even when the history cannot be written.
    """
    return _state(await call.uses.talk.change_control.stop(call.person_id))


@routes.get("/v1/system/scheduler", role=Role.VIEWER)
async def scheduler(call: Call) -> Scheduler:
    """Whether candles are judged and traded, and who does it."""
    ready = await call.uses.acts.read_readiness(call.person_id)
    return Scheduler(
        running=ready.control.may_open,
        ready=not ready.missing,
        missing=[part_of(one) for one in ready.missing],
        workers=[sign_of(one) for one in ready.signs if one.name.startswith("worker:")],
        state=_state(ready.control),
    )


@routes.post("/v1/system/scheduler/start", role=Role.TRADER, statuses=(409,))
async def start_scheduler(call: Call, version: Version | None = None) -> State:
    """Resume when everything that trading needs is there; else 409 ``NOT_READY`` with what is not.

    Out of a stop it needs ``version``, as a change of the state does.
    """
    return _state(await call.uses.acts.steer.start(call.caller, version=version))


@routes.post("/v1/system/scheduler/stop", role=Role.TRADER, statuses=(409,))
async def stop_scheduler(call: Call) -> State:
    """Pause: ideas are still judged and recorded, none is traded."""
    return _state(await call.uses.acts.steer.pause(call.caller))


@routes.get("/v1/system/mode", role=Role.VIEWER)
async def mode(call: Call) -> ModeNow:
    """Whether every idea needs a person, or only those that miss the threshold."""
    return _mode(await call.uses.acts.steer.read(call.person_id))


@routes.put("/v1/system/mode", role=Role.ADMIN, statuses=(409,))
async def change_mode(call: Call, body: ModeWanted) -> ModeNow:
    """Supervised or autonomous."""
    wanted = Mode(body.mode)
    return _mode(await call.uses.acts.steer.mode(call.caller, wanted, version=body.version))


@routes.post("/v1/bot/pause", role=Role.TRADER, statuses=(409,))
async def pause(call: Call) -> State:
    """No new trades; open ones keep their stops."""
    return _state(await call.uses.acts.steer.pause(call.caller))


@routes.post("/v1/bot/resume", role=Role.TRADER, statuses=(409,))
async def resume(call: Call, version: Version | None = None) -> State:
    """Trade again; out of a stop with the ``version`` of the state that was looked at."""
    return _state(await call.uses.acts.steer.resume(call.caller, version=version))


def _mode(control: Control) -> ModeNow:
    return ModeNow(mode=control.mode, version=control.version)


def _state(control: Control) -> State:
    return State.model_validate(
        {
            "state": control.state.upper(),
            "reason": control.reason,
            "ai_trading_enabled": control.may_open,
            "mode": control.mode,
            "paused_symbols": list(control.paused_symbols),
            "changed_by": control.changed_by,
            "changed_at": control.changed_at,
            "version": control.version,
        }
    )
