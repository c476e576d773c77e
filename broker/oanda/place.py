"""Which address is OANDA's practice, and where real money moves."""

from broker.sites import moves_money

PRACTICE = "https://api-fxpractice.oanda.com"


def is_real(url: str) -> bool:
    """Whether real money moves at an address: everywhere but where it is known not to. Raises
    :class:`InvalidInput` for an address without https, except on this machine.
    """
    return moves_money(url, ("api-fxpractice.oanda.com",), setting="OANDA_URL", example=PRACTICE)
