"""The time zone: regions, their cities in pages, and the local time to check."""

from collections.abc import Sequence
from datetime import datetime

from bot import callbacks, zones
from bot.i18n import Html, Words, words_for
from bot.screen import Button, Screen

#: Cities on a page, in rows of two.
PAGE = 16


def regions(words: Words, now: datetime, *, edit: bool = False) -> Screen:
    """The zone now, and where in the world another one may be."""
    buttons = [
        Button(words(f"region.{region.lower()}"), callbacks.pack("cities", region, 0))
        for region in zones.REGIONS
    ]
    buttons.append(Button(zones.UTC, callbacks.pack("zone", zones.UTC)))
    lines = [_now(words, words.timezone, now), words("zone.ask")]
    return Screen(text=Html("\n".join(lines)), buttons=_pairs(buttons), edit=edit)


def cities(words: Words, region: str, page: int) -> Screen:
    """One page of a region's cities, each with a button."""
    found = sorted(zones.of_region(region), key=lambda zone: zones.city(zone, words.language))
    last = (len(found) - 1) // PAGE
    page = min(page, last)
    rows = list(_pairs(_buttons(words, found[page * PAGE : (page + 1) * PAGE])))
    turns = []
    if page > 0:
        turns.append(Button(words("button.back"), callbacks.pack("cities", region, page - 1)))
    if page < last:
        turns.append(Button(words("button.next"), callbacks.pack("cities", region, page + 1)))
    rows += [tuple(turns)] if turns else []
    rows.append((Button(words("button.regions"), callbacks.pack("regions")),))
    name = words(f"region.{region.lower()}")
    text = words("zone.cities", region=name, page=page + 1, pages=last + 1)
    return Screen(text=text, buttons=tuple(rows), edit=True)


def which(words: Words, found: Sequence[str], typed: str) -> Screen:
    """Several that may be meant, or none at all."""
    if not found:
        button = Button(words("button.regions"), callbacks.pack("regions"))
        return Screen(text=words("error.no_zone", zone=typed[:40]), buttons=((button,),))
    return Screen(text=words("zone.which"), buttons=_pairs(_buttons(words, found)))


def changed(words: Words, zone: str, now: datetime, *, edit: bool = False) -> Screen:
    """The zone that holds from now on, with its time to compare with a clock."""
    lines = [words("zone.changed"), _now(words_for(words.language, zone), zone, now)]
    button = Button(words("button.regions"), callbacks.pack("regions"))
    return Screen(text=Html("\n".join(lines)), buttons=((button,),), edit=edit)


def _now(words: Words, zone: str, now: datetime) -> Html:
    return words("zone.now", zone=zone, time=words.moment(now))


def _buttons(words: Words, found: Sequence[str]) -> list[Button]:
    return [
        Button(zones.city(zone, words.language), callbacks.pack("zone", zone)) for zone in found
    ]


def _pairs(buttons: Sequence[Button]) -> tuple[tuple[Button, ...], ...]:
    return tuple(tuple(buttons[at : at + 2]) for at in range(0, len(buttons), 2))
