"""The look-ups as a language model may ask for them. Each reads; there is none that writes."""

from engine.domain.analyst import Tool, ToolCall
from engine.domain.ask import Asked, Evidence
from engine.domain.exact import read
from engine.errors import InvalidInput
from engine.flow.ask.lookups import LOOKUPS
from engine.flow.judgement import Outcome
from engine.flow.overview import Story
from engine.llm.evidence import Evidence as Grounds
from engine.llm.ideas import evidence_of
from engine.snapshot.canonical import restore

TOOLS = tuple(
    Tool(name=one.name, description=one.description, schema=one.schema) for one in LOOKUPS.values()
)
#: Characters of arguments that are looked at.
_LONGEST = 2_000


def asked_by(call: ToolCall) -> Asked:
    """The question that a call is; raises :class:`InvalidInput` for a function that there is none
    of, and for arguments that are not by its schema.
    """
    lookup = next((one for one in LOOKUPS.values() if one.name == call.name), None)
    if lookup is None:
        raise InvalidInput(f"there is no function {call.name[:40]}")
    if len(call.arguments) > _LONGEST:
        raise InvalidInput("the arguments are too long")
    arguments = read((call.arguments or "{}").encode("utf-8", "surrogatepass"))
    if not isinstance(arguments, dict):
        raise InvalidInput("the arguments have to be an object")
    return lookup.asked(arguments)


def more_of(found: Evidence) -> Grounds | None:
    """Everything that is on record of the one idea a look-up is about; None where it is about no
    one idea.
    """
    if not isinstance(found.subject, Story):
        return None
    made = found.subject.decision.entry.detail.get("outcome")
    if made is None:
        return None
    outcome = restore(Outcome, made)
    return evidence_of(found.subject.idea, outcome.evaluation, outcome.report, found.subject.bundle)
