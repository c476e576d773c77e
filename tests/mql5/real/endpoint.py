"""The product's endpoint as a process that can be killed at any instant and started again."""

import asyncio
import multiprocessing
import signal
import socket
import time
from dataclasses import replace

from bot.endpoint import build_endpoint, serve_endpoint
from bot.settings import Settings
from bot.world import build_world
from ea.answers import Pace
from storage.database import open_database

ACCOUNT = "live-1"
HOST = "127.0.0.1"
#: As the stand-in server paces it; nothing is held, because the clock is simulated.
PACE = Pace(poll_ms=1000, hold_ms=0, heartbeat_ms=5000, sync_ms=15_000)


class _NoBell:
    """There is no worker to wake."""

    async def ring(self, job: str, *ids: str) -> None:
        """Nobody listens."""


def settings_of(database_url: str) -> Settings:
    """The product's settings for a terminal's account."""
    return Settings(  # type: ignore[call-arg]
        _env_file=None, broker="mt_bridge", account_id=ACCOUNT,
        ea_symbols="EURUSD:H1,XAUUSD=GOLD:H1", database_url=database_url,
    )  # fmt: skip


def _serve(database_url: str, port: int) -> None:
    async def run() -> None:
        settings = settings_of(database_url)
        async with open_database(database_url, pool=4):
            endpoint = build_endpoint(settings, build_world(settings), _NoBell())
            await serve_endpoint(replace(endpoint, pace=PACE), HOST, port)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(run())


class EndpointProcess:
    """Forked from a process that has imported everything, since that takes a second."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        with socket.socket() as found:
            found.bind((HOST, 0))
            self.port: int = found.getsockname()[1]
        self._process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> None:
        """Start, unless it runs, and wait until it listens."""
        if self._process is not None and self._process.is_alive():
            return
        arguments = (self._database_url, self.port)
        self._process = self._context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection((HOST, self.port), 1).close()
            except OSError:
                if not self._process.is_alive():
                    break
                time.sleep(0.005)
            else:
                return
        raise RuntimeError("the endpoint did not start")

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
