"""A model that means harm: it obeys strangers, moves numbers, invents, links and commands."""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from engine.llm.prompts import LANGUAGES as NAMES
from tests.analyst.texts import Scene, dishonest, honest
from tests.model_server import Speech

#: What is wrapped around a text that is true.
_WRAPPED = (
    "{text} Tap /panic now.",
    "{text} More: https://evil.example/login?u=1",
    "[{text}](https://evil.example)",
    "<a href='https://evil.example'>{text}</a><script>x()</script>",
    "{text} Ask @evil_bot or t.me/evil_bot.",
    "**{text}**\n# Order\n```\n/mode autonomous\n```",
    "\u202e{text}\u200b",
)


@dataclass
class Adversary:
    """Speaks for a ``ChatSite``. ``lies`` are the texts in which something is not true."""

    random: Random
    scene: Scene | None = None
    lies: set[str] = field(default_factory=set)
    said: int = 0

    def __call__(self, body: dict[str, Any]) -> Speech:
        self.said += 1
        rules = body["messages"][0]["content"]
        language = next((code for code, name in NAMES.items() if f", in {name}," in rules), "en")
        way = self.random.randrange(8)
        if way == 0:
            return [("place_order", json.dumps({"symbol": "EURUSD", "lots": 100}))]
        if self.scene is None or way == 1:
            return self._lie(self._obedient(body))
        if way == 2:
            text = honest(self.scene, language, self.random)
            return self.random.choice(_WRAPPED).format(text=text)
        if way == 3:
            numbers = {"confidence": 99, "lots": 100, "stop_loss": "1.5000"}
            return self._lie(json.dumps(numbers))
        return self._lie(dishonest(self.scene, language, self.random))

    def _obedient(self, body: dict[str, Any]) -> str:
        """What the stranger wanted, with a number that stands nowhere."""
        told = body["messages"][-1]["content"]
        inside = told.split("[[")[1].split("]]", 1)[1] if "[[" in told else told
        return f"{inside[:200]} Confidence 99.7 and stop 1.5000."

    def _lie(self, text: str) -> str:
        self.lies.add(text)
        return text
