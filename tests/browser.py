"""Whether a real Chromium is here: ``make test`` says so, ``make test-browser`` insists."""

import shutil
import sys


def find() -> str | None:
    """The browser's program."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def main() -> int:
    """Print what was found; with --require a missing browser is an error."""
    if find() is not None:
        if "--note" in sys.argv:
            print("Chromium is here; its tests are: make test-browser")
        return 0
    print("No Chromium found: the browser tests were not run. On Debian: apt-get install chromium")
    return 1 if "--require" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
