"""The process between us and a server: when we are gone, however we went, it stops the server.

Run as a file by a bare interpreter, so it imports nothing but the standard library. Its standard
input is a pipe that only we hold open: the end of that pipe is the order to stop. That is the same
on Linux and macOS and needs no parent-death signal, which is lost when the server changes its user
and which follows the thread that forked, not the process.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence


def stop(server: "subprocess.Popen[bytes]", steps: Sequence[tuple[int, float]]) -> None:
    for number, seconds in steps:
        server.send_signal(number)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def told_to_stop(wake: int) -> bool:
    """Wait for anything to happen; whether it was the end of our pipe or a SIGTERM."""
    readable = select.select([0, wake], [], [])[0]
    if 0 in readable and not os.read(0, 64):
        return True
    return wake in readable and signal.SIGTERM in os.read(wake, 64)


def main(order: str) -> int:
    wanted = json.loads(order)
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)  # makes a signal end the select below
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    try:
        server = subprocess.Popen(  # noqa: S603
            wanted["argv"],
            stdin=subprocess.DEVNULL,
            env=wanted["env"],
            user=wanted["user"],
            group=wanted["group"],
            extra_groups=wanted["groups"],
            pass_fds=wanted["keep"],
            start_new_session=True,
        )
    except OSError as error:
        sys.stderr.write(f"cannot run {wanted['argv'][0]}: {error}\n")
        return 127
    while server.poll() is None:
        if told_to_stop(wake):
            stop(server, wanted["steps"])
            break
    code = server.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
