"""Time zones as people look for them: by region and city, in their own language or in English."""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from unicodedata import combining, normalize
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import get_timezone_location

UTC = "UTC"

#: The regions of the tz database.
REGIONS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe",
    "Indian", "Pacific",
)  # fmt: skip

_FOUND = 8


@cache
def zones() -> tuple[str, ...]:
    """Every zone that is named after a place, in the order of their names, and UTC.

    The tz database's own list of places, which leaves out the old names.
    """
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return (UTC, *sorted(row[2] for row in rows))


def of_region(region: str) -> tuple[str, ...]:
    """The zones of a region; none for one that there is not."""
    return tuple(name for name in zones() if name.startswith(f"{region}/"))


@cache
def city(zone: str, language: str) -> str:
    """The city of a zone in a language, and as the tz database has it where that has none."""
    if zone == UTC:
        return UTC
    found = get_timezone_location(
        ZoneInfo(zone), locale=Locale.parse(language, sep="-"), return_city=True
    )
    return (str(found) if found else zone.replace("_", " ")).rsplit("/", 1)[-1]


def search(text: str, language: str) -> tuple[tuple[str, ...], bool]:
    """The zones that a text may mean, the best first, and whether there is no doubt.

    A zone's own name, then a city's full name, then a part of it, then a near miss.
    """
    wanted = _folded(text)
    if not wanted:
        return (), False
    exact = _old_and_new().get(wanted)
    if exact is not None:
        return (exact,), True
    names = _names(language)
    if wanted in names:
        return names[wanted], len(names[wanted]) == 1
    parts = [zone for name, found in names.items() if wanted in name for zone in found]
    near = get_close_matches(wanted, names, n=_FOUND, cutoff=0.75)
    found = dict.fromkeys(parts or [zone for name in near for zone in names[name]])
    return tuple(found)[:_FOUND], bool(parts) and len(found) == 1


@cache
def _old_and_new() -> dict[str, str]:
    """Every zone's own name, folded, with the zone; people know the old ones too."""
    return {_folded(zone): zone for zone in sorted(available_timezones())}


@cache
def _names(language: str) -> dict[str, tuple[str, ...]]:
    """Each name a city goes by, folded, with its zones."""
    found: dict[str, tuple[str, ...]] = {}
    for zone in zones():
        for name in (zone.rsplit("/", 1)[-1], city(zone, language)):
            folded = _folded(name)
            found[folded] = tuple(dict.fromkeys((*found.get(folded, ()), zone)))
    return found


def _folded(text: str) -> str:
    """Letters without case and accents, words with one space between them."""
    letters = normalize("NFKD", text[:64].casefold().replace("_", " "))
    return " ".join("".join(one for one in letters if not combining(one)).split())
