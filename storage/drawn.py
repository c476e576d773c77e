"""The rows of source 004's snapshot tables as they are drawn from a bundle, as JSON for SQL."""

from typing import Any

from engine.domain.snapshot import Bundle
from engine.snapshot.canonical import plain

#: Source 004's document of the MACD, and where its figures come from.
_MACD = {"macd": "", "signal": "_signal", "hist": "_hist"}

#: The length of columns that hold what feeds send; the bundle itself keeps the whole texts.
_HEADLINE, _SOURCE, _TITLE, _FIGURE = 500, 200, 200, 60


def of_bundle(bundle: Bundle) -> dict[str, Any]:
    """The rows of one bundle: its last candle, its indicators and, if it has one, its account."""
    seen = {
        "symbol": bundle.symbol,
        "timeframe": str(bundle.timeframe),
        "captured_at": bundle.instant.isoformat(),
    }
    figures = plain(bundle.indicators)
    columns = {name: figures.pop(name) for name in ("rsi_14", "sma_50", "sma_200")}
    macd = {name: figures.pop(f"macd{tail}") for name, tail in _MACD.items()}
    columns |= {"atr": figures.pop("atr_14"), "macd": macd, "values": figures}
    return {
        "market": plain(bundle.candles[-1]) | seen,
        "indicators": columns | seen,
        "account": _account(bundle),
    }


def _account(bundle: Bundle) -> list[dict[str, Any]]:
    account = bundle.account
    if account is None:
        return []
    return [
        {
            "account_id": account.id,
            "balance": str(account.balance),
            "equity": str(account.equity),
            "margin_used": str(account.margin_used),
            "margin_free": str(account.margin_free),
            "open_pl": str(account.open_profit),
            "open_positions": len(bundle.positions),
            "captured_at": bundle.instant.isoformat(),
        }
    ]


def of_world(bundle: Bundle) -> dict[str, list[dict[str, Any]]]:
    """The rows of what bundles of all symbols share: the calendar and the news."""
    at = bundle.instant.isoformat()
    return {
        "calendar": [
            {
                "event_time": event.time.isoformat(),
                "currency": event.currency,
                "impact_level": str(event.impact),
                "title": event.title[:_TITLE],
                "previous_value": event.previous[:_FIGURE],
                "forecast_value": event.forecast[:_FIGURE],
                "actual_value": event.actual[:_FIGURE],
                "captured_at": at,
            }
            for event in (bundle.calendar.events if bundle.calendar else ())
        ],
        "news": [
            {
                "headline": item.text[:_HEADLINE],
                "source": item.source[:_SOURCE],
                "symbols": item.symbols,
                "published_at": item.time.isoformat(),
                "captured_at": at,
            }
            for item in bundle.news
        ],
    }
