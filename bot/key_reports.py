"""Keys and the secrets under them, in the terminal. No key is ever printed here."""

from bot.reports import CLEAN, FAULTY, Say, open_database_of
from bot.settings import Settings
from storage.rotation import count_by_key, rotate


async def list_all(settings: Settings, *, say: Say) -> int:
    """Every id with its secrets; 1 when there are secrets under a key that is not here."""
    async with open_database_of(settings) as world:
        ids, counts = world.keys.ids, await count_by_key()
    for number, name in enumerate(ids):
        does = "encrypts and decrypts" if number == 0 else "decrypts"
        say(f"{name:32}  {does:21}  {counts.get(name, 0)} secrets")
    missing = sorted(set(counts) - set(ids))
    for name in missing:
        say(f"{name:32}  {'is not here':21}  {counts[name]} secrets that cannot be read")
    if not ids:
        say("no keys: secrets cannot be stored. `ai-trader keys new` prints one")
    return FAULTY if missing else CLEAN


async def rotate_all(settings: Settings, *, say: Say) -> int:
    """Bring everything under the first key; 1 when something cannot be read."""
    async with open_database_of(settings) as world:
        done = await rotate(world.keys)
        first = world.keys.ids[0]
    for name in done.unreadable:
        say(f"{name} cannot be read with the keys that are here")
    say(f"{done.done} secrets are now under {first}, {len(done.unreadable)} cannot be read")
    return FAULTY if done.unreadable else CLEAN


async def count(settings: Settings, *, say: Say) -> int:
    """0 when every secret is under the first key."""
    async with open_database_of(settings) as world:
        ids, counts = world.keys.ids[:1], await count_by_key()
    left = sum(number for name, number in counts.items() if name not in ids)
    say(str(left))
    return FAULTY if left else CLEAN
