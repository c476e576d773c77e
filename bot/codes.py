"""Codes and tokens that nobody can guess, and whether a person's own can be guessed."""

import secrets

#: Letters and digits that cannot be mistaken for one another.
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def new_code() -> str:
    """A connect code of eight letters, about forty bits, for people to type."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def new_token() -> str:
    """A token of 256 random bits, in the characters of an address or a header."""
    return secrets.token_urlsafe(32)


def is_strong(secret: str, *, size: int = 32, different: int = 10) -> bool:
    """Whether a secret is hard to guess: so many bytes or more, of so many different characters."""
    return len(secret.encode()) >= size and len(set(secret)) >= different
