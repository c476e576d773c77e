"""What people are told of models: a training's message, and who let which one in."""

from typing import Any

from bot.i18n import Html
from bot.reader import Reader
from bot.screen import Parcel, parcel_of
from bot.views import models as views
from bot.views.facts import by
from engine.ports import Transaction


async def training(_: object, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel | None:
    """A training, as it stands now."""
    found = await tx.trainings.get(detail["training_id"])
    return None if found is None else parcel_of(views.training(to.words, found))


async def model(_: object, tx: Transaction, detail: dict[str, Any], to: Reader) -> Parcel | None:
    """A model that was let in or retired, and by whom."""
    found = await tx.models.get(detail["id"])
    if found is None:
        return None
    text = Html(f"{views.told(to.words, found)}\n{by(to.words, detail['by'])}")
    return Parcel(text=text)
