"""The language model's provider: notices, and documents for those who ask by other ways."""

from collections.abc import Mapping
from datetime import datetime
from html import unescape
from re import sub
from typing import Any

from bot.i18n import Html, Words
from bot.views.facts import by
from engine.domain.provider import AiReach, Offer, Plan, Provider
from engine.domain.values import utc
from engine.flow.provider_records import ProviderStatus


def told(words: Words, detail: Mapping[str, Any]) -> Html:
    """A connection that was made or is lost; with a reason, and what to do, or by whom."""
    provider = Provider(detail["provider"]).shown
    if detail["lost"] is None:
        lines = [words("provider.told_connected", provider=provider)]
    else:
        lines = [words(f"provider.lost_{detail['lost']}", provider=provider)]
    if detail["by"] is not None:
        lines.append(by(words, detail["by"]))
    elif detail["lost"] is not None:
        lines.append(words("provider.again"))
    return Html("\n".join(lines))


def status_document(words: Words, status: ProviderStatus) -> dict[str, Any]:
    """How the connection stands; no part of a credential is in it."""
    lost = status.lost
    key = "provider.connected" if lost is None else f"provider.lost_{lost}"
    return {
        "provider": str(status.provider),
        "enabled": status.enabled,
        "model": status.model,
        "connected": status.connected,
        "mode": None if status.mode is None else str(status.mode),
        "reason": None if lost is None else str(lost),
        "by": status.by,
        "since": _instant(status.at),
        "expires_at": _instant(status.expires_at),
        "message": plain(words(key, provider=status.provider.shown)),
    }


def test_document(words: Words, offer: Offer, plan: Plan) -> dict[str, str]:
    """Source 004, section 6.7: ``{"status", "message"}``. Never an HTTP code, always what to do."""
    said = words(f"ai.{offer.reach}", provider=plan.provider.shown, model=plan.model or "")
    status = "ok" if offer.reach is AiReach.ONLINE else "error"
    return {"status": status, "message": plain(said)}


def plain(text: Html) -> str:
    """Words without markup, for who shows none."""
    return unescape(sub(r"<[^>]+>", "", text))


def _instant(at: datetime | None) -> str | None:
    return None if at is None else utc(at).isoformat(timespec="seconds").replace("+00:00", "Z")
