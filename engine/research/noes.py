"""The noes of stretches of candles that are certain: why, and as the loop would fold them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from engine.domain.gate import HALTS, Check, before_signal
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.flow.evaluations import signature_of
from engine.gate.case import SCENE_CHECKS, Scene
from engine.gate.judge import scene_order
from engine.research.eyes import Eyes
from engine.research.figures import Flags
from engine.research.market_checks import Frame
from engine.research.screen import MARKET, OTHER_SIDE, PROPOSES, Screen, closed_in, screen, unmet_in
from engine.research.simulation import State, Venue, held_back
from engine.research.stream import Stream

#: The form of bundles that are made now.
_SCHEMA = Bundle.__dataclass_fields__["schema"].default
#: The checks of a scene that depend on us and the account, not on the candle.
_OURS = tuple(code for code in SCENE_CHECKS if code not in MARKET)


@dataclass(eq=False)
class Noes:
    """Writes the noes of ``strategies``, the ones that speak of these candles, in their order."""

    eyes: Eyes
    strategies: Sequence[Strategy]
    _whys: dict[Any, tuple[str, tuple[str, ...], str]] = field(default_factory=dict)
    _shuts: dict[Any, list[frozenset[Check]]] = field(default_factory=dict)

    @cached_property
    def asks(self) -> Flags:
        """Where the pipeline has to be asked, whatever the account is like."""
        asks = np.zeros(len(self.eyes.columns), dtype=np.bool_)
        for each in self._screens:
            asks |= each.asks
        return asks

    @cached_property
    def _screens(self) -> list[Screen]:
        eyes = self.eyes
        frame = Frame(
            instrument=eyes.instrument,
            settings=eyes.rules.settings,
            calendar=eyes.calendar,
            data=eyes.data,
            states=eyes.states,
        )
        return [screen(strategy, eyes.figures, frame) for strategy in self.strategies]

    def write(self, stream: Stream, first: int, end: int, state: State, venue: Venue) -> None:
        """The noes of a stretch in which neither we nor the account change."""
        venue.move(first)
        shut = self._shut(first, state, venue)
        # Like candles in a row, in the order of their beginning and then of the strategies.
        found = [
            (place, number, until)
            for number, each in enumerate(self._screens)
            for place, until in _runs(each.starts, first, end)
        ]
        if len(self.strategies) > 1:
            found.sort()
        for place, number, until in found:
            why = self._why(number, self._screens[number].keys.item(place), shut[number])
            at = self.eyes.columns.closes(place)
            stream.no(at, self.strategies[number], *why, until - place)

    def _shut(self, place: int, state: State, venue: Venue) -> list[frozenset[Check]]:
        """The checks that we or the account close, by strategy. They are asked of a bundle once for
        each state of things that they can tell apart.
        """
        day, settings = state.day, self.eyes.rules.settings
        assert day is not None
        name = (state.control.version, held_back(venue.equity(), day, settings), venue.sides())
        if name not in self._shuts:
            bundle = self.eyes.bundle(place, state, venue.account(), venue.positions())
            scenes = [Scene(bundle=bundle, strategy=strategy) for strategy in self.strategies]
            self._shuts[name] = [
                frozenset(code for code in _OURS if not SCENE_CHECKS[code](scene)[0])
                for scene in scenes
            ]
        return self._shuts[name]

    def _why(
        self, number: int, key: int, ours: frozenset[Check]
    ) -> tuple[str, tuple[str, ...], str]:
        """Why there was no idea: the reason, the closed checks, and the signature."""
        name = (number, key & ~OTHER_SIDE, ours)
        if name not in self._whys:
            strategy = self.strategies[number]
            shut = closed_in(key) | ours
            closed = tuple(str(code) for code in scene_order(_SCHEMA) if code in shut)
            first = [code for code in before_signal(_SCHEMA) if code in shut]
            unmet = unmet_in(key, strategy)
            if key & PROPOSES:
                # A halt does not hold a setup back: it is refused by it.
                reason = f"blocked:{next(code for code in first if code not in HALTS)}"
            else:
                reason = f"none:{first[0] if first else f'condition:{unmet[0]}'}"
            version = self.eyes.rules.settings_version
            signature = signature_of(strategy, version, reason, closed, unmet)
            self._whys[name] = (reason, closed, signature)
        return self._whys[name]


def _runs(starts: list[int], first: int, end: int) -> Iterator[tuple[int, int]]:
    """A stretch in runs of like candles, each from its first one to before its end."""
    at = bisect_right(starts, first)
    while first < end:
        until = min(starts[at], end) if at < len(starts) else end
        yield first, until
        first, at = until, at + 1
