"""Future candles that are missing or shuffled change no past decision: ``lookahead --seeds 100``.

Each seed makes candles and four strategies of chance: every condition and every setup is among them
in turn. The defects of ``tests/properties/test_look_ahead.py`` say that the checker sees.
"""

import argparse
from random import Random
from uuid import UUID

from engine.domain.strategy import (
    BreakEven,
    Condition,
    ExitRules,
    ForbiddenConditions,
    MarketState,
    Strategy,
    Trailing,
)
from engine.research.lookahead import LookAhead
from engine.strategies.registry import load
from engine.strategies.rules import RULES
from engine.strategies.setups import SETUPS
from tests.bars import backtest, bars, crossing
from tests.chaos.alone import report


def main(arguments: list[str]) -> int:
    """Run, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="lookahead", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bars", type=int, default=800)
    wanted = parser.parse_args(arguments)
    load()
    counts = dict.fromkeys(("seeds", "candles asked", "runs again", "decisions", "ideas"), 0)
    seen: set[str] = set()
    violations = []
    for seed in range(wanted.seed, wanted.seed + wanted.seeds):
        chance = Random(seed)
        columns = bars(wanted.bars, seed, move=chance.choice([0.00005, 0.0003, 0.002]))
        strategies = strategies_of(seed)
        start = chance.choice([1, 250, 600])

        def make(past, strategies=strategies, start=start):  # type: ignore[no-untyped-def]
            return backtest(past, *strategies, start=start)

        found = LookAhead(make=make, cuts=3, most=60, seed=seed)(columns)
        counts["seeds"] += 1
        counts["candles asked"] += found.candles
        counts["runs again"] += found.runs
        counts["decisions"] += found.decisions
        counts["ideas"] += found.ideas
        seen |= {c.name for s in strategies for c in (*s.entry_conditions, *s.nice_to_have)}
        seen |= {str(strategy.setup) for strategy in strategies if strategy.setup}
        if not found.is_clean:
            violations.append(f"seed {seed}: {found}")
    unseen = sorted({*RULES, *SETUPS} - seen)
    if wanted.seeds >= len(RULES) and unseen:
        violations.append(f"never among them: {', '.join(unseen)}")
    return report({**counts, "conditions and setups": len(seen)}, violations)


def strategies_of(seed: int) -> tuple[Strategy, ...]:
    """Four strategies of chance; from a seed to the next another setup and other conditions."""
    chance, names = Random(seed), sorted(RULES)
    setups = sorted(SETUPS)
    conditions = [_condition(names[(seed * 5 + n) % len(names)], chance) for n in range(5)]
    exits = ExitRules(
        "20 pips", ("15 pips", "30 pips"), 30,
        **chance.choice([{}, {"trailing": Trailing("1.5 * atr", "0.3 R")}, {
            "break_even": BreakEven("0.3 R", "1 pips")}]),
    )  # fmt: skip
    forbidden = ForbiddenConditions(5, (), tuple(chance.sample(list(MarketState)[:4], 2)))
    return (
        crossing(),
        crossing(id=UUID(int=2), name="one", entry_conditions=tuple(conditions[:1]),
                 exit_rules=exits),
        crossing(id=UUID(int=3), name="many", entry_conditions=tuple(conditions[1:3]),
                 nice_to_have=tuple(conditions[3:]), forbidden_conditions=forbidden),
        crossing(id=UUID(int=4), name="setup", setup=setups[seed % len(setups)],
                 entry_conditions=()),
    )  # fmt: skip


def _condition(name: str, chance: Random) -> Condition:
    known = RULES[name]
    if known.words:
        argument = chance.choice(known.words)
    elif name == "model_probability_above":
        argument = "0.55"
    elif name.endswith("_below"):
        argument = str(chance.randint(40, 70))
    else:
        argument = str(chance.randint(1, 50))
    return Condition(name, f"M5 {argument}" if known.longer else argument)
