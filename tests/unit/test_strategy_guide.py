"""docs/strategies.md: its tables are the vocabulary, and its examples run as they stand."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from broker.feeds.recorded import shipped_recording
from engine.domain.market import Timeframe
from engine.domain.strategy import Side
from engine.errors import InvalidInput
from engine.snapshot.indicators import WINDOW, compute
from engine.strategies import exits, stages
from engine.strategies.base import evaluate
from engine.strategies.documents import SHIPPED, parse, shipped, strategy_id
from engine.strategies.problems import schema
from engine.strategies.registry import SETUPS
from engine.strategies.rules import RULES
from tests.builders import bundle, quote

GUIDE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text("utf-8")


def section(title: str) -> str:
    return GUIDE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def blocks(title: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", section(title), re.DOTALL)


def fields(part: dict[str, Any], path: str = "") -> list[list[str]]:
    found = []
    for name, inner in part["properties"].items():
        needed = "yes" if name in part.get("required", []) else "no"
        found.append([f"`{path}{name}`", needed, inner["description"]])
        for below, step in ((inner, "."), (inner.get("items", {}), ".0.")):
            if "properties" in below:
                found += fields(below, f"{path}{name}{step}")
    return found


def test_the_fields_are_those_of_the_schema_in_its_own_words():
    assert rows("Fields") == fields(schema())


def test_the_conditions_are_those_there_are_with_examples_they_accept():
    table = rows("Conditions")
    assert [row[0].strip("`") for row in table] == list(RULES)
    for name, example, holds in table:
        ((condition, argument),) = json.loads(example.strip("`")).items()
        assert f"`{condition}`" == name
        assert RULES[condition].accepts(
            str(argument).lower() if argument is True else f"{argument}"
        )
        assert len(holds) > 20


def test_the_exits_are_what_a_stop_and_a_target_can_be():
    def readable(check: Any, text: str) -> str:
        try:
            check(text)
        except InvalidInput:
            return "no"
        return "yes"

    table = rows("Exits")
    for expression, stop, target, _ in table:
        text = expression.strip("`")
        assert (readable(exits.check_stop, text), readable(exits.check_target, text)) == (
            stop, target,
        ), text  # fmt: skip
    words = set(re.findall(r"[a-z][a-z_0-9]+", " ".join(row[0] for row in table)))
    patterns = f"{exits._LEVEL.pattern} {exits._DISTANCE.pattern} {' '.join(exits._ZONES)}"
    known = set(re.findall(r"[a-z][a-z_0-9]{2,}", re.sub(r"\?P<\w+>", "", patterns)))
    assert words - {"recent_swing_low"} == known - {"recent_"}


def test_a_trade_is_led_by_distances_that_the_document_takes():
    (rules,) = blocks("Until the exit", "json")
    document = json.loads(blocks("A strategy in ten lines", "json")[0])
    made = parse(strategy_id("x"), json.dumps({**document, "exit_rules": json.loads(rules)}))
    assert made.exit_rules.distances == ("1 R", "2 pips", "2 * atr", "1.5 R", "0.5 R", "1 R")
    table = rows("Until the exit")
    for distance, where, _ in table:
        text = distance.strip("`")
        checks = {
            "`at`": stages.check_stage,
            "`offset`": stages.check_distance,
            "`step`": stages.check_fixed,
        }
        taken = {name for name, check in checks.items() if not refused(check, text)}
        wanted = set(checks) if where.startswith("everywhere") else {"`at`"}
        assert taken == wanted - ({"`step`"} if "but in `step`" in where else set()), text
    units = set(re.findall(r"[a-z]+", stages._DISTANCE.pattern)) - {"number", "unit", "s"}
    assert units == set(re.findall(r"[a-z]+", " ".join(row[0] for row in table[:-1])))


def refused(check: Any, text: str) -> bool:
    try:
        check(text)
    except InvalidInput:
        return True
    return False


def test_the_strategy_in_ten_lines_is_one():
    (text,) = blocks("A strategy in ten lines", "json")
    assert len(text.splitlines()) == 10
    made = parse(strategy_id("x"), text)
    assert (made.timeframe, made.direction) == (Timeframe.M15, Side.BUY)


def test_the_mistakes_that_are_shown_are_the_ones_that_are_told(tmp_path: Path):
    (text,) = blocks("A strategy in ten lines", "json")
    (shown,) = blocks("A strategy in ten lines", "console")
    command, *told = shown.splitlines()
    document = json.loads(text)
    del document["rr_expectation"]
    document["exit_rules"]["stop_loss"] = "2 atr"
    file = tmp_path / "gold-dip.json"
    file.write_text(json.dumps(document), "utf-8")
    words = command.removeprefix("$ ai-trader ").replace("gold-dip.json", str(file)).split()
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 2
    assert answer.output.splitlines() == told
    file.write_text(text, "utf-8")
    answer = CliRunner().invoke(app, words)
    assert (answer.exit_code, answer.output) == (0, "no mistakes: Gold dip: M15 buy XAUUSD\n")


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"\xff", "is not text in UTF-8"), (b"{", "is not JSON"), (None, "No such file")],
)
def test_a_file_that_is_no_document_is_one_readable_line(
    tmp_path: Path, data: bytes | None, words: str
):
    file = tmp_path / "x.json"
    if data is not None:
        file.write_bytes(data)
    answer = CliRunner().invoke(app, ["strategy", "check", str(file)])
    assert answer.exit_code == 2
    assert words in answer.output
    assert len(answer.output.splitlines()) == 1


def test_the_commands_that_are_shown_exist():
    (group,) = (g for g in app.registered_groups if g.typer_instance.info.name == "strategy")
    known = {
        c.name or c.callback.__name__
        for c in group.typer_instance.registered_commands
        if c.callback
    }
    shown = set(re.findall(r"^\$ ai-trader strategy (\w+)", GUIDE, re.MULTILINE))
    assert shown == known


def test_the_setup_that_is_shown_runs_and_trades():
    (code,) = blocks("A setup in Python", "python")
    (text,) = blocks("A setup in Python", "json")
    assert len(code.split("@setup")[1].splitlines()) <= 10
    try:
        exec(code, {})
        made = parse(strategy_id("x"), text)
        tape = shipped_recording().candles
        sides = set()
        for end in range(600, 900):
            shown = tuple(tape[max(0, end - WINDOW) : end])
            now, before = compute(shown, digits=5)
            instant = shown[-1].time + timedelta(hours=1)
            seen = bundle(
                candles=shown, indicators=now, indicators_before=before, instant=instant,
                quote=quote(f"{shown[-1].close}", f"{shown[-1].close}", at=instant),
            )  # fmt: skip
            answer = evaluate(made, seen)
            (broke,) = answer.observations
            edge, close = float(broke.argument), float(broke.observed)
            if answer.proposal is None:
                assert not broke.met
                continue
            sides.add(answer.proposal.direction)
            sign = answer.proposal.direction.sign
            ranged = shown[-21:-1]
            extreme = max(c.high for c in ranged) if sign > 0 else min(c.low for c in ranged)
            assert float(extreme) == edge
            assert sign * (close - edge) > 0
            assert answer.proposal.reward_ratio >= 2
        assert len(sides) == 2
    finally:
        SETUPS.pop("donchian_break", None)


def test_the_strategies_that_are_shipped_are_listed():
    listed = [(row[0], row[1]) for row in rows("What is shipped")]
    assert listed == [
        (made.name, f"{', '.join(made.allowed_symbols)} {made.timeframe}") for made in shipped()
    ]
    assert len(listed) == len(SHIPPED)
