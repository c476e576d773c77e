"""``ai-trader api``: what is asked over HTTP, in a process of its own."""

from bot.cli import _run, _settings


def api() -> None:
    """Serve the HTTP API, /health, /ready and /metrics (API_HOST, API_PORT)."""
    from bot.processes import open_world, prepare, run_api, until_stopped

    async def work() -> None:
        settings = _settings(None)
        await prepare(settings)
        async with open_world(settings) as (world, pool):
            await run_api(settings, world, pool)

    _run(until_stopped(work()))
