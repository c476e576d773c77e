"""Refuses what is sent too fast, by the limits that Telegram's FAQ states.

30 messages a second over all; one a second to one chat; 20 a minute to one group. The burst of five
is an assumption: Telegram allows "short bursts" and does not say how short.
"""

import math
import time
from collections import deque
from dataclasses import dataclass, field

from bot.sandbox.errors import too_many_requests

OVERALL_PER_SECOND = 30
CHAT_PER_SECOND = 1
CHAT_BURST = 5
GROUP_PER_MINUTE = 20


@dataclass(slots=True)
class Bucket:
    """Refills at `rate` tokens a second up to `size`; each message takes one."""

    rate: float
    size: float
    tokens: float
    at: float

    def wait(self, now: float) -> float:
        """Seconds until one more message may go."""
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (1 - self.tokens) / self.rate)


@dataclass(slots=True)
class Flood:
    enforced: bool = True
    _overall: Bucket | None = None
    _chats: dict[int, Bucket] = field(default_factory=dict)
    _groups: dict[int, deque[float]] = field(default_factory=dict)

    def admit(self, chat_id: int) -> None:
        """Counts one message or edit, or raises 429 with the time to wait."""
        if not self.enforced:
            return
        now = time.monotonic()
        overall = self._overall or Bucket(OVERALL_PER_SECOND, OVERALL_PER_SECOND, 30, now)
        chat = self._chats.setdefault(chat_id, Bucket(CHAT_PER_SECOND, CHAT_BURST, 5, now))
        self._overall = overall
        waits = [overall.wait(now), chat.wait(now), self._group_wait(chat_id, now)]
        if max(waits) > 0:
            raise too_many_requests(math.ceil(max(waits)))
        overall.tokens -= 1
        chat.tokens -= 1
        if chat_id < 0:
            self._groups[chat_id].append(now)

    def _group_wait(self, chat_id: int, now: float) -> float:
        if chat_id > 0:
            return 0.0
        sent = self._groups.setdefault(chat_id, deque())
        while sent and sent[0] <= now - 60:
            sent.popleft()
        return sent[0] + 60 - now if len(sent) >= GROUP_PER_MINUTE else 0.0
