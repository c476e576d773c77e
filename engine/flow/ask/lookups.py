"""The registry of look-ups: what each answers, what narrows it, and the one way to run them.

A look-up only reads. Whoever runs one, a person's question or a model's tool call, is asked for the
person's role first, as a command is.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from engine.domain.account import Direction
from engine.domain.ask import Asked, Evidence, Intent, asked_of
from engine.domain.market import Timeframe
from engine.domain.person import Role
from engine.errors import InvalidInput
from engine.flow.ask import (
    about_account,
    about_ideas,
    about_records,
    about_refusals,
    about_results,
)
from engine.flow.ask.periods import period_of
from engine.flow.ask.scene import Scene
from engine.flow.glance import Glance
from engine.flow.latch import market_time
from engine.flow.people import must_be
from engine.flow.usage import ReadLimits
from engine.ports import MarketData, Store, Transaction

Read = Callable[[Scene, Transaction, Asked], Awaitable[Evidence]]

_SHAPES: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "symbol": {"type": "string", "maxLength": 24},
    "period": {
        "type": "string",
        "maxLength": 24,
        "description": "today, yesterday, this_week, last_week, this_month, last_month, all,"
        " d7 (7 days), h24 (24 hours), 2026-01-02, or 2026-01-02..2026-01-09",
    },
    "direction": {"enum": [str(way) for way in Direction]},
    "idea": {"type": "integer", "minimum": 1},
    "decision": {"type": "integer", "minimum": 1},
    "number": {"type": "number", "minimum": 0, "maximum": 100},
    "person": {"type": "integer"},
    "strategy": {"type": "string", "maxLength": 60},
})  # fmt: skip
_WHATS: Mapping[Intent, tuple[str, ...]] = MappingProxyType({
    Intent.WHY: ("trade", "idea"),
    Intent.WHO: ("approve", "reject"),
    Intent.LIMITS: about_account.NAMES,
    Intent.BEST: ("best", "worst"),
    Intent.WOULD: ("refused", "rejected", "expired", "untaken"),
    Intent.LAST: (
        "decision", "idea", "trade", "refuse", "approve", "reject", "expire", "halt", "resume",
    ),
    Intent.NEWS: ("decision", "idea", "trade"),
})  # fmt: skip
_GROUPS = ("hour", "weekday", "day", "symbol", "strategy", "trade")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One look-up. ``slots`` may narrow it, ``must`` have to; ``reads_limits`` is one of now."""

    intent: Intent
    description: str
    read: Read
    slots: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    reads_limits: bool = False

    @property
    def name(self) -> str:
        """As a caller names it."""
        return str(self.intent)

    @property
    def schema(self) -> dict[str, Any]:
        """A JSON schema of the arguments, an object."""
        shapes: dict[str, Any] = {name: dict(_SHAPES[name]) for name in self.slots}
        if self.intent in _WHATS:
            shapes["what"] = {"enum": list(_WHATS[self.intent])}
        if self.intent is Intent.BEST:
            shapes["by"] = {"enum": list(_GROUPS)}
        return {
            "type": "object",
            "properties": shapes,
            "required": list(self.must),
            "additionalProperties": False,
        }

    def accept(self, asked: Asked) -> None:
        """Raise :class:`InvalidInput` for a question that is not this look-up's."""
        given, allowed = asked.slots, self.schema["properties"]
        for name, value in given.items():
            shape = allowed.get(name)
            if shape is None or value not in shape.get("enum", (value,)):
                raise InvalidInput(f"{self.name} is not narrowed by {name} {value}", field=name)
        absent = [name for name in self.must if name not in given]
        if absent:
            raise InvalidInput(f"{self.name} needs {absent[0]}", field=absent[0])

    def asked(self, arguments: Mapping[str, Any]) -> Asked:
        """The question that arguments by the schema are; raises :class:`InvalidInput`."""
        if any(not isinstance(value, str | int | float | Decimal) for value in arguments.values()):
            raise InvalidInput(f"{self.name} takes texts and numbers")
        unknown = [name for name in arguments if name not in self.schema["properties"]]
        if unknown:
            raise InvalidInput(f"{self.name} has no {unknown[0][:40]}", field=unknown[0][:40])
        letters = {name: Asked(intent=self.intent).but(**{name: value}).code().partition(";")[2]
                   for name, value in arguments.items()}  # fmt: skip
        asked = asked_of(";".join((self.name, *letters.values())))
        self.accept(asked)
        return asked


_SPAN = ("period", "symbol")
LOOKUPS: Mapping[Intent, Lookup] = MappingProxyType({
    one.intent: one
    for one in (
        Lookup(
            intent=Intent.WHY, read=about_ideas.why,
            description="Why an idea was made, every condition, point and check, and what became"
            " of it; of a decision by its number; or of the last trade or idea",
            slots=("idea", "decision", "symbol", "direction"),
        ),
        Lookup(
            intent=Intent.NONE, read=about_refusals.none, slots=_SPAN,
            description="Why there was no trade: each strategy's last answer, or the reasons of a"
            " period, counted",
        ),
        Lookup(
            intent=Intent.WHO, read=about_ideas.who, slots=("idea", *_SPAN, "person"),
            description="Who approved or rejected an idea, or how many each person did",
        ),
        Lookup(
            intent=Intent.REFUSED, read=about_refusals.refused, slots=_SPAN,
            description="What the gate refused in a period, by check, the most first",
        ),
        Lookup(
            intent=Intent.LIMITS, read=about_account.limits, reads_limits=True,
            description="How much of each limit is used now",
        ),
        Lookup(
            intent=Intent.CONFIDENCE, read=about_records.confidence, slots=("idea", "symbol"),
            description="An idea's confidence against the threshold that held then",
        ),
        Lookup(
            intent=Intent.EXPOSURE, read=about_account.exposure, slots=("symbol",),
            reads_limits=True, description="What is open now, by symbol and by currency",
        ),
        Lookup(
            intent=Intent.RESULT, read=about_results.result,
            slots=(*_SPAN, "direction", "strategy"),
            description="Profit and loss, trades and win rate of a period",
        ),
        Lookup(
            intent=Intent.BEST, read=about_results.best, slots=(*_SPAN, "direction"),
            must=("what", "by"),
            description="The best or worst hours, days, symbols, strategies or trades of a period",
        ),
        Lookup(
            intent=Intent.WOULD, read=about_results.would, slots=("idea", *_SPAN),
            description="What the market did after ideas that were not traded, or after one idea",
        ),
        Lookup(
            intent=Intent.THRESHOLD, read=about_results.threshold, slots=("number", *_SPAN),
            must=("number",),
            description="Every idea of a period judged again under another confidence threshold",
        ),
        Lookup(
            intent=Intent.BLOCKED, read=about_refusals.blocked, slots=("symbol",),
            description="Whether trading is on, and what holds each strategy back now",
        ),
        Lookup(
            intent=Intent.LAST, read=about_records.last, slots=("symbol",),
            description="The newest record of a kind",
        ),
        Lookup(
            intent=Intent.NEWS, read=about_records.news, slots=("idea", "decision", "symbol"),
            description="What was known of calendar and news when something was decided",
        ),
        Lookup(
            intent=Intent.HALTS, read=about_refusals.halts, slots=("period",),
            description="Stops and resumptions of a period, by whom and why",
        ),
        Lookup(
            intent=Intent.ACTIVITY, read=about_refusals.activity, slots=_SPAN,
            description="What was decided and done in a period, counted",
        ),
        Lookup(
            intent=Intent.LOST, read=about_refusals.lost, slots=_SPAN,
            description="Trades that the venue lost sight of",
        ),
    )
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """Answer one understood question from the record. ``person_id`` None is the machine itself.

    Raises :class:`InvalidInput` for what the look-up is not narrowed by, and :class:`NotAllowed`
    for who may not read.
    """

    store: Store
    market: MarketData
    glance: Glance
    read_limits: ReadLimits
    symbols: tuple[tuple[str, Timeframe], ...]
    zone: tzinfo

    async def __call__(self, person_id: int | None, asked: Asked) -> Evidence:
        lookup = LOOKUPS.get(asked.intent)
        if lookup is None:
            raise InvalidInput(f"there is no look-up {asked.intent}")
        lookup.accept(asked)
        async with self.store.begin() as tx:
            if person_id is not None:
                await must_be(tx, person_id, Role.VIEWER)
            wall = await tx.now()
        account = (await self.glance.look()).account
        scene = Scene(
            # The record can be asked about while the market is silent.
            now=await market_time(self.market) or wall,
            zone=self.zone,
            symbols=self.symbols,
            currency=None if account is None else account.currency,
        )
        period_of(asked.period, scene.now, scene.zone)
        if lookup.reads_limits:
            scene = replace(scene, limits=await self.read_limits.now())
        async with self.store.begin() as tx:
            return await lookup.read(scene, tx, asked)
