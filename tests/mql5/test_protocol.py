"""PROTOCOL.md agrees with itself: every example fits its table, and no message is without one."""

import pytest

from tests.mql5 import wire

PATHS = ("/ea/register", "/ea/heartbeat", "/ea/sync", "/ea/execute", "/ea/result")


@pytest.mark.parametrize("example", wire.examples(), ids=lambda e: f"{e.path} {e.direction} {e.note}")
def test_example_fits_its_table(example: wire.Example) -> None:
    table = f"{example.path} {example.direction}"
    if example.status != 200:
        table = "Errors"
    wire.check(table, wire.load(example.text))


def test_every_message_and_every_command_has_an_example() -> None:
    shown = {(e.path, e.direction, e.status) for e in wire.examples()}
    for path in PATHS:
        assert {(path, "request", 200), (path, "answer", 200)} <= shown
    answers = [wire.load(e.text) for e in wire.examples() if e.path == "/ea/execute"]
    types = {command["type"] for answer in answers for command in answer.get("commands", ())}
    assert types == set(wire.NEEDED)


@pytest.mark.parametrize(
    "damage",
    [
        ("protocol", 2),
        ("code", "short"),
        ("login", True),
        ("login", "5012345"),
        ("margin_mode", "Hedging"),
        ("company", "line\nbreak"),
        ("build", None),
    ],
)
def test_a_damaged_message_is_refused(damage: tuple[str, object]) -> None:
    (request,) = [e for e in wire.examples() if (e.path, e.direction) == ("/ea/register", "request")]
    name, value = damage
    with pytest.raises(wire.Broken, match=name):
        wire.check("/ea/register request", {**wire.load(request.text), name: value})


@pytest.mark.parametrize("text", ['{"a":1}\0', '{"a":NaN}', '{"a":1,"a":2}', '{"a":1'])
def test_what_is_not_strict_json_is_refused(text: str) -> None:
    with pytest.raises(wire.Broken):
        wire.load(text)
