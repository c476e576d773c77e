"""The courier: takes what is due from the outbox to Telegram, the most urgent first.

It runs in a worker, never in the trading path, and never imports aiogram.

1. ``courier`` takes up the most urgent row of each chat that is free.
2. ``compose`` makes a row into the calls it becomes; facts are read as they are now.
3. ``bot.limiter`` waits until Telegram's limits leave room.
4. ``settle`` writes the calls down, makes one after the other, and notes each.
5. ``proof`` finds out, after a crash or a lost answer, whether Telegram has a message.
"""

from bot.courier.courier import Courier, build_courier
from bot.courier.steps import payload

__all__ = ["Courier", "build_courier", "payload"]
