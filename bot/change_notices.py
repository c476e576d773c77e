"""Notices about proposals to change the configuration, as a part of ``bot.notices``."""

from typing import Any, Protocol

from bot.i18n import Words
from bot.screen import Parcel, parcel_of
from bot.views import proposals as views
from engine.domain.notice import Kind
from engine.domain.person import Role
from engine.ports import Transaction


class To(Protocol):
    """Who is told."""

    @property
    def words(self) -> Words:
        """Their words."""
        ...

    @property
    def role(self) -> Role:
        """What they may do."""
        ...


async def proposal(_: object, tx: Transaction, detail: dict[str, Any], to: To) -> Parcel | None:
    """A proposal as it stands now, with its buttons while it waits."""
    found = await tx.change_proposals.get(detail["id"])
    return None if found is None else parcel_of(views.card(to.words, found, role=to.role))


async def due(_: object, tx: Transaction, detail: dict[str, Any], to: To) -> Parcel | None:
    """Its time is nearly over; None when somebody has answered since."""
    found = await tx.change_proposals.get(detail["id"])
    if found is None or not found.is_pending:
        return None
    parcel = parcel_of(views.due(to.words, found))
    return Parcel(text=parcel.text, buttons=parcel.buttons, reply_to_key=f"proposal:{found.id}")


async def ended(_: object, tx: Transaction, detail: dict[str, Any], to: To) -> Parcel | None:
    """How it ended without being applied."""
    found = await tx.change_proposals.get(detail["id"])
    if found is None:
        return None
    return Parcel(text=views.stamp(to.words, found), reply_to_key=f"proposal:{found.id}")


RENDERERS = {Kind.PROPOSAL: proposal, Kind.PROPOSAL_DUE: due, Kind.PROPOSAL_ENDED: ended}
