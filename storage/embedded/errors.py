"""The one error this package raises: what happened, and what to do about it."""


class EmbeddedServerError(Exception):
    """A server could not be found, started or stopped; the message is meant for the owner."""
