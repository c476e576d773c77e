"""The wire is read as strictly by columns and at full speed as it is field by field."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from ea import wire
from tests.terminals import request

ROW = "[1795271400,2384.10,2386,2383.90,2385.20,412]"


def sync(rows: str, title: str = "Nonfarm Payrolls") -> bytes:
    """The protocol's example with these rows."""
    document = request("/ea/sync")
    document["candles"][0]["rows"] = "ROWS"
    document["calendar"]["events"][0]["title"] = title
    return json.dumps(document).replace('"ROWS"', rows).encode()


def read(body: bytes) -> dict[str, Any]:
    document = wire.load(body)
    wire.check("/ea/sync", document)
    return document


@pytest.mark.parametrize("title", ["plain", "3e5 or 1E-7 in a text", "1234567890" * 9])
def test_numbers_are_exact_whatever_the_texts_beside_them(title: str) -> None:
    (row,) = read(sync(f"[{ROW}]", title))["candles"][0]["rows"]
    assert row == [
        1795271400, Decimal("2384.10"), 2386, Decimal("2383.90"), Decimal("2385.20"), 412,
    ]  # fmt: skip
    assert [str(price) for price in row[1:5]] == ["2384.10", "2386", "2383.90", "2385.20"]


@pytest.mark.parametrize("number", ["1e5", "1.5E-3", "1.5e+3", f"1.{'0' * 39}", f"0.{'1' * 60}"])
def test_an_exponent_or_too_many_digits_are_refused_anywhere(number: str) -> None:
    with pytest.raises(wire.Broken, match="exponent or too many digits"):
        read(sync(f"[[1795271400,{number},2386.00,2383.90,2385.20,412]]"))


def test_forty_characters_of_a_number_are_not_too_many() -> None:
    number = f"1.{'0' * 38}"
    (row,) = read(sync(f"[[1795271400,{number},2386,2383,2385,412]]"))["candles"][0]["rows"]
    assert str(row[1]) == number


@pytest.mark.parametrize(
    ("spoilt", "problem"),
    [
        ("1795271400.5", "whole number"),
        ("-1", "whole number"),
        ("4102444801", "whole number"),
        ("true", "whole number"),
        ("null", "whole number"),
    ],
)
def test_a_time_that_breaks_its_type_is_named(spoilt: str, problem: str) -> None:
    with pytest.raises(wire.Broken, match=rf"candles\.rows: no {problem}"):
        read(sync(f"[{ROW},[{spoilt},1,1,1,1,1]]"))


@pytest.mark.parametrize(
    "bad",
    [
        "[1,-0.01,1,1,1,1]",
        "[1,1,1000000000001,1,1,1]",
        '[1,1,1,"1",1,1]',
        "[1,1,1,1,false,1]",
        "[1,1,1,1,1,1.0]",
        "[1,1,1,1,1,9223372036854775808]",
        "[1,1,1,1,1]",
        "[1,1,1,1,1,1,1]",
        "{}",
        "7",
    ],
)
def test_one_bad_row_among_good_ones_is_refused(bad: str) -> None:
    with pytest.raises(wire.Broken, match=r"candles\.rows"):
        read(sync(f"[{ROW},{bad},{ROW}]"))


def test_the_number_of_rows_is_bounded() -> None:
    rising = [ROW.replace("1795271400", str(1795271400 + n)) for n in range(1000)]
    assert len(read(sync(f"[{','.join(rising)}]"))["candles"][0]["rows"]) == 1000
    with pytest.raises(wire.Broken, match="not a list of 0 to 1000"):
        read(sync(f"[{','.join([ROW] * 1001)}]"))
    with pytest.raises(wire.Broken, match="not a list of 0 to 1000"):
        read(sync('{"a":1}'))


def test_candles_come_once_each_and_the_oldest_first() -> None:
    later = ROW.replace("1795271400", "1795272300")
    read(sync(f"[{ROW},{later}]"))
    for rows in (f"[{ROW},{ROW}]", f"[{later},{ROW}]"):
        with pytest.raises(wire.Broken, match="times do not rise"):
            read(sync(rows))


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"a": value, "b": None}])
def test_an_answer_keeps_every_digit_of_its_decimals(wrap: Callable[[Any], Any]) -> None:
    value = wrap([{"volume": Decimal("0.10"), "tiny": Decimal("1E-8")}, 2**53 + 1, True, "é\n"])
    text = wire.encode(value)
    assert '"volume":0.10,"tiny":0.00000001' in text
    assert json.loads(text) == json.loads(json.dumps(value, default=float))


def test_an_answer_without_decimals_is_written_alike() -> None:
    value = {"now_ms": 1, "commands": [], "text": 'a "é" \\ b', "none": None, "names": ("x", "y")}
    assert wire.encode(value) == json.dumps(value, separators=(",", ":"))
    with_decimal = wire.encode({**value, "d": Decimal(1)})
    assert with_decimal == wire.encode(value)[:-1] + ',"d":1}'
