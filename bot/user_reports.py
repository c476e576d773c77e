"""People in the terminal: a table, and changes of roles."""

from bot.bell import SilentBell
from bot.i18n import LANGUAGES
from bot.reports import CLEAN, Say, open_database_of
from bot.settings import Settings
from bot.talk import build_talk
from engine.domain.person import Person, Role
from engine.errors import InvalidInput


async def list_all(settings: Settings, *, say: Say) -> int:
    """Everyone: number, role, name, language, zone, when they were last seen."""
    async with open_database_of(settings) as world:
        people = await build_talk(world, SilentBell(), claim_code="").read_people(None)
    rows = [_row(person) for person in people]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(5)]
    for row in rows:
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        say(f"{cells}  {row[-1]}")
    if not rows:
        say("Nobody yet. Claim the bot with the code it printed, or: ai-trader user add")
    return CLEAN


def _row(person: Person) -> tuple[str, ...]:
    seen = "never seen" if person.last_seen is None else f"seen {person.last_seen:%Y-%m-%d %H:%M}Z"
    reach = "" if person.reachable else ", blocked the bot"
    place = (person.language, person.timezone)
    return (str(person.id), str(person.role), person.name, *place, f"{seen}{reach}")


async def add(
    settings: Settings, who: int, name: str, role: str, language: str, *, say: Say
) -> int:
    """Let somebody in."""
    if language not in LANGUAGES:
        raise InvalidInput(f"there is no language {language!r}: {', '.join(LANGUAGES)}")
    wanted = _role(role)
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        person = await talk.add_person(who, name, wanted, language=language)
    say(f"{person.name} ({person.id}) is {person.role}. They press Start in the chat.")
    return CLEAN


async def change(settings: Settings, who: int, role: str, *, say: Say) -> int:
    """Give somebody another role."""
    wanted = Role.REFUSED if role == Role.REFUSED else _role(role)
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        person = await talk.change_role(None, who, wanted)
    now = person.role if person.role.has_access else "removed"
    say(f"{person.name} ({person.id}): {now}")
    return CLEAN


def _role(text: str) -> Role:
    if text not in list(Role) or not Role(text).has_access:
        raise InvalidInput(f"there is no role {text!r}: viewer, trader, admin")
    return Role(text)
