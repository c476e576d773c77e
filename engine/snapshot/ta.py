"""TA-Lib without pandas, which it imports only to take pandas' columns: 30 MB and 0.2 s less in
every process. Whoever needs pandas imports it as ever.
"""

import sys
from types import ModuleType


def _load() -> ModuleType:
    # None makes an import fail as if there were no such package, which TA-Lib is prepared for.
    absent = [name for name in ("pandas", "polars") if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        import talib as loaded
    finally:
        for name in absent:
            del sys.modules[name]
    return loaded


talib = _load()
