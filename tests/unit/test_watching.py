"""Alerts and the dashboard ask for metrics that exist, by labels and values that exist."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.api import metrics
from engine.domain.approval import Ending
from engine.domain.order import OrderState
from engine.domain.position_orders import PositionOrderState
from engine.domain.state import HaltReason, TradingState
from storage.measures import _COUNTS, Measures
from tests.unit.test_papers import ROOT

ALERTS: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
BOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/ai-trader.json").read_text("utf-8"))
EXAMPLE: dict[str, Any] = yaml.safe_load(
    (ROOT / "deploy/prometheus/prometheus.example.yml").read_text("utf-8")
)

#: A value of each kind of measure, so that every metric is on the page.
KINDS = (
    "idea", "approval", "order", "position_order", "outbox", "command", "state", "halt", "mode",
    "heartbeat", "outbox_age", "inbox", "inbox_age", "position", "history", "signal", "connection",
    "webhook", "webhook_age", "model",
)  # fmt: skip
#: What Prometheus itself adds.
ADDED = {"up": {"job"}}
_FUNCTIONS = {"sum", "min", "max", "rate", "increase", "delta", "absent", "vector", "by", "or"}
_VALUES: dict[tuple[str, str], Any] = {
    ("ai_trader_orders", "state"): OrderState,
    ("ai_trader_position_orders", "state"): PositionOrderState,
    ("ai_trader_trading_state", "state"): TradingState,
    ("ai_trader_halt", "reason"): HaltReason,
    ("ai_trader_approvals", "ending"): Ending,
    ("ai_trader_messages", "state"): ("queued", "sending", "failed"),
}
_SELECTOR = re.compile(r"([a-z_]+)(?:\{([^}]*)\})?")


def page() -> dict[str, set[str]]:
    """The labels of every metric that ``/metrics`` has."""
    text = metrics.text(Measures({kind: {"any": 1.0} for kind in KINDS})).decode()
    return {
        sample.name: {*sample.labels} | {"job"}
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    } | ADDED


PAGE = page()


def expressions() -> Iterator[tuple[str, str]]:
    """Where an expression stands, and the expression."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for note in BOARD["annotations"]["list"]:
        yield f"annotation {note['name']}", note["expr"]


def asked(expression: str) -> Iterator[tuple[str, str]]:
    """The metrics that an expression names, each with the text of its matchers."""
    bare = re.sub(r"\bby \([a-z_, ]*\)|\[\d+[smhd]\]", "", expression)
    for found in _SELECTOR.finditer(bare):
        if found[1] not in _FUNCTIONS:
            yield found[1], found[2] or ""


@pytest.mark.parametrize(("where", "expression"), [*expressions()])
def test_every_expression_asks_for_what_there_is(where: str, expression: str) -> None:
    assert expression.count("(") == expression.count(")")
    found = [*asked(expression)]
    assert found, where
    for name, matchers in found:
        assert name in PAGE, f"{where}: {name}"
        for label, _, value in re.findall(r'([a-z_]+)(=~|!~|!=|=)"([^"]*)"', matchers):
            assert label in PAGE[name], f"{where}: {name} has no label {label}"
            if (name, label) in _VALUES:
                known = {str(each) for each in _VALUES[name, label]}
                assert {*value.split("|")} <= known, f"{where}: {value}"
    for labels in re.findall(r"\bby \(([a-z_, ]+)\)", expression):
        for name, _ in found:
            assert {*labels.split(", ")} <= PAGE[name]


def test_every_kind_that_is_measured_is_looked_at_here() -> None:
    assert {*re.findall(r"SELECT '(\w+)'", _COUNTS)} == {*KINDS}


def test_a_metric_that_is_not_there_would_be_noticed() -> None:
    assert [*asked('sum by (state) (rate(no_such_total{a="b"}[5m])) or vector(0)')] == [
        ("no_such_total", 'a="b"')
    ]
    assert "no_such_total" not in PAGE


def test_every_metric_of_the_product_is_shown_or_alerted_on() -> None:
    used = {name for _, expression in expressions() for name, _ in asked(expression)}
    ours = {name for name in PAGE if name.startswith(("ai_trader_", "ea_"))}
    assert ours - used == {"ai_trader_mode"}


def test_every_alert_has_a_name_a_level_and_what_to_do() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len({*names})
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        paper, _, heading = rule["annotations"]["do"].partition(": ")
        headings = re.findall(r"^#+ (.+)$", (ROOT / paper).read_text("utf-8"), re.MULTILINE)
        assert heading in headings, rule["alert"]


def test_the_figures_that_were_asked_for_are_alerted_on() -> None:
    told = {rule["alert"]: (rule["expr"], rule.get("for")) for rule in RULES}
    assert told["OrderUnknown"] == ('sum(ai_trader_orders{state="unknown"}) > 0', "60s")
    assert told["MessagesLate"][0] == "ai_trader_message_oldest_seconds > 10"


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len({*ids})
    cells = [
        (x, y)
        for panel in BOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len({*cells}), "panels overlap"
    assert max(x for x, _ in cells) < 24
    for panel in BOARD["panels"]:
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len({*refs})
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    (variable,) = BOARD["templating"]["list"]
    assert (variable["name"], variable["query"]) == ("datasource", "prometheus")


def test_the_example_scrapes_where_the_api_is() -> None:
    (job,) = EXAMPLE["scrape_configs"]
    assert job["job_name"] == "ai-trader"
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8070"]}]
    assert EXAMPLE["rule_files"] == ["alerts.yml"]
