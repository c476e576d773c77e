"""``ai-trader`` with every logger at DEBUG: ``python -m tests.chaos.loud up``.

With ``PLANTED_LEAK`` it prints that text once, past every mask: a look for secrets has to find it.
"""

import logging
import os
import sys
from typing import Any

from bot import logs
from bot.__main__ import main

_set_up = logs.set_up


def loudly(*arguments: Any, **named: Any) -> None:
    """As the product sets its log up, and then everything that any library has to say."""
    _set_up(*arguments, **named)
    logging.getLogger().setLevel(logging.DEBUG)
    planted = os.environ.pop("PLANTED_LEAK", None)
    if planted is not None:
        print(f"planted: {planted}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    logs.set_up = loudly
    main()
