"""The steps a person or a market waits for, against the figures they are held to."""

from collections.abc import Sequence

from engine.flow.approvals import Choice
from storage.embedded import Servers
from tests import histories
from tests.benchmarks.common import durations, percentile, report
from tests.integration.conftest import ANN


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """A cycle, a tap, an emergency stop: each to its commit."""
    async with histories.scratch(servers, "flow"):
        made = await histories.desk()
        cycles = await durations(60, made.next_candle)
        report("one cycle: two strategies, committed", percentile(cycles, 95), 1.0, "1 s")

        async def approve() -> None:
            await made.talk.decide_idea(
                idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id
            )

        taps: list[float] = []
        for _ in range(10):
            idea = await made.until_idea()
            taps += await durations(1, approve)
            await made.send_all()
        report("tap to committed decision, slowest of 10", max(taps), 1.0, "1 s")
        stop = await durations(1, lambda: made.talk.change_control.stop(None))
        report("emergency stop, committed", stop[0], 1.0, "1 s")
