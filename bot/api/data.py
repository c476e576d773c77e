"""What is known of the world (source 004 §4.1 /data): releases, headlines, indicators."""

from bot.api.fields import Instant, Number, Symbol, Told
from bot.api.routing import Call, Routes
from bot.api.shapes import Release, figures, release
from engine.domain.market import Timeframe
from engine.domain.person import Role

routes = Routes("data")


class CalendarTold(Told):
    """Releases around the market's ``instant``. ``known_until`` null: no calendar is known."""

    instant: Instant
    known_until: Instant | None
    currencies: list[str]
    events: list[Release]


class HeadlineTold(Told):
    """A headline: untrusted text. ``symbols`` are those it is tagged with."""

    published_at: Instant
    source: str
    headline: str
    symbols: list[str]


class IndicatorsTold(Told):
    """The figures of a symbol's last closed candle, which opened at ``candle_time``.

    What there are too few candles for is null.
    """

    symbol: str
    timeframe: Timeframe
    candle_time: Instant
    close: Number
    indicators: dict[str, Number | None]


@routes.get("/v1/data/calendar", role=Role.VIEWER)
async def calendar(call: Call) -> CalendarTold:
    """The economic calendar from the day before to the week after."""
    found = await call.uses.talk.read_market.calendar(call.person_id)
    view = found.view
    return CalendarTold(
        instant=found.instant,
        known_until=None if view is None else view.known_until,
        currencies=sorted(found.currencies),
        events=[release(event, found.instant) for event in (() if view is None else view.events)],
    )


@routes.get("/v1/data/news", role=Role.VIEWER)
async def news(call: Call, symbol: Symbol | None = None) -> list[HeadlineTold]:
    """The newest headlines, of all feeds or those tagged with a symbol."""
    found = await call.uses.talk.read_market.news(call.person_id, symbol)
    return [
        HeadlineTold(
            published_at=item.time,
            source=item.source,
            headline=item.text,
            symbols=list(item.symbols),
        )
        for item in found.items
    ]


@routes.get("/v1/data/indicators", role=Role.VIEWER, statuses=(404,))
async def indicators(
    call: Call, symbol: Symbol | None = None, timeframe: Timeframe | None = None
) -> IndicatorsTold:
    """The figures of a watched symbol; without a symbol of the first, on its own timeframe."""
    bundle = await call.uses.talk.read_market(call.person_id, symbol, timeframe)
    last = bundle.candles[-1]
    return IndicatorsTold(
        symbol=bundle.symbol,
        timeframe=bundle.timeframe,
        candle_time=last.time,
        close=last.close,
        indicators=figures(bundle.indicators),
    )
