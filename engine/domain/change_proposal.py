"""A proposal to change the configuration: what, why, on which figures, and how it ended.

Source 001: a machine can only propose changes; people approve or reject them.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from engine.errors import IllegalMove


class Target(StrEnum):
    """What a proposal changes."""

    SETTINGS = "settings"
    STRATEGY = "strategy"
    SYMBOL = "symbol"


class Source(StrEnum):
    """Who thought of it."""

    ADVISOR = "advisor"
    OPTIMIZER = "optimizer"
    MODEL = "model"
    PERSON = "person"


class ProposalState(StrEnum):
    """APPROVED is applied. STALE: what it was made for has changed since."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be changed, in the version it was looked at. ``key`` is empty for the settings,
    else the strategy's id in hex or the symbol; ``version`` is 0 for a symbol, which has none.
    """

    target: Target
    key: str = ""
    version: int = 0
    name: str = ""

    @property
    def text(self) -> str:
        """The subject without its version: one of them waits for an answer at a time."""
        return f"{self.target}:{self.key}"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field by its name or dotted path; None where it is not there before, or not after."""

    field: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.field}: {self.before or 'nothing'} -> {self.after or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure a proposal rests on; ``name`` is a code with words of its own."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Ground:
    """Why, as a code with words of its own, and the figures of it."""

    code: str
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldFigures:
    """One step of a walk-forward search: the span it chose in and the later one it was tried in.

    Figures are mean results in units of risk; ``baseline`` is what the present document made in
    the same later span. None where there were no trades.
    """

    train_from: datetime
    train_until: datetime
    test_from: datetime
    test_until: datetime
    inside: Decimal | None
    outside: Decimal | None
    baseline: Decimal | None
    trades_inside: int
    trades_outside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDraft:
    """A proposal before it is stored. ``said`` are a person's or a model's own words; ``document``
    is the whole text of a strategy's next version, ``by`` the name of who proposes.
    """

    subject: Subject
    changes: tuple[FieldChange, ...]
    source: Source
    by: str
    grounds: tuple[Ground, ...] = ()
    said: str = ""
    folds: tuple[FoldFigures, ...] = ()
    document: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProposal:
    """A proposal and its life; ``id`` is the number people say. ``mark`` is the same for the same
    changes. ``stops`` is whether trading stops when nobody answers, ``applied`` the version that an
    approval made.
    """

    id: int
    draft: ChangeDraft
    mark: str
    state: ProposalState
    created_at: datetime
    expires_at: datetime
    stops: bool
    decided_at: datetime | None = None
    decided_by: int | None = None
    decided_name: str | None = None
    applied: int | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it waits for an answer."""
        return self.state is ProposalState.PENDING

    def end(
        self,
        state: ProposalState,
        *,
        at: datetime,
        by: int | None = None,
        name: str | None = None,
        applied: int | None = None,
    ) -> "ChangeProposal":
        """The proposal as it ended; one that has ended raises :class:`IllegalMove`."""
        if not self.is_pending or state is ProposalState.PENDING:
            raise IllegalMove(
                f"proposal {self.id} is {self.state} and cannot become {state}",
                state=self.state,
                wanted=state,
            )
        return replace(
            self, state=state, decided_at=at, decided_by=by, decided_name=name, applied=applied
        )


_APPLIED = re.compile("proposal ([0-9]{1,9}) approved")


def applied_reason(id_: int) -> str:
    """The reason that is kept of a change that an approved proposal made."""
    return f"proposal {id_} approved"


def proposal_of(reason: str) -> int | None:
    """The proposal a kept reason of :func:`applied_reason` names; None for any other reason."""
    found = _APPLIED.fullmatch(reason)
    return None if found is None else int(found[1])
