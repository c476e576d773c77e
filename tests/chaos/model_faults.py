"""Ways in which a language model fails, and a place for each to do so."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from engine.domain.analyst import Trouble
from tests.model_server import ChatSite, Speech
from tests.served import served

TRUE = "The gate let EURUSD through."


@dataclass(frozen=True)
class Fault:
    """One way to fail: what the server does, what the first explanation says then, and settings
    that differ. ``reason`` None is an explanation that is shown, "" one that is not there yet.
    """

    always: str = ""
    reason: str | None = None
    speech: Speech = TRUE
    settings: dict[str, str] = field(default_factory=dict)
    place: str = ""


#: By name; those of the server's own are told by it.
FAULTS: dict[str, Fault] = {
    "healthy": Fault(),
    "refused": Fault(place="closed", reason=Trouble.UNREACHABLE),
    "hangs at connect": Fault(place="full", reason=Trouble.TIMEOUT),
    "hangs at headers": Fault("hang", Trouble.TIMEOUT),
    "hangs in the middle": Fault("hang later", Trouble.TIMEOUT),
    "hangs for ever": Fault(
        "hang", "", settings={"LLM_FIRST_TIMEOUT": "120", "LLM_TIMEOUT": "120"}
    ),
    "drips": Fault("drip", Trouble.TIMEOUT),
    "is slow": Fault("slow", Trouble.TIMEOUT, speech=TRUE * 20),
    "429": Fault("429", Trouble.BUSY),
    "429 without a pause": Fault("429 bare", Trouble.BUSY),
    "429 for long": Fault("429 later", Trouble.BUSY),
    "500": Fault("500", Trouble.FAILING),
    "401": Fault("401", Trouble.KEY),
    "wrong model": Fault(reason=Trouble.NO_MODEL, settings={"LLM_MODEL": "no-such-model"}),
    "garbage": Fault("garbage", Trouble.GARBLED),
    "wrong JSON": Fault("wrong json", Trouble.GARBLED),
    "wrong kind": Fault("other kind", Trouble.GARBLED),
    "a page": Fault("html", Trouble.GARBLED),
    "no HTTP": Fault("no http", Trouble.UNREACHABLE),
    "is cut": Fault("cut", Trouble.CUT),
    "huge": Fault("huge", Trouble.GARBLED),
    "empty": Fault("silent", Trouble.EMPTY),
    "calls tools": Fault(speech=[("panic", "{}")], reason=Trouble.EMPTY),
    "over budget": Fault(reason=Trouble.BUDGET, settings={"LLM_DAILY_TOKENS": "100"}),
}


@asynccontextmanager
async def place_of(fault: Fault) -> AsyncIterator[str]:
    """Where the model is: a server, or a port at which none answers."""
    if not fault.place:
        async with served(ChatSite(always=fault.always, speak=lambda _: fault.speech)) as site:
            yield site.url
        return
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        waiting: list[socket.socket] = []
        if fault.place == "full":
            # Nobody accepts, and whoever comes after these is not even answered.
            listening.listen(0)
            for _ in range(4):
                waiting.append(socket.socket())
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(("127.0.0.1", port))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            for each in waiting:
                each.close()
