"""What can go wrong; every class carries its API code and the key of its text in the catalogues."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar


class TraderError(Exception):
    """Base of every error the product raises on purpose.

    ``details`` are facts for the reader (limit, observed value, field); they are shown, so they
    never hold a secret.
    """

    code: ClassVar[str] = "INTERNAL"
    key: ClassVar[str] = "error.internal"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class InvalidInput(TraderError):
    """A value from outside is wrong; the message says which one and how to put it right."""

    code = "INVALID_INPUT"
    key = "error.invalid_input"


class NotAllowed(TraderError):
    """The person may not do this."""

    code = "UNAUTHORIZED"
    key = "error.not_allowed"


class NotKnown(NotAllowed):
    """Who asks is not known: nothing was shown that proves it, or it is not good any more."""


class TooManyTries(TraderError):
    """Guessing has to wait until an instant."""

    code = "SLOW_DOWN"
    key = "error.slow_down"

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message, until=until.isoformat(timespec="seconds"))
        self.until = until


class TooManyQuestions(TooManyTries):
    """One person asks more questions about the record than a minute has room for."""

    key = "error.too_many_questions"


class NotFound(TraderError):
    """There is no such record."""

    code = "NOT_FOUND"
    key = "error.not_found"


class SnapshotNotFound(NotFound):
    """A decision names a bundle that the store does not hold."""

    code = "SNAPSHOT_NOT_FOUND"
    key = "error.snapshot_not_found"


class IllegalMove(TraderError):
    """A state machine was asked for a move it does not have."""

    code = "CONFLICT"
    key = "error.illegal_move"


class Outdated(IllegalMove):
    """What was confirmed is no longer how it stands; it must be asked again."""

    code = "OUTDATED"
    key = "control.outdated"


class NotConfirmed(IllegalMove):
    """Trading that was halted goes on only for whoever has seen why and names the ``version``."""

    code = "NOT_CONFIRMED"


class NotReady(IllegalMove):
    """Something that trading needs is not there; ``missing`` names it."""

    code = "NOT_READY"


class NotSetUp(IllegalMove):
    """What is asked for is not set up here."""

    code = "NOT_SET_UP"


class OwnRole(IllegalMove):
    """Nobody changes their own role, so that there is always an admin left in the chat."""

    code = "OWN_ROLE"
    key = "error.own_role"


class LastAdmin(IllegalMove):
    """The last admin can be neither removed nor given a lower role."""

    code = "LAST_ADMIN"
    key = "error.last_admin"


class WouldHalt(IllegalMove):
    """Trading cannot be resumed: what halted it still holds, and would halt it again at once.

    ``reason`` is the halt's; a limit adds ``used``, ``limit`` and ``next_day``, a lost part adds
    ``part`` and ``since``.
    """

    code = "WOULD_HALT"
    key = "error.would_halt"


class PositionRefused(InvalidInput):
    """What is wanted of an open trade is not possible.

    ``reason`` says why, as a code; ``facts`` are prices and volumes in plain digits, by name.
    """

    key = "error.position_refused"

    def __init__(self, reason: str, **facts: str) -> None:
        told = ", ".join(f"{name} {value}" for name, value in facts.items())
        super().__init__(f"{reason}{f' ({told})' if told else ''}", reason=reason, facts=facts)
        self.reason = reason
        self.facts = facts


class HistoryBroken(TraderError):
    """The decision history does not verify; trading must not start."""

    code = "HISTORY_BROKEN"
    key = "error.history_broken"


class FeedError(TraderError):
    """Market data is missing, malformed or older than a decision may rest on."""

    code = "FEED_UNAVAILABLE"
    key = "error.feed"


class BrokerRefused(TraderError):
    """The venue answered and proved that it did not take the order."""

    code = "EXECUTION_FAILED"
    key = "error.broker_refused"


class BrokerSilent(TraderError):
    """The venue did not answer, or not clearly: the outcome of what was asked is unknown."""

    code = "EXECUTION_UNKNOWN"
    key = "error.broker_silent"


class NoEncryptionKey(InvalidInput):
    """A secret was to be stored, and there is no key to encrypt it with."""

    code = "NOT_SET_UP"
    key = "error.no_encryption_key"


class SecretUnreadable(TraderError):
    """A stored secret does not open with the keys that are there, or was changed."""

    code = "SECRET_UNREADABLE"
    key = "error.secret_unreadable"


class AttemptUnknown(InvalidInput):
    """An attempt to connect is not known, was used, is too old, or began elsewhere."""

    key = "error.attempt_unknown"


class ProviderUnavailable(TraderError):
    """The provider of the language model cannot be used now."""

    code = "OPENAI_UNAVAILABLE"
    key = "error.provider_unavailable"


class AnalystUnavailable(ProviderUnavailable):
    """The language model gave no answer that can be used; ``reason`` is a ``Trouble``'s code."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the language model gave no answer: {reason}", reason=str(reason))
        self.reason = str(reason)


class TokenRefused(ProviderUnavailable):
    """The authorization server said no; ``why`` is its code of RFC 6749, section 5.2."""

    key = "error.token_refused"

    def __init__(self, why: str) -> None:
        super().__init__(f"the authorization server refused: {why}", why=why)
        self.why = why


class Refusal(StrEnum):
    """Why a trading terminal is sent away, by the codes of its protocol."""

    UNAUTHORIZED = "unauthorized"
    CODE_REFUSED = "code_refused"
    ACCOUNT_REFUSED = "account_refused"
    ANOTHER_INSTANCE = "another_instance"
    SLOW_DOWN = "slow_down"


class TerminalRefused(NotAllowed):
    """A trading terminal may not do what it asks; ``why`` is the code it is told."""

    def __init__(self, why: Refusal, message: str = "") -> None:
        super().__init__(message or str(why), why=str(why))
        self.why = why
