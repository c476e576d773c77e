"""The peer of the Expert Advisor's endpoint: an aiohttp handler that reads JSON and makes one
SELECT, as a process of its own: ``python -m tests.benchmarks.ea_bare URL PORT``.
"""

import asyncio
import sys

import asyncpg
from aiohttp import web


async def serve(url: str, port: int) -> None:
    """Until it is ended."""
    pool = await asyncpg.create_pool(url, min_size=1, max_size=10)

    async def handle(asked: web.Request) -> web.Response:
        await asked.json()
        return web.json_response({"one": await pool.fetchval("SELECT 1")})

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
