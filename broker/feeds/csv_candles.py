"""Candles from CSV: MetaTrader 5's export and plain OHLCV; all rows are good or none is taken."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from engine.domain.market import Candle, Timeframe
from engine.domain.values import decimal
from engine.errors import InvalidInput

#: MetaTrader's column names, without their angle brackets, and those of plain files.
_NAMES = {
    "date": "date", "time": "time", "datetime": "time", "timestamp": "time",
    "open": "open", "high": "high", "low": "low", "close": "close",
    "tickvol": "volume", "volume": "volume", "tick_volume": "volume",
}  # fmt: skip
_SHOWN = 20
_LONGEST = 10_000
#: MetaTrader writes its dates with dots; a fraction of a second has one too.
_DOTTED = re.compile(r"^([0-9]{4})\.([0-9]{2})\.([0-9]{2})")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A refused line and why."""

    line: int
    reason: str


class BadRows(InvalidInput):
    """A file with rows that are no candles; nothing of it was taken."""

    def __init__(self, rows: Sequence[BadRow]) -> None:
        shown = "\n".join(f"  line {row.line}: {row.reason}" for row in rows[:_SHOWN])
        more = f"\n  and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        super().__init__(f"{len(rows)} bad rows, nothing was imported:\n{shown}{more}")
        self.rows = tuple(rows)


def read_candles(
    path: Path, timeframe: Timeframe, *, utc_offset: timedelta | None = None
) -> tuple[Candle, ...]:
    """Candles of a file, oldest first.

    ``utc_offset`` says what the file's times are ahead of UTC by; it is needed where they carry no
    zone, as MetaTrader's never do (they are the trade server's). Raises :class:`BadRows` naming
    each wrong line, and :class:`InvalidInput` for a file that holds no candles at all.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        text = _utf16(path)
    return parse_candles(text.splitlines(), timeframe, utc_offset=utc_offset)


def _utf16(path: Path) -> str:
    """MetaTrader writes UTF-16 when asked to."""
    try:
        return path.read_text("utf-16")
    except (UnicodeDecodeError, UnicodeError) as error:
        raise InvalidInput(f"{path.name} is neither UTF-8 nor UTF-16 text") from error


def parse_candles(
    lines: Iterable[str], timeframe: Timeframe, *, utc_offset: timedelta | None = None
) -> tuple[Candle, ...]:
    """Candles of a file's lines; see :func:`read_candles`."""
    rows = list(lines)
    if not rows:
        raise InvalidInput("the file is empty")
    if utc_offset is not None and abs(utc_offset) >= timedelta(hours=24):
        raise InvalidInput("the offset from UTC must be under 24 hours")
    delimiter = max("\t;,", key=rows[0].count)
    columns = _columns(next(csv.reader([rows[0]], delimiter=delimiter)))
    candles: list[Candle] = []
    bad: list[BadRow] = []
    for number, fields in _data_rows(rows[1:], delimiter):
        try:
            candle = _candle(columns, fields, utc_offset)
            _check_order(candles, candle, timeframe)
        except InvalidInput as error:
            bad.append(BadRow(number, str(error)))
        else:
            candles.append(candle)
    if bad:
        raise BadRows(bad)
    if not candles:
        raise InvalidInput("the file has a header and no rows")
    return tuple(candles)


def _data_rows(rows: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(rows, start=2):
        if row.strip():
            # A row is a hundred characters; a longer field would only be refused by the reader.
            yield number, next(csv.reader([row[:_LONGEST]], delimiter=delimiter))


def _columns(header: Sequence[str]) -> list[str]:
    names = [_NAMES.get(name.strip().strip("<>").lower(), "") for name in header]
    missing = {"time", "open", "high", "low", "close"} - set(names)
    if "date" in names:
        missing -= {"time"}
    if missing:
        raise InvalidInput(
            f"the first line must name the columns; missing: {', '.join(sorted(missing))}"
        )
    if names.count("volume") > 1:
        # MetaTrader writes tick volume and, after it, the exchange's, which is 0 off exchange.
        names[len(names) - 1 - names[::-1].index("volume")] = ""
    return names


def _candle(columns: Sequence[str], fields: Sequence[str], offset: timedelta | None) -> Candle:
    if len(fields) != len(columns):
        raise InvalidInput(f"{len(fields)} fields where the header has {len(columns)}")
    row = {name: field.strip() for name, field in zip(columns, fields, strict=True) if name}
    volume = decimal(row.get("volume") or "0", field="volume")
    if volume != volume.to_integral_value():
        volume = volume.to_integral_value()
    return Candle(
        _time(row, offset),
        decimal(row["open"], field="open"),
        decimal(row["high"], field="high"),
        decimal(row["low"], field="low"),
        decimal(row["close"], field="close"),
        int(volume),
    )


def _time(row: dict[str, str], offset: timedelta | None) -> datetime:
    text = f"{row['date']} {row.get('time', '')}".strip() if "date" in row else row["time"]
    try:
        instant = datetime.fromisoformat(_DOTTED.sub(r"\1-\2-\3", text))
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"cannot read {text[:40]!r} as a time") from error
    if offset is None:
        raise InvalidInput(
            f"{text!r} has no time zone; say how far the file is ahead of UTC: --utc-offset 2"
        )
    return instant.replace(tzinfo=timezone(offset)).astimezone(UTC)


def _check_order(before: Sequence[Candle], candle: Candle, timeframe: Timeframe) -> None:
    if before and candle.time <= before[-1].time:
        word = "again" if candle.time == before[-1].time else "out of order"
        raise InvalidInput(f"{candle.time:%Y-%m-%d %H:%M}Z stands here {word}")
    if before and candle.time - before[-1].time < timeframe.length:
        raise InvalidInput(
            f"{candle.time:%Y-%m-%d %H:%M}Z is nearer to the row before than one {timeframe}"
        )


def write_candles(path: Path, candles: Sequence[Candle]) -> None:
    """Write candles in our own plain form, as a whole or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("time", "open", "high", "low", "close", "volume"))
        for c in candles:
            prices = (f"{price:f}" for price in (c.open, c.high, c.low, c.close))
            opened = c.time.astimezone(UTC)
            writer.writerow((f"{opened:%Y-%m-%dT%H:%M:%SZ}", *prices, c.volume))
    partial.replace(path)
