"""Notices that are read when they are sent: the daily brief and the weekly review."""

from dataclasses import dataclass
from typing import Any

from bot.notices import Render
from bot.reader import Reader
from bot.screen import Parcel, parcel_of
from bot.views import brief as views
from engine.domain.notice import Kind
from engine.flow.briefs import HOURS, ReadBrief


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderAll(Render):
    """Render a notice; briefs too, which are more than one transaction reads."""

    read_brief: ReadBrief

    async def __call__(self, kind: Kind, detail: dict[str, Any], to: Reader) -> Parcel | None:
        if kind not in HOURS:
            return await Render.__call__(self, kind, detail, to)
        if not to.role.has_access:
            return None
        seen = await self.read_brief(kind)
        return parcel_of(views.brief(to.words, seen, is_live=self.broker.is_live))
