"""The service on the Windows host: REST in front, a journal, and a process that has the package.

Three layers, because the ``MetaTrader5`` package holds the interpreter's lock while it waits for
the terminal and has no time-outs: ``worker`` is the only process that imports it and may be killed;
``app`` answers HTTP and never waits for long; ``journal`` remembers what was begun. It needs
aiohttp and pydantic only: no database server, no Redis, no Telegram.
"""
