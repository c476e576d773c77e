"""Both servers of one home, opened and closed together. Blocking; called from a thread."""

import contextlib
import threading
from pathlib import Path

from storage.embedded import Servers, Source
from storage.embedded.binaries import find_postgres, find_redis
from storage.embedded.children import Child, Server
from storage.embedded.errors import EmbeddedServerError
from storage.embedded.places import SHORT, Places, claimed, settle
from storage.embedded.postgres import OWNER, RUNTIME, Postgres, clusters_in
from storage.embedded.redis import Redis
from storage.embedded.running import publish, withdraw


class Runner:
    """Opens once and closes once; `close` may come while `open` still works in another thread."""

    def __init__(
        self, home: Path, *, fsync: bool, postgres: bool, redis: bool, prefer: Source | None
    ) -> None:
        self._home = home
        self._fsync = fsync
        self._wanted = (postgres, redis)
        self._prefer = prefer
        self._gate = threading.Lock()
        self._closed = False
        self._children: list[Child] = []
        self._held = contextlib.ExitStack()

    def open(self) -> Servers:
        try:
            return self._open()
        except OSError as error:  # a full disk, a folder that cannot be written ...
            raise EmbeddedServerError(
                f"The database servers of {self._home} could not be started: {error}"
            ) from error

    def _open(self) -> Servers:
        with self._gate:
            self._held.enter_context(claimed(self._home))
            places = settle(self._home)
            self._held.callback(self._tidy, places)
            urls, programs = {"database": "", "owner": "", "redis": ""}, []
            if self._wanted[0] and not self._closed:
                postgres = self._postgres(places)
                urls |= {"database": postgres.url(RUNTIME), "owner": postgres.url(OWNER)}
                programs.append(postgres.program)
            if self._wanted[1] and not self._closed:
                redis = self._redis(places)
                urls["redis"] = redis.url()
                programs.append(redis.program)
            servers = Servers(
                database_url=urls["database"],
                owner_url=urls["owner"],
                redis_url=urls["redis"],
                describe=", ".join(str(program) for program in programs),
            )
            self._held.callback(withdraw, self._home)
            publish(self._home, servers)
            return servers

    def close(self) -> None:
        self._closed = True
        for child in self._children:
            child.give_up()
        with self._gate:
            self._held.close()

    def _postgres(self, places: Places) -> Postgres:
        base, account = places.base, places.account
        program = find_postgres(account, base, clusters_in(base), self._prefer)
        server = Postgres(
            program=program,
            base=base,
            sockets=places.sockets,
            account=account,
            fsync=self._fsync,
        )
        server.create()
        self._run(server)
        return server

    def _redis(self, places: Places) -> Redis:
        program = find_redis(places.account, places.base, self._prefer)
        server = Redis(
            program=program,
            base=places.base,
            sockets=places.sockets,
            account=places.account,
            fsync=self._fsync,
        )
        self._run(server)
        return server

    def _run(self, server: Server) -> None:
        child = Child(server)
        self._held.callback(child.stop)
        self._children.append(child)
        child.start()

    def _tidy(self, places: Places) -> None:
        if places.sockets.parent == SHORT:
            with contextlib.suppress(OSError):  # something is left in it: the next start clears it
                places.sockets.rmdir()
