"""What a trade server's answer proves. Codes: the documentation's TRADE_RETCODE_*."""

from enum import Enum


class Proof(Enum):
    """``OPEN`` is no proof of anything: it may have been done."""

    DONE = "done"
    NOT_DONE = "not_done"
    AGAIN = "again"
    LATER = "later"
    OTHER_FILLING = "other_filling"
    OPEN = "open"


#: Of an order in the book that has not dealt, 10008, one has to look for the deal.
_DONE = frozenset((10009, 10010))
_AGAIN = frozenset((10004, 10020, 10021))
_LATER = frozenset((10023, 10024, 10028, 10029))
_NOT_DONE = frozenset(
    (
        *(10006, 10007, 10022, 10026, 10027),
        *range(10013, 10020), *range(10032, 10036), *range(10038, 10047),
    )
)  # fmt: skip
INVALID_FILL = 10030
NO_CHANGES = 10025
POSITION_CLOSED = 10036
#: Errors of the package that come before anything is sent: a wrong argument, algo trading by
#: this interface switched off, no connection to the terminal at all.
_UNSENT = frozenset((-2, -7, -8, -10003, -10004))
#: Of these the connection to the terminal is broken, and has to be made anew.
BROKEN_LINK = frozenset((-10001, -10002, -10003, -10004, -10005))


def proof_of(retcode: int) -> Proof:
    """What a result proves; a code that nobody knows proves nothing."""
    if retcode in _DONE or retcode == NO_CHANGES:
        return Proof.DONE
    if retcode == INVALID_FILL:
        return Proof.OTHER_FILLING
    for codes, proof in ((_AGAIN, Proof.AGAIN), (_LATER, Proof.LATER), (_NOT_DONE, Proof.NOT_DONE)):
        if retcode in codes:
            return proof
    return Proof.NOT_DONE if retcode == POSITION_CLOSED else Proof.OPEN


def proof_of_error(code: int) -> Proof:
    """What it proves that the package gave no result."""
    return Proof.NOT_DONE if code in _UNSENT else Proof.OPEN


def fillings(mask: int, execution: int) -> tuple[int, ...]:
    """ORDER_FILLING_* to try, the best first.

    ``mask`` is SYMBOL_FILLING_MODE, a bit mask (FOK 1, IOC 2); the answer is an enumeration (FOK 0,
    IOC 1, RETURN 2). RETURN is never allowed under market execution (2).
    """
    best = [kind for bit, kind in ((1, 0), (2, 1)) if mask & bit]
    if execution != 2:
        best.append(2)
    return tuple(dict.fromkeys((*best, 0, 1)))
