"""Which address is the real exchange, and which one only plays."""

from broker.sites import moves_money

#: The exchange's own networks without real money.
_PLAY = ("testnet.binance.vision", "demo-api.binance.com")


def is_real(url: str) -> bool:
    """Whether real money moves at an address: everywhere but where it is known not to. Raises
    :class:`InvalidInput` for an address without https, except on this machine.
    """
    return moves_money(url, _PLAY, setting="BINANCE_URL", example="https://testnet.binance.vision")
