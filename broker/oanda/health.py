"""What OANDA says of the account itself, for whoever asks what is wrong."""

from collections.abc import Sequence

from broker.oanda.client import Client
from broker.oanda.facts import understood
from engine.domain.diagnosis import Finding, Level
from engine.errors import BrokerSilent

#: What a trade at OANDA can have and a venue can do; it has one target.
ABILITIES = ("stop_loss", "time_limit", "partial_close")
_NO_TOKEN = frozenset((401, 403))


async def faults(client: Client) -> Sequence[Finding]:
    """A token or an account that is wrong, and whether both directions of a symbol are kept."""
    named: dict[str, str | int] = {"account": client.account}
    try:
        told = await client.find(client.of_account("/summary"))
        if told is None:
            return [Finding(code="oanda_account", level=Level.FAULT, facts=named)]
        with understood():
            hedges = told["account"]["hedgingEnabled"] is True
    except BrokerSilent as error:
        if error.details.get("status") in _NO_TOKEN:
            return [Finding(code="oanda_token", level=Level.FAULT, facts=named)]
        return ()
    return [Finding(code="oanda_hedges" if hedges else "oanda_nets", level=Level.NOTE, facts=named)]
