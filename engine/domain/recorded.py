"""What a question reads of the record: counts and lines, without the documents behind them."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID


class Counted(NamedTuple):
    """So many records of one action and result; ``last`` is the number of the newest of them."""

    action: str
    result: str | None
    records: int
    last: int


class AnsweredBy(NamedTuple):
    """So many answers of one actor (``person:1001``, ``ai``); ``last`` is the newest's number."""

    action: str
    actor: str
    records: int
    last: int


class TradeLine(NamedTuple):
    """A part of a trade that ended; parts of one order share its ``client_id``. ``number`` and
    ``idea_id`` are of the idea it came from, None for a trade that was not ours.
    """

    position_id: str
    client_id: str | None
    symbol: str
    direction: str
    profit: Decimal
    closed_at: datetime
    number: int | None
    idea_id: UUID | None
    strategy: str | None


class Became(NamedTuple):
    """So many ideas that ended alike: ``group`` is traded, refused, rejected, expired or unsent,
    ``result`` what the market made of them (None while they are open), ``total_r`` the sum of R.
    ``last`` is the newest's number.
    """

    group: str
    result: str | None
    ideas: int
    total_r: Decimal
    last: int


class Extent(NamedTuple):
    """What is recorded: market times of the first and the last record that has one, and the symbols
    that records are of.
    """

    first: datetime | None
    last: datetime | None
    symbols: tuple[str, ...]
