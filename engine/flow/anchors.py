"""Note outside the database where the history stands, so that a cut tail or a forgery shows."""

from dataclasses import dataclass

from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.errors import HistoryBroken
from engine.ports import Anchor, Anchors, Bell, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorHistory:
    """Write the last record's number and hash to the anchor file, and tell the admins.

    Answers None when there was nothing to note: no record yet, none since the last anchor, or, if
    ``daily``, an anchor of today. ``quietly`` tells nobody. Raises :class:`HistoryBroken` when the
    history ends before its last anchor, and ``OSError`` when the file cannot be written; people are
    told even then.
    """

    store: Store
    anchors: Anchors
    bell: Bell

    async def __call__(self, *, daily: bool = False, quietly: bool = False) -> Anchor | None:
        known, _ = await self.anchors.read()
        async with self.store.begin() as tx:
            newest = await tx.history.list(limit=1)
            seq, hash_ = (newest[0].seq, newest[0].hash) if newest else (0, "")
            anchor = Anchor(seq=seq, hash=hash_, instant=await tx.now())
            if not _is_news(anchor, known[-1] if known else None, daily=daily):
                return None
            if not quietly:
                await tx.outbox.tell(_notice(anchor, daily=daily), Audience(at_least=Role.ADMIN))
        await self.anchors.add(anchor)
        await self.bell.ring("deliver")
        return anchor


def _is_news(anchor: Anchor, last: Anchor | None, *, daily: bool) -> bool:
    if last is None:
        return anchor.seq > 0
    if anchor.seq < last.seq or (anchor.seq == last.seq and anchor.hash != last.hash):
        raise HistoryBroken(
            f"record {last.seq} was anchored and is not what the history ends with at {anchor.seq};"
            " run: ai-trader verify"
        )
    if daily and last.instant.date() == anchor.instant.date():
        return False
    return anchor.seq > last.seq


def _notice(anchor: Anchor, *, daily: bool) -> Notice:
    # By the day: if the file cannot be written, the next try must not tell people again.
    name = f"{anchor.instant:%Y-%m-%d}" if daily else f"{anchor.seq}"
    return Notice(
        kind=Kind.ANCHOR,
        key=f"anchor:{name}",
        priority=Priority.NORMAL,
        detail={"seq": anchor.seq, "hash": anchor.hash},
    )
