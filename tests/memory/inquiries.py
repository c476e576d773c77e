"""Questions that a language model is asked, in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.domain.wording import Inquiry, Reply
from engine.ports import Clock
from tests.memory.rows import View


@dataclass(frozen=True)
class _Row:
    inquiry: Inquiry
    at: datetime
    claimed_until: datetime | None = None
    is_stopped: bool = False
    is_done: bool = False


class MemoryInquiries:
    """The port ``Inquiries`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: Iterator[int]) -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def add(self, inquiry: Inquiry) -> bool:
        if any(row.inquiry.key == inquiry.key for row in self._rows()):
            return False
        new = replace(inquiry, id=next(self._numbers), tries=0)
        return await self._view.insert("inquiry", new.id, _Row(new, self._clock()))

    async def due(self, limit: int) -> Sequence[int]:
        found = [row.inquiry.id for row in self._rows() if self._is_free(row)]
        return sorted(found)[:limit]

    async def claim(self, inquiry_id: int, lease: timedelta) -> Inquiry | None:
        await self._view.lock("inquiry", inquiry_id)
        row = self._view.get("inquiry", inquiry_id)
        if row is None or not self._is_free(row):
            return None
        mine = replace(row.inquiry, tries=row.inquiry.tries + 1)
        claimed = replace(row, inquiry=mine, claimed_until=self._clock() + lease)
        await self._view.put("inquiry", inquiry_id, claimed)
        return mine

    async def stop(self, person_id: int, inquiry_id: int) -> bool:
        await self._view.lock("inquiry", inquiry_id)
        row = self._view.get("inquiry", inquiry_id)
        if row is None or row.is_done or row.inquiry.person_id != person_id:
            return False
        await self._view.put("inquiry", inquiry_id, replace(row, is_stopped=True))
        return True

    async def watch(self, inquiry_id: int, lease: timedelta) -> bool:
        await self._view.lock("inquiry", inquiry_id)
        row = self._view.get("inquiry", inquiry_id)
        if row is None or row.is_done:
            return False
        mine = replace(row, claimed_until=self._clock() + lease)
        await self._view.put("inquiry", inquiry_id, mine)
        return bool(row.is_stopped)

    async def done(self, inquiry_id: int) -> bool:
        await self._view.lock("inquiry", inquiry_id)
        row = self._view.get("inquiry", inquiry_id)
        if row is None or row.is_done:
            return False
        await self._view.put("inquiry", inquiry_id, replace(row, is_done=True))
        return True

    async def keep(self, reply: Reply) -> None:
        await self._view.insert("model_reply", next(self._numbers), reply)

    async def replies(self, limit: int) -> Sequence[Reply]:
        found = sorted(self._replies(), key=lambda item: -item[0])
        return [reply for _, reply in found[:limit]]

    async def retire(self, keep: timedelta, limit: int) -> int:
        now = self._clock()
        replies = [n for n, reply in self._replies() if reply.at < now - keep]
        asked = [
            row.inquiry.id
            for row in self._rows()
            if row.at < now - keep and (row.is_done or self._is_free(row))
        ]
        gone = [
            *(("model_reply", number) for number in sorted(replies)[:limit]),
            *(("inquiry", number) for number in sorted(asked)[:limit]),
        ]
        for table, number in gone:
            await self._view.put(table, number, None)
        return len(gone)

    def _rows(self) -> list[_Row]:
        return [row for row in self._view.all("inquiry") if row is not None]

    def _replies(self) -> list[tuple[int, Reply]]:
        return [item for item in self._view.items("model_reply") if item[1] is not None]

    def _is_free(self, row: _Row) -> bool:
        until = row.claimed_until
        return not row.is_done and (until is None or until <= self._clock())
