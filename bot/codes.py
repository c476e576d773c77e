"""Codes and tokens that nobody can guess."""

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
