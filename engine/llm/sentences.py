"""A text that comes in pieces, as whole sentences."""

import re
from dataclasses import dataclass, field

#: An end, and what follows it: in German a number with a point may be a day (14. Januar).
_END = re.compile(r"(?<!\d)[.!?؟。…]+[)\"'»”]*(?=\s)|(?<=\d)[.!?؟。…]+(?=\s)|\n+")
#: A sentence without an end is no sentence; more is not waited for.
_LONGEST = 600


@dataclass(slots=True)
class Sentences:
    """Whole sentences out of pieces, each as soon as it is known to have ended."""

    language: str = "en"
    rest: str = field(default="")

    def add(self, piece: str) -> list[str]:
        """The sentences that a piece ends; the space behind a point has to be seen first."""
        self.rest += piece
        whole, start = [], 0
        for found in _END.finditer(self.rest):
            if self._is_day(found):
                continue
            whole.append(self.rest[start : found.end()].strip())
            start = found.end()
        self.rest = self.rest[start:]
        if len(self.rest) > _LONGEST:
            whole.append(self.rest)
            self.rest = ""
        return [sentence for sentence in whole if sentence]

    def end(self) -> list[str]:
        """What is left when nothing more comes."""
        left, self.rest = self.rest.strip(), ""
        return [left] if left else []

    def _is_day(self, found: re.Match[str]) -> bool:
        before = self.rest[found.start() - 1 : found.start()]
        return self.language == "de" and found[0] == "." and before.isdecimal()
