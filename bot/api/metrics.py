"""What the database holds, as Prometheus reads it.

Form: the text format of https://prometheus.io/docs/instrumenting/exposition_formats/. The names
``ea_…`` are those of source 003.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from storage.measures import Measures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: What is measured, under which name, and what the label says.
_GAUGES = (
    ("idea", "ai_trader_ideas", "Ideas by status.", "status"),
    ("approval", "ai_trader_approvals", "Ideas people were asked about, by ending.", "ending"),
    ("order", "ai_trader_orders", "Orders by state.", "state"),
    ("position_order", "ai_trader_position_orders", "Closes and moves by state.", "state"),
    ("outbox", "ai_trader_messages", "Messages that wait, are under way or failed.", "state"),
    ("command", "ai_trader_ea_commands", "Commands an Expert Advisor has not done yet.", "state"),
    ("webhook", "ai_trader_webhook_deliveries", "Events posted to webhooks by state.", "state"),
    ("webhook_age", "ai_trader_webhook_oldest_seconds", "How long the oldest waits.", "state"),
    ("state", "ai_trader_trading_state", "The trading state: 1 for the one it is.", "state"),
    ("halt", "ai_trader_halt", "Why trading is halted or stopped: 1 for the reason.", "reason"),
    ("mode", "ai_trader_mode", "The mode: 1 for the one it is.", "mode"),
    ("model", "ai_trader_model_today", "What the language model did and cost today.", "what"),
    ("heartbeat", "ai_trader_heartbeat_age_seconds", "Since each was last seen alive.", "name"),
)


def text(found: Measures) -> bytes:
    """All measures, and what the operating system says of this process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Read(found))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Read(Collector):
    """Measures that were read; a registry asks synchronously."""

    def __init__(self, found: Measures) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        found = self._found
        for what, name, says, label in _GAUGES:
            family = GaugeMetricFamily(name, says, labels=[label])
            for value, number in sorted(found.of(what).items()):
                family.add_metric([value], number)
            yield family
        yield GaugeMetricFamily(
            "ai_trader_message_oldest_seconds",
            "How long the longest waiting message waits.",
            value=found.of("outbox_age").get("queued", 0),
        )
        yield GaugeMetricFamily(
            "ai_trader_updates_waiting",
            "Updates of the chat that are not handled yet.",
            value=found.of("inbox").get("waiting", 0),
        )
        yield GaugeMetricFamily(
            "ai_trader_update_oldest_seconds",
            "How long the longest waiting update of the chat waits.",
            value=found.of("inbox_age").get("waiting", 0),
        )
        yield GaugeMetricFamily(
            "ai_trader_open_positions",
            "Open positions, as last read from the venue.",
            value=found.of("position").get("open", 0),
        )
        yield CounterMetricFamily(
            "ai_trader_history_records",
            "Records of the decision history.",
            value=found.of("history").get("records", 0),
        )
        yield from _signals(found)


def _signals(found: Measures) -> Iterator[Metric]:
    by_state = found.of("signal")
    totals = {
        "generated": (sum(by_state.values()), "Signals generated."),
        "sent": (by_state.get("SENT", 0), "Signals sent to the EA server."),
        "failed": (by_state.get("FAILED", 0), "Signals that the EA server refused."),
    }
    for name, (value, says) in totals.items():
        yield CounterMetricFamily(f"ea_signals_{name}", says, value=value)
    for value in found.of("connection").values():
        yield GaugeMetricFamily(
            "ea_connection_test_success", "Whether the last connection test succeeded.", value=value
        )
