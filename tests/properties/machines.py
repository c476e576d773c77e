"""Four machines: the same small world, each with its own weather."""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.domain.state import Mode
from tests.properties.actions import ACTIONS
from tests.properties.oracle import limit_reached
from tests.properties.world import World

_CHOICE = st.integers(0, 20)


class Machine(RuleBasedStateMachine):
    """Does what its profile names, alone, with something in between, or in a race."""

    #: What happens, and what comes in between or beside it; a name given twice happens more often.
    happens: ClassVar[tuple[str, ...]] = ()
    meddles: ClassVar[tuple[str, ...]] = ()
    mode: ClassVar[Mode] = Mode.AUTONOMOUS
    #: What was seen in all examples since somebody last emptied it.
    tally: ClassVar[Counter[str]] = Counter()

    def __init_subclass__(cls) -> None:
        cls.tally = Counter()
        cls.names = st.sampled_from(cls.happens)
        cls.others = st.sampled_from(cls.meddles)

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.mode)

    def _doing(self, name: str, n: int) -> Callable[[], Awaitable[Any]]:
        return partial(ACTIONS[name], self.world, n)

    def _do(self, name: str, n: int) -> None:
        self.world.run(self.world.attempt(self._doing(name, n)()))

    @initialize(n=_CHOICE)
    def begin(self, n: int) -> None:
        """There is something to work on."""
        self._do("cycle", n)

    @rule(data=st.data(), n=_CHOICE)
    def act(self, data: st.DataObject, n: int) -> None:
        """One thing happens."""
        self._do(data.draw(self.names), n)

    @rule(data=st.data(), n=_CHOICE, m=_CHOICE, left=st.integers(0, 12))
    def ambush(self, data: st.DataObject, n: int, m: int, left: int) -> None:
        """Something else comes in the middle of it."""
        name, other = data.draw(self.names), data.draw(self.others)
        self.world.ambush = (left, self._doing(other, m))
        self._do(name, n)

    @rule(data=st.data(), n=_CHOICE, m=_CHOICE, left=st.integers(0, 14))
    def ambush_a_send(self, data: st.DataObject, n: int, m: int, left: int) -> None:
        """All is well, an order is on its way, and something comes in the middle of it."""
        self._do("fresh", 0)
        self.world.ambush = (left, self._doing(data.draw(self.others), m))
        self._do("send", n)

    @rule(data=st.data(), n=_CHOICE, m=_CHOICE, seed=st.integers(0, 999))
    def race(self, data: st.DataObject, n: int, m: int, seed: int) -> None:
        """Several things happen at once."""
        names = [data.draw(self.names), data.draw(self.names), data.draw(self.others)]
        doings = [self._doing(name, number) for name, number in zip(names, (n, n, m), strict=True)]
        self.world.run(self.world.race(doings, Random(seed)))

    @invariant()
    def nothing_is_wrong(self) -> None:
        """No commit and no order broke a rule."""
        assert self.world.witness.violations == [], self.world.witness.violations

    def teardown(self) -> None:
        self.tally.update(self.world.witness.seen)
        self.tally["examples"] += 1
        self.world.close()


class IdeasMachine(Machine):
    """People answer ideas, on time and too late, while the market and the limits move."""

    mode = Mode.SUPERVISED
    happens = (
        *("cycle", "approve") * 4, *("half", "reject", "anybody", "expire", "send") * 2,
        *("last_moment", "hesitate", "anybody") * 2, *("sync", "roomy") * 2, "deadline", "trade",
        "again", "wait", "ended", "resume",
    )  # fmt: skip
    meddles = (
        "approve", "reject", "half", "anybody", "expire", "send", "deadline", "price", "price",
        "spread", "news", "stop", "pause", "resume", "resume", "symbol", "mode", "strategy",
        "settings", "silence", "die",
    )  # fmt: skip


class OrdersMachine(Machine):
    """Orders go to a venue that does what it likes, in a process that dies."""

    happens = (
        *("send", "lose", "resolve") * 3, *("cycle", "fate", "repeat", "sync", "roomy") * 2,
        *("sweep_late", "ended") * 2, "trade", "recover", "arrive", "wait", "price", "resume",
    )  # fmt: skip
    meddles = (
        "send", "send", "repeat", "fate", "fate", "resolve", "arrive", "deaf", "sync", "recover",
        "wait", "deadline", "stop", "resume", "settings", "ended", "die", "die", "unwritable",
    )  # fmt: skip


class HaltsMachine(Machine):
    """Trading is stopped and started, by people and by limits met to the cent."""

    happens = (
        *("send", "calm", "resume") * 4, *("cycle", "equity", "sync", "ended") * 2, "stop",
        "trade", "pause", "symbol", "mode", "tomorrow", *("recover", "tamper", "unwritable") * 2,
    )  # fmt: skip
    meddles = (
        *("stop", "pause") * 3, "resume", "resume", "mode", "symbol", "equity", "sync", "send",
        "calm", "tomorrow", "deaf", "die", "unwritable", "unwritable", "tamper",
    )  # fmt: skip

    @rule(n=_CHOICE, left=st.integers(0, 14), how=st.sampled_from(("stop", "pause")))
    def stop_a_send(self, n: int, left: int, how: str) -> None:
        """All is well, an order is on its way, and trading is stopped in the middle of it."""
        self._do("fresh", 0)
        self.world.ambush = (left, self._doing(how, 0))
        self._do("send", n)

    @rule(n=_CHOICE, rested=st.booleans())
    def meet_a_limit(self, n: int, rested: bool) -> None:
        """Equity comes to a limit: exactly at it trading halts, a cent inside it does not."""
        world = self.world
        if rested:
            self._do("fresh", 0)
        self._do("unwritable", 0)
        world.venue.deaf = False
        before = world.control
        self._do("equity", n)
        self._do("sync", 0)
        day, after = world.store.rows.tables["day"]["paper-1"], world.control
        reached = limit_reached(world.settings, world.venue.equity, day)
        if str(before.state) in ("running", "paused"):
            halted = str(after.state) == "halted"
            assert halted is (reached is not None), f"{reached} reached, {after.state}"
            assert not halted or after.reason == reached
        world.witness.seen[f"limit {reached} met while {before.state}"] += 1


class SettingsMachine(Machine):
    """Limits move while ideas and orders are under way: the next check uses the new ones."""

    happens = (
        *("trade", "send", "settings") * 3, *("cycle", "approve", "strategy", "roomy") * 2,
        "ended", "mode", "margin", "spread", "price", "equity", "ended", "sync", "calm",
    )  # fmt: skip
    meddles = (
        *("settings",) * 4, "strategy", "roomy", "send", "approve", "price", "spread", "margin",
        "mode", "resume", "die",
    )  # fmt: skip


MACHINES: dict[str, type[Machine]] = {
    "ideas": IdeasMachine,
    "orders": OrdersMachine,
    "halts": HaltsMachine,
    "settings": SettingsMachine,
}
