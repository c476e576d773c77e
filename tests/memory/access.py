"""Logins, sessions, keys and invitations, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from engine.domain.access import ApiKey, KeyDraft, Login, Session
from engine.ports import Clock
from tests.memory.rows import View


class MemoryAccess:
    """The port ``AccessStore`` in one transaction. A deleted row is None."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def login_of(self, email: str) -> Login | None:
        return next((one for one in self._all("login") if one.email == email), None)

    async def login_for(self, person_id: int) -> Login | None:
        found: Login | None = self._view.get("login", person_id)
        return found

    async def save_login(self, login: Login) -> bool:
        holder = await self.login_of(login.email)
        if holder is not None and holder.person_id != login.person_id:
            return False
        await self._view.put("login", login.person_id, login)
        return True

    async def count_try(self, limits: Mapping[str, int], span: timedelta) -> datetime | None:
        now, full, counted = self._clock(), [], {}
        for name in sorted(limits):
            await self._view.lock("try", name)
            since, tries = self._view.get("try", name) or (now, 0)
            if since <= now - span:
                since, tries = now, 0
            if tries >= limits[name]:
                full.append(since + span)
            counted[name] = (since, tries + 1)
        if full:
            return max(full)
        for name, row in counted.items():
            await self._view.put("try", name, row)
        return None

    async def forget_tries(self, names: Sequence[str]) -> None:
        for name in names:
            await self._view.put("try", name, None)

    async def add_session(self, session: Session) -> None:
        await self._view.put("session", session.id, session)

    async def session(self, id_: str) -> Session | None:
        found: Session | None = self._view.get("session", id_)
        return found

    async def end_session(self, id_: str) -> None:
        await self._view.put("session", id_, None)

    async def end_sessions(self, person_id: int) -> None:
        for session in self._all("session"):
            if session.person_id == person_id:
                await self.end_session(session.id)

    async def add_key(self, draft: KeyDraft) -> ApiKey:
        key = ApiKey(**asdict(draft), id=next(self._numbers), created_at=self._clock())
        await self._view.put("api key", key.id, key)
        return key

    async def key_of(self, digest: str) -> ApiKey | None:
        return next((key for key in self._all("api key") if key.digest == digest), None)

    async def key(self, id_: int) -> ApiKey | None:
        found: ApiKey | None = self._view.get("api key", id_)
        return found

    async def keys(self, person_id: int | None) -> Sequence[ApiKey]:
        found = [
            key
            for key in self._all("api key")
            if key.revoked_at is None and person_id in (None, key.person_id)
        ]
        return sorted(found, key=lambda key: -key.id)

    async def revoke_key(self, id_: int) -> None:
        key = await self.key(id_)
        if key is not None and key.revoked_at is None:
            await self._view.put("api key", id_, replace(key, revoked_at=self._clock()))

    async def used_key(self, id_: int) -> None:
        key = await self.key(id_)
        if key is not None:
            minute = self._clock().replace(second=0, microsecond=0)
            await self._view.put("api key", id_, replace(key, used_at=minute))

    async def invite(self, digest: str, person_id: int, life: timedelta) -> datetime:
        until = self._clock() + life
        for old, (owner, _) in list(self._rows("invite")):
            if owner == person_id:
                await self._view.put("invite", old, None)
        await self._view.put("invite", digest, (person_id, until))
        return until

    async def accept(self, digest: str) -> int | None:
        await self._view.lock("invite", digest)
        found = self._view.get("invite", digest)
        await self._view.put("invite", digest, None)
        return found[0] if found is not None and found[1] > self._clock() else None

    def _all(self, table: str) -> list[Any]:
        return [row for row in self._view.all(table) if row is not None]

    def _rows(self, table: str) -> list[tuple[Any, Any]]:
        return [(key, row) for key, row in self._view.items(table) if row is not None]
