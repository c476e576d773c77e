"""What a mini app is opened with: the person's facts, signed with the bot's token."""

import hashlib
import hmac
import json
import secrets
from urllib.parse import urlencode

from bot.sandbox.telegram import Telegram


def init_data(telegram: Telegram, user_id: int, *, ago: float = 0.0, start: str = "") -> str:
    """Telegram.WebApp.initData, signed `ago` seconds ago.

    The hash is HMAC-SHA256 as core.telegram.org/bots/webapps#validating-data says. The field
    `signature`, which only Telegram's own key can make, is not there.
    """
    fields = {
        "auth_date": str(telegram.clock.unix() - int(ago)),
        "query_id": secrets.token_hex(8),
        "user": json.dumps(telegram.world.users[user_id], separators=(",", ":")),
    }
    if start:
        fields["start_param"] = start
    key = hmac.new(b"WebAppData", telegram.account.token.encode(), hashlib.sha256).digest()
    checked = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    fields["hash"] = hmac.new(key, checked.encode(), hashlib.sha256).hexdigest()
    return urlencode(fields)
