"""Snapshot bundles by hash, and the tables of source 004 drawn from each of them."""

from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from engine.domain.snapshot import Bundle
from engine.errors import SnapshotNotFound
from engine.snapshot.canonical import pack, plain, unpack
from storage.models import (
    AccountSnapshotRow,
    BundleRow,
    CalendarSnapshotRow,
    IndicatorSnapshotRow,
    MarketSnapshotRow,
    NewsSnapshotRow,
)


class BundleTable:
    """The port ``Bundles`` in one transaction."""

    def __init__(self, connection: BaseDBAsyncClient) -> None:
        self._connection = connection

    async def put(self, bundle: Bundle) -> str:
        hash_, body = pack(bundle)
        if await BundleRow.filter(hash=hash_).using_db(self._connection).exists():
            return hash_
        # Two workers may see the same picture at once; the second finds it there.
        await BundleRow.bulk_create(
            [BundleRow(hash=hash_, symbol=bundle.symbol, instant=bundle.instant, body=body)],
            ignore_conflicts=True,
            using_db=self._connection,
        )
        await self._draw(bundle)
        return hash_

    async def get(self, hash_: str) -> Bundle:
        row = await BundleRow.filter(hash=hash_).using_db(self._connection).get_or_none()
        if row is None:
            raise SnapshotNotFound(f"bundle {hash_[:12]} is not in the store")
        return unpack(hash_, row.body)

    async def _draw(self, bundle: Bundle) -> None:
        seen = {"symbol": bundle.symbol, "timeframe": str(bundle.timeframe)}
        last, figures = bundle.candles[-1], plain(bundle.indicators)
        await MarketSnapshotRow.create(
            using_db=self._connection,
            **seen,
            time=last.time,
            open=last.open,
            high=last.high,
            low=last.low,
            close=last.close,
            volume=last.volume,
            captured_at=bundle.instant,
        )
        await IndicatorSnapshotRow.create(
            using_db=self._connection,
            **seen,
            rsi_14=bundle.indicators.rsi_14,
            sma_50=bundle.indicators.sma_50,
            sma_200=bundle.indicators.sma_200,
            macd=_macd(figures),
            atr=bundle.indicators.atr_14,
            values=figures,
            captured_at=bundle.instant,
        )
        await self._draw_account(bundle)
        await self._draw_world(bundle)

    async def _draw_account(self, bundle: Bundle) -> None:
        if bundle.account is None:
            return
        await AccountSnapshotRow.create(
            using_db=self._connection,
            account_id=bundle.account.id,
            balance=bundle.account.balance,
            equity=bundle.account.equity,
            margin_used=bundle.account.margin_used,
            margin_free=bundle.account.margin_free,
            open_pl=bundle.account.open_profit,
            open_positions=len(bundle.positions),
            captured_at=bundle.instant,
        )

    async def _draw_world(self, bundle: Bundle) -> None:
        events = [
            CalendarSnapshotRow(
                event_time=event.time,
                currency=event.currency,
                impact_level=str(event.impact),
                title=event.title,
                previous_value=event.previous,
                forecast_value=event.forecast,
                actual_value=event.actual,
                captured_at=bundle.instant,
            )
            for event in (bundle.calendar.events if bundle.calendar else ())
        ]
        headlines = [
            NewsSnapshotRow(
                headline=item.text,
                source=item.source,
                symbols=list(item.symbols),
                published_at=item.time,
                captured_at=bundle.instant,
            )
            for item in bundle.news
        ]
        if events:
            await CalendarSnapshotRow.bulk_create(
                events, ignore_conflicts=True, using_db=self._connection
            )
        if headlines:
            await NewsSnapshotRow.bulk_create(
                headlines, ignore_conflicts=True, using_db=self._connection
            )


def _macd(figures: dict[str, Any]) -> dict[str, Any]:
    """Source 004's document: the line, its signal and the histogram."""
    return {
        "macd": figures["macd"],
        "signal": figures["macd_signal"],
        "hist": figures["macd_hist"],
    }
