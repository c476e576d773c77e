"""Watches for what is sent too fast, by the limits that Telegram's FAQ states.

30 messages a second over all; one a second to one chat; 20 a minute to one group. The burst of five
is an assumption: Telegram allows "short bursts" and does not say how short.
"""

import math
import time
from collections import Counter, deque
from collections.abc import Callable
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

    def wait(self, now: float, count: int) -> float:
        """Seconds until `count` more messages may go; more than ever fit never wait longer."""
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (min(count, self.size) - self.tokens) / self.rate)


@dataclass(slots=True)
class Flood:
    """Counts every call that breaks a limit; refuses it too, if the limits are enforced.

    A call that broke a limit is not counted as sent, in either mode: the same calls at the same
    moments give the same numbers.
    """

    enforced: bool = True
    now: Callable[[], float] = time.monotonic
    # Calls that broke a limit, by its name: overall, chat, group. One call may break several.
    broken: "Counter[str]" = field(default_factory=Counter)
    # Calls that broke at least one.
    violations: int = 0
    _overall: Bucket | None = None
    _chats: dict[int, Bucket] = field(default_factory=dict)
    _groups: dict[int, "deque[float]"] = field(default_factory=dict)

    def admit(self, chat_id: int, count: int = 1) -> None:
        """Counts messages or edits; raises 429 with the time to wait when that is enforced."""
        now = self.now()
        if self._overall is None:
            self._overall = Bucket(OVERALL_PER_SECOND, OVERALL_PER_SECOND, 30, now)
        chat = self._chats.setdefault(chat_id, Bucket(CHAT_PER_SECOND, CHAT_BURST, 5, now))
        waits = {
            "overall": self._overall.wait(now, count),
            "chat": chat.wait(now, count),
            "group": self._group_wait(chat_id, now, count),
        }
        if max(waits.values()) > 0:
            self.violations += 1
            self.broken.update(name for name, wait in waits.items() if wait > 0)
            if self.enforced:
                raise too_many_requests(math.ceil(max(waits.values())))
            return
        self._overall.tokens -= count
        chat.tokens -= count
        if chat_id < 0:
            self._groups[chat_id].extend([now] * count)

    def reset_counts(self) -> None:
        self.broken.clear()
        self.violations = 0

    def _group_wait(self, chat_id: int, now: float, count: int) -> float:
        if chat_id > 0:
            return 0.0
        sent = self._groups.setdefault(chat_id, deque())
        while sent and sent[0] <= now - 60:
            sent.popleft()
        over = len(sent) + count - GROUP_PER_MINUTE
        return sent[min(over, len(sent)) - 1] + 60 - now if over > 0 and sent else 0.0
