"""Make a row of the outbox into the calls it becomes, by the facts as they are now."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.courier.calls import File
from bot.courier.steps import Call, Step, edit_of, steps_of
from bot.documents import Write
from bot.drawing import Draw
from bot.i18n import Words, words_for
from bot.notices import Render
from bot.reader import Reader
from bot.screen import Parcel
from bot.views import notify as notify_views
from engine.domain.notice import Kind, Notice
from engine.domain.person import Role
from engine.ports import Store
from engine.snapshot.canonical import restore
from storage.outbox import Delivery, PostgresDeliveries

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Plan:
    """The calls of a row, and the picture that one of them shows."""

    steps: list[Step]
    file: File | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compose:
    """Compose a row for the one it is for, in their words."""

    deliveries: PostgresDeliveries
    store: Store
    render: Render
    draw: Draw
    write: Write

    async def __call__(self, row: Delivery) -> Plan:
        """The calls; none when there is nothing to tell any more."""
        to, is_quiet = await self._reader(row.person_id)
        steps = await self._steps(row, to, is_quiet=is_quiet)
        document = next((step.document for step in steps if step.document is not None), None)
        if document is not None:
            return Plan(list(steps), File(*await self.write(document)))
        chart = next((step.chart for step in steps if step.chart is not None), None)
        if chart is None:
            return Plan(list(steps))
        photo = await self._picture(chart, to.words)
        if photo is None:
            return Plan([_without_picture(step) for step in steps])
        return Plan(list(steps), File("chart.png", photo))

    async def _steps(self, row: Delivery, to: Reader, *, is_quiet: bool) -> Sequence[Step]:
        document = json.loads(row.payload)
        if row.kind == "answer":
            return await self._post(row, restore(Parcel, document))
        notice = restore(Notice, document)
        if notice.kind is Kind.CARD:
            key = f"idea:{notice.detail['idea_id']}"
            return await self._redraw(row, notice, to, key, has_caption=True)
        if notice.kind is Kind.TRAINING_CARD:
            key = f"training:{notice.detail['training_id']}"
            return await self._redraw(row, notice, to, key, has_caption=False)
        if notice.kind is Kind.HALT_CARD:
            return await self._redraw_halts(row, notice, to)
        parcel = await self.render(notice.kind, notice.detail, to)
        if parcel is None:
            return ()
        if is_quiet and not row.is_safety:
            parcel = replace(parcel, silent=True)
        if notice.shares:
            return await self._share(row, parcel, to)
        return await self._post(row, parcel)

    async def _post(self, row: Delivery, parcel: Parcel) -> Sequence[Step]:
        if parcel.edit_message_id is not None:
            return edit_of(parcel, parcel.edit_message_id, has_caption=False)
        if parcel.edit_key is not None:
            stands = await self.deliveries.message_of(parcel.edit_key, row.person_id)
            if stands is not None:
                return edit_of(parcel, stands, has_caption=False)
        reply_to = None
        if parcel.reply_to_key is not None:
            reply_to = await self.deliveries.message_of(parcel.reply_to_key, row.person_id)
        return steps_of(parcel, reply_to=reply_to, is_silent=row.is_silent)

    async def _share(self, row: Delivery, parcel: Parcel, to: Reader) -> Sequence[Step]:
        """One message for all that has one cause: posted once, then edited, without a sound."""
        first = row.episode or row.id
        if row.episode is not None:
            await self.deliveries.merge(row)
        episode = await self.deliveries.episode(first)
        parcel = replace(
            parcel,
            text=notify_views.repeated(
                to.words,
                parcel.text,
                count=episode.count,
                last=episode.last,
                resolved=episode.resolved,
            ),
            buttons=[] if episode.resolved else parcel.buttons,
        )
        if row.episode is None or episode.state not in ("sent", "queued", "sending"):
            return await self._post(row, parcel)
        if episode.message_id is None:
            return ()  # what began it is not sent yet, and will say all this
        return edit_of(parcel, episode.message_id, has_caption=False)

    async def _redraw(
        self, row: Delivery, notice: Notice, to: Reader, key: str, *, has_caption: bool
    ) -> Sequence[Step]:
        """Bring a card up to date where it stands. One not sent yet will be drawn as it then is."""
        await self.deliveries.merge(row)
        message_id = await self.deliveries.message_of(key, row.person_id)
        if message_id is None:
            return ()
        parcel = await self.render(notice.kind, notice.detail, to)
        return () if parcel is None else edit_of(parcel, message_id, has_caption=has_caption)

    async def _redraw_halts(self, row: Delivery, notice: Notice, to: Reader) -> Sequence[Step]:
        """Alerts of halts say who has seen them, or that they are over; then they are unpinned."""
        if "over" not in notice.detail:
            await self.deliveries.merge(row)
        steps: list[Step] = []
        for halt in await self.deliveries.halts(row):
            detail = restore(Notice, json.loads(halt.payload)).detail
            async with self.store.begin() as tx:
                seen = await tx.outbox.halt_seen(halt.version)
            parcel = await self.render(
                Kind.HALT, {**detail, "over": notice.detail.get("over") and notice.detail}, to
            )
            assert parcel is not None
            steps += edit_of(parcel, halt.message_id, has_caption=False)
            if "over" in notice.detail or any(s.person_id == row.person_id for s in seen):
                steps.append(Step(call=Call.UNPIN, message_id=halt.message_id))
        return steps

    async def _reader(self, person_id: int) -> tuple[Reader, bool]:
        """Who reads it, and whether they want quiet now."""
        async with self.store.begin() as tx:
            person = await tx.people.get(person_id)
            now = await tx.now()
        if person is None:
            return Reader(words_for("en"), Role.PENDING), False
        reader = Reader(words_for(person.language, person.timezone), person.role, person.id)
        return reader, person.notify.is_quiet(now, person.timezone)

    async def _picture(self, chart: dict[str, object], words: Words) -> bytes | None:
        """The chart; an idea without its picture can still be decided, a lost one cannot."""
        try:
            return await self.draw(chart, words)
        except Exception:
            log.exception("the chart of %s could not be drawn", chart)
            return None


def _without_picture(step: Step) -> Step:
    return replace(step, call=Call.TEXT, chart=None) if step.call is Call.PHOTO else step
