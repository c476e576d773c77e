"""A small server of PROTOCOL.md, in memory. Every request is checked against the page's tables."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.mql5 import wire

LEASE_MS = 30_000
SILENT_MS = 90_000
CODE_AGAIN_MS = 60_000
_ORDER = {"PAUSE": 0, "RESUME": 0, "CLOSE": 1, "MOVE_SL": 1, "SET_TP": 1, "OPEN": 2}


class Refusal(Exception):
    """Becomes an error's status and code."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


@dataclass
class Command:
    """A queued command and where it is."""

    document: dict[str, Any]
    lease_ms: int = 0
    attempt: int = 0
    instances: set[str] = field(default_factory=set)
    result: dict[str, Any] | None = None


@dataclass
class Charge:
    """Which Expert Advisor is in charge of the account."""

    instance: str = ""
    run: str = ""
    run_before: str = ""
    heard_ms: int = 0


Handler = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class Server:
    """One account's server. ``clock`` gives milliseconds."""

    clock: Callable[[], int]
    magic_base: int = 7_700_000_000
    paused: bool = False
    codes: dict[str, int | None] = field(default_factory=lambda: {"CODE-0001": None})
    token: str = ""
    account: tuple[int, str] = (0, "")
    commands: dict[str, Command] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    charge: Charge = field(default_factory=Charge)
    registered: dict[str, Any] = field(default_factory=dict)
    beats: list[dict[str, Any]] = field(default_factory=list)
    syncs: list[dict[str, Any]] = field(default_factory=list)
    anomalies: list[str] = field(default_factory=list)
    polls: list[dict[str, Any]] = field(default_factory=list)
    leased: int = 0
    _seq: int = 0
    _tokens: int = 0

    # ---- what a test or the product does

    def put(self, kind: str, *, expires_s: int = 60, **fields: Any) -> str:
        """Queue a command; its id."""
        self._seq += 1
        now = self.clock()
        document = {
            "id": f"c-{self._seq}", "seq": self._seq, "type": kind, "issued_ms": now,
            "expires_ms": now + expires_s * 1000 if expires_s else 0, **fields,
        }  # fmt: skip
        self.commands[document["id"]] = Command(document)
        if kind in ("PAUSE", "RESUME"):
            self.paused = kind == "PAUSE"
        return str(document["id"])

    def add_code(self, code: str) -> None:
        """A connect code that nobody used."""
        self.codes[code] = None

    def refresh(self) -> None:
        """Everything is known here already; a server with a database is read."""

    def result(self, name: str) -> dict[str, Any]:
        """The result of a command; empty while there is none."""
        return self.commands[name].result or {}

    def outcome(self, name: str) -> str:
        """Its status, with the reason if there is one: ``rejected: price_moved``."""
        found = self.result(name)
        return ": ".join(filter(None, (found.get("status"), found.get("reason"))))

    # ---- the face

    def handle(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """One request; status and body of the answer."""
        try:
            answer = self._answer(path, headers, body)
        except Refusal as refusal:
            error = {"error": {"code": refusal.code, "message": refusal.message}}
            return refusal.status, json.dumps(error).encode()
        raw = json.dumps(answer, default=str).encode()
        wire.check(f"{path} answer", wire.load(raw))
        return 200, raw

    def _answer(self, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        handlers: dict[str, Handler] = {
            "/ea/register": self._register, "/ea/heartbeat": self._heartbeat,
            "/ea/sync": self._sync, "/ea/execute": self._execute, "/ea/result": self._result,
        }  # fmt: skip
        if len(body) > 2**20:
            raise Refusal(413, "too_large")
        try:
            request = wire.load(body)
            if isinstance(request, dict) and request.get("protocol") != 1:
                raise Refusal(426, "unsupported_protocol")
            if path != "/ea/register" and not self._knows(headers):
                raise Refusal(401, "unauthorized", "This terminal is not known.")
            wire.check(f"{path} request", request)
        except wire.Broken as error:
            self.anomalies.append(f"{path}: {error}")
            raise Refusal(400, "bad_request", str(error)[:200]) from None
        if path not in ("/ea/register", "/ea/result"):
            self._take_charge(request)
        return {"now_ms": self.clock(), **handlers[path](request)}

    def _knows(self, headers: Mapping[str, str]) -> bool:
        return bool(self.token) and headers.get("Authorization") == f"Bearer {self.token}"

    def _take_charge(self, request: dict[str, Any]) -> None:
        now, charge = self.clock(), self.charge
        instance, run = request["instance"], request["run"]
        if instance != charge.instance:
            if now - charge.heard_ms < SILENT_MS:
                raise Refusal(409, "another_instance", "Another terminal trades this account.")
            self.charge = Charge(instance, run, "", now)
            return
        if run != charge.run:
            if run == charge.run_before:
                raise Refusal(409, "another_instance", "This terminal was started again.")
            charge.run, charge.run_before = run, charge.run
        charge.heard_ms = now

    def _settings(self) -> dict[str, Any]:
        return {
            "paused": self.paused, "poll_ms": 1000, "hold_ms": 0, "heartbeat_ms": 5000,
            "sync_ms": 15000, "sync_now": False, "symbols": [], "candles": [], "deals_since": 0,
            "calendar_hours": 0, "names": False, **self.settings,
        }  # fmt: skip

    def _register(self, request: dict[str, Any]) -> dict[str, Any]:
        now, who = self.clock(), (request["login"], request["server"])
        used = self.codes.get(request["code"], -1)
        again = used is not None and now - used < CODE_AGAIN_MS and self.account == who
        if used is not None and not (again and self.charge.instance == request["instance"]):
            raise Refusal(403, "code_refused", "This connect code is not valid any more.")
        if used is None:
            self.codes[request["code"]] = now
        self._tokens += 1
        self.token = f"token-{self._tokens}".ljust(43, "x")
        self.account = who
        self.charge = Charge(request["instance"], request["run"], "", now)
        self.registered = request
        return {"token": self.token, "magic_base": self.magic_base, "settings": self._settings()}

    def _heartbeat(self, request: dict[str, Any]) -> dict[str, Any]:
        if (request["login"], request["server"]) != self.account:
            raise Refusal(403, "account_refused", "The token is for another account.")
        self.beats.append(request)
        if request["paused"] is not None and request["paused"] != self.paused:
            waiting = [c for c in self.commands.values() if c.result is None]
            if not any(c.document["type"] in ("PAUSE", "RESUME") for c in waiting):
                self.put("PAUSE" if self.paused else "RESUME", expires_s=0)
        return {"settings": self._settings()}

    def _sync(self, request: dict[str, Any]) -> dict[str, Any]:
        self.syncs.append(request)
        return {"sync_no": request["sync_no"]}

    def _execute(self, request: dict[str, Any]) -> dict[str, Any]:
        self.polls.append(request)
        now = self.clock()
        chosen: list[dict[str, Any]] = []
        waiting = [c for c in self.commands.values() if c.result is None]
        waiting.sort(key=lambda c: (_ORDER[c.document["type"]], c.document["seq"]))
        held = {c.document.get("position") for c in waiting if c.lease_ms > now} - {None}
        for command in waiting:
            position = command.document.get("position")
            blocked = position in held or position in request["busy"]
            if command.document["type"] == "OPEN" and not request["opens"]:
                blocked = True
            if command.lease_ms > now or blocked or len(chosen) >= request["max"]:
                continue
            chosen.append(self._lease(command, request["instance"], now))
        return {"commands": chosen}

    def _lease(self, command: Command, instance: str, now: int) -> dict[str, Any]:
        self.leased += 1
        command.lease_ms = now + LEASE_MS
        command.attempt += 1
        command.instances.add(instance)
        lookup = len(command.instances) > 1
        return {**command.document, "attempt": command.attempt, "lookup_only": lookup}

    def _result(self, request: dict[str, Any]) -> dict[str, Any]:
        command = self.commands.get(request["id"])
        if command is None:
            self.anomalies.append(f"a result for the unknown {request['id']}")
            return {"known": False, "duplicate": False}
        told = {name: value for name, value in request.items() if name not in ("instance", "run")}
        if command.result is None:
            command.result = told
            return {"known": True, "duplicate": False}
        if command.result != told:
            self.anomalies.append(f"{request['id']}: {command.result} and {told}")
        return {"known": True, "duplicate": True}
