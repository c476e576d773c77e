"""What a run under load has seen, and how it is told: see ``tests.benchmarks.api_load``."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression

from tests.benchmarks.common import percentile
from tests.benchmarks.tap import Bench

#: The processes, by the product's commands.
NAMES = ("bot", "worker", "api", "ea")
READ_MS, LAG_MS = 50, 50


@dataclass
class Seen:
    """What was measured: seconds by kind, spans of logins, and megabytes by process and time."""

    taken: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    logins: list[tuple[float, float]] = field(default_factory=list)
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    #: By process: seconds of a processor in a second.
    computed: dict[str, float] = field(default_factory=dict)

    def note(self, kind: str, at: float, seconds: float) -> None:
        """One thing that took so long, begun at a wall's instant."""
        self.taken.setdefault(kind, []).append((at, seconds))

    def in_logins(self, at: float) -> bool:
        """Whether people were logging in then."""
        return any(begun <= at <= ended for begun, ended in self.logins)


def report(folder: Path, bench: Bench, seen: Seen, seconds: float) -> None:
    """Print what was measured."""
    reads = seen.taken["read"]
    kinds = {kind: taken for kind, taken in seen.taken.items() if not kind.startswith("/")}
    print(*(f"{len(taken) / seconds:.1f} {kind}s a second" for kind, taken in kinds.items()),
          f"for {seconds:.0f} s", sep=", ")  # fmt: skip
    _line("reads", [took for _, took in reads], READ_MS)
    _line("reads during logins", [t for at, t in reads if seen.in_logins(at)], READ_MS)
    for kind in sorted(seen.taken.keys() - kinds.keys()):
        _line(f"  {kind}", [took for _, took in seen.taken[kind]])
    for kind in ("terminal", "login"):
        _line(f"{kind}s", [took for _, took in seen.taken.get(kind, [])])
    answers: dict[str, float] = {}
    for call in bench.sandbox.calls:
        if call["method"] == "answerCallbackQuery":
            answers.setdefault(call["params"]["callback_query_id"], call["at"])
    answered = [answers[query] - at for query, at in bench.tapped.items() if query in answers]
    _line("tap → callback answered", answered)
    print(f"faults: {sum(seen.faults.values())} {dict(seen.faults.most_common(5)) or ''}")
    print(f"taps without an answer: {len(bench.tapped) - len(answered)} of {len(bench.tapped)}")
    for name in NAMES:
        lags = _lags(folder / f"{name}.lag", reads[0][0])
        _line(f"loop of {name}", [lag for _, lag in lags], LAG_MS)
        within = [lag for at, lag in lags if seen.in_logins(at)]
        if name == "api":
            _line("loop of api during logins", within, LAG_MS)
    for name, held in seen.memory.items():
        _memory(name, held[len(held) // 3 :], seen.computed[name])
    for name in NAMES:
        shown = (folder / f"{name}.log").read_text()
        print(*re.findall(r".* (?:ERROR|WARNING) .*", shown)[-3:], sep="\n")


def _lags(file: Path, since: float) -> list[tuple[float, float]]:
    rows = [line.split() for line in file.read_text().splitlines()]
    return [
        (float(row[0]), float(row[1])) for row in rows if len(row) == 2 and float(row[0]) > since
    ]


def _memory(name: str, held: list[tuple[float, float]], computed: float) -> None:
    """The slope of the last two thirds: a start fills caches."""
    slope, _ = linear_regression(*zip(*held, strict=True))
    print(
        f"memory of {name:<8} {held[0][1]:6.1f} MB → {held[-1][1]:6.1f} MB"
        f"   {slope * 3600:+8.1f} MB an hour   {computed:5.2f} of a processor"
    )


def _line(name: str, seconds: list[float], limit: float | None = None) -> None:
    if not seconds:
        print(f"{name:<32} none")
        return
    at = {p: percentile(seconds, p) * 1e3 for p in (50, 99)}
    held = "" if limit is None else f"   p99 is {at[99] / limit:5.2f} × {limit:.0f} ms"
    print(f"{name:<32}{'  '.join(f'p{p} {value:7.1f} ms' for p, value in at.items())}{held}")
