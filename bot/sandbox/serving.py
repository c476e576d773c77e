"""Starts the sandbox on this machine, and nowhere else."""

import errno
from dataclasses import dataclass

from aiohttp import web

from bot.sandbox.sandbox import Sandbox

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
REAL_ENVIRONMENTS = ("production", "prod", "staging")
# Requests that are still waiting when the server closes are cut off after so many seconds.
GRACE = 0.5


@dataclass(slots=True)
class ServedSandbox:
    url: str
    port: int
    _runner: web.AppRunner

    async def close(self) -> None:
        await self._runner.cleanup()


async def serve(
    sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0, app_env: str = "development"
) -> ServedSandbox:
    """Serves until closed; port 0 takes a free one, `url` says which."""
    if host not in LOOPBACK_HOSTS:
        raise ValueError(f"the sandbox has no passwords: it serves 127.0.0.1 only, not {host}")
    if app_env.lower() in REAL_ENVIRONMENTS:
        raise RuntimeError(
            f"the local chat is not for APP_ENV={app_env}: set a bot token to use Telegram"
        )
    runner = web.AppRunner(sandbox.app(), access_log=None, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        if error.errno == errno.EADDRINUSE:
            raise OSError(
                errno.EADDRINUSE,
                f"port {port} is taken: stop the program that uses it or choose another port",
            ) from error
        raise
    bound: int = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return ServedSandbox(f"http://{shown}:{bound}", bound, runner)
