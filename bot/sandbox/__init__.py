"""A chat without Telegram: a local Bot API server and a page that looks like the chat.

sandbox = Sandbox()
served = await serve(sandbox)        # bots use served.url as the Bot API, people open it
await sandbox.send(1001, "/start")   # or a test plays the person
"""

from bot.sandbox.sandbox import Sandbox
from bot.sandbox.senders import As, From
from bot.sandbox.serving import ServedSandbox, serve
from bot.sandbox.world import DEFAULT_PEOPLE, GROUP_ID, Person, Upload

__all__ = [
    "DEFAULT_PEOPLE",
    "GROUP_ID",
    "As",
    "From",
    "Person",
    "Sandbox",
    "ServedSandbox",
    "Upload",
    "serve",
]
