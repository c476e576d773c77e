"""The keys that secrets are kept under: of the settings, or of a file in the home folder."""

import os
import secrets
from pathlib import Path

from bot.settings import Settings
from engine.errors import InvalidInput
from storage.sealing import KeyRing, new_key_line, read_key, read_keys

#: The id that a key without one gets.
OAUTH = "oauth"


def key_file(settings: Settings) -> Path:
    """Where a machine keeps keys of its own."""
    return settings.ai_trader_home / "encryption.keys"


def keys_of(settings: Settings) -> KeyRing:
    """The keys; none, when none are set and this machine has no file of them.

    Raises :class:`InvalidInput` for keys that are short, guessable or named twice, and for a file
    that others may read.
    """
    given, alone = settings.encryption_keys, settings.oauth_encryption_key
    keys: tuple[tuple[str, bytes], ...] = ()
    if given is not None and given.get_secret_value().strip():
        keys = read_keys(given.get_secret_value(), "ENCRYPTION_KEYS")
    if alone is not None and alone.get_secret_value().strip():
        if OAUTH in dict(keys):
            raise InvalidInput(f"ENCRYPTION_KEYS: {OAUTH} is the id of OAUTH_ENCRYPTION_KEY")
        key = read_key(alone.get_secret_value().strip(), "OAUTH_ENCRYPTION_KEY")
        keys = (*keys, (OAUTH, key))
    return KeyRing(keys or _own(key_file(settings)))


def _own(path: Path) -> tuple[tuple[str, bytes], ...]:
    try:
        mode, text = path.stat().st_mode, path.read_text("ascii")
    except FileNotFoundError:
        return ()
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} holds no keys") from None
    if mode & 0o077:
        raise InvalidInput(f"{path} may be read by others: chmod 600 {path}")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return read_keys(lines, str(path))


def make_keys(settings: Settings) -> None:
    """Give a machine that has none a key of its own, outside production."""
    if settings.is_production or keys_of(settings).keys:
        return
    path = key_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(
            f"# Whoever has this file can read the secrets of this machine's database.\n{fresh()}\n"
        )
    try:
        # Of two that begin together, one makes the file and both use it.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def fresh() -> str:
    """A fresh key as it is written into ENCRYPTION_KEYS, with an id that no other has."""
    return new_key_line(f"k{secrets.token_hex(4)}")
