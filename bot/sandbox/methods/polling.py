"""How the bot gets its updates: getUpdates or a webhook, never both."""

import re
from typing import Any

from bot.sandbox.errors import WEBHOOK_ACTIVE, bad_request, conflict
from bot.sandbox.methods.call import Call
from bot.sandbox.webhook import Webhook, is_loopback

Json = dict[str, Any]

SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")


def get_me(call: Call) -> Json:
    return call.telegram.account.me


async def get_updates(call: Call) -> list[Json]:
    if call.telegram.webhook.url:
        raise conflict(WEBHOOK_ACTIVE)
    params, queue = call.params, call.telegram.queue
    queue.allow(params.get("allowed_updates"))
    return await queue.poll(
        params.get("offset", 0), params.get("limit", 100), params.get("timeout", 0)
    )


async def set_webhook(call: Call) -> bool:
    params, telegram = call.params, call.telegram
    url = params["url"]
    if url and not is_loopback(url):
        # Nothing that happens in the sandbox leaves this machine.
        raise bad_request("bad webhook: the sandbox delivers to http://127.0.0.1 only")
    if not SECRET.fullmatch(params.get("secret_token", "")):
        raise bad_request("secret token contains unallowed characters")
    telegram.queue.allow(params.get("allowed_updates"))
    if params.get("drop_pending_updates"):
        telegram.queue.clear()
    if url:
        telegram.queue.interrupt(conflict("terminated by setWebhook request"))
    await telegram.webhook.stop()
    secret, connections = params.get("secret_token", ""), params.get("max_connections", 40)
    telegram.webhook = Webhook(url, secret, connections)
    telegram.webhook.start(telegram.queue, telegram.clock, call.execute)
    telegram.hub.emit("pending", count=len(telegram.queue.waiting))
    return True


async def delete_webhook(call: Call) -> bool:
    telegram = call.telegram
    if call.params.get("drop_pending_updates"):
        telegram.queue.clear()
    await telegram.webhook.stop()
    telegram.webhook = Webhook()
    telegram.hub.emit("pending", count=len(telegram.queue.waiting))
    return True


def get_webhook_info(call: Call) -> Json:
    webhook, queue = call.telegram.webhook, call.telegram.queue
    info: Json = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(queue.pending()),
    }
    if webhook.url:
        info["max_connections"] = webhook.max_connections
    if webhook.error:
        info["last_error_date"], info["last_error_message"] = webhook.error
    if queue.allowed:
        info["allowed_updates"] = sorted(queue.allowed)
    return info


def log_out(call: Call) -> bool:
    del call  # there is no other server to move to
    return True


def close(call: Call) -> bool:
    del call
    return True
