"""Parts of the courier that need nobody: cutting texts, ids to look at, choices, quiet hours."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.courier.steps import Call, Progress, edit_of, main_message, read, steps_of, stored
from bot.courier.text import cut, length, plain, split
from bot.screen import Parcel
from engine.domain.preferences import Loudness, Preferences, Topic
from engine.errors import InvalidInput
from storage.probing import CANDIDATES, Known, possible

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
BEFORE, AFTER = AT - timedelta(seconds=1), AT + timedelta(seconds=1)


class Balance(HTMLParser):
    """Fails on a tag that is closed and not open, and knows what stays open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


words = st.sampled_from(
    ["profit", "a &lt; b", "<b>halt</b>", "🛑🛑", "<b>two <i>deep</i></b>", "x" * 30, "&amp;"]
)
lines = st.lists(st.lists(words, max_size=6).map(" ".join), min_size=1, max_size=30)


@given(lines, st.booleans())
def test_parts_fit_are_whole_html_and_together_are_the_text(found: list[str], inside: bool) -> None:
    text = "\n".join(found)
    text = f"<pre>{text}</pre>" if inside else text
    parts = split(text, 60)
    for part in parts:
        assert length(part) <= 60
        balance = Balance()
        balance.feed(part)
        assert balance.open == []
    joined = "".join(plain(part) for part in parts).replace("\n", "")
    assert joined == plain(text).replace("\n", "")


def test_cut_keeps_whole_lines_and_shows_that_there_were_more() -> None:
    assert cut("one\ntwo", 10) == "one\ntwo"
    assert cut("<b>one\ntwo</b>\nthree", 9) == "<b>one\ntwo</b>\n…"


def test_ids_after_the_last_known_one_are_looked_at_first() -> None:
    known = [Known(1, 5, BEFORE), Known(1, 7, AFTER), Known(2, 5, BEFORE)]
    assert possible(1, AT, known)[:3] == (6, 8, 9)
    assert len(possible(1, AT, known)) == CANDIDATES


def test_private_chats_of_one_account_count_together_and_supergroups_alone() -> None:
    known = [Known(1, 5, BEFORE), Known(2, 9, BEFORE), Known(2, 11, AFTER), Known(-3, 5, BEFORE)]
    assert possible(1, AT, known)[:2] == (10, 12)
    assert possible(-3, AT, known)[:2] == (6, 7)
    assert possible(4, AT, [])[:2] == (1, 2)


def test_picture_with_a_long_text_is_a_picture_and_a_text_with_the_buttons() -> None:
    buttons = [[{"text": "Yes", "callback_data": "v1:x"}]]
    parcel = Parcel(text="line\n" * 300, chart={"idea": "x"}, buttons=buttons, pin=True)
    steps = steps_of(parcel, reply_to=7, is_silent=False)
    assert [step.call for step in steps] == [Call.PHOTO, Call.TEXT, Call.PIN]
    assert [bool(step.buttons) for step in steps] == [False, True, False]
    assert (steps[0].is_silent, steps[1].is_silent) == (True, False)
    assert (steps[0].reply_to, steps[1].reply_to) == (7, None)
    assert read(stored(steps)) == list(steps)
    assert main_message(steps) is None
    assert steps[0].progress is Progress.NEW


def test_edit_that_does_not_fit_goes_on_in_a_message() -> None:
    steps = edit_of(Parcel(text="line\n" * 1000), 9, has_caption=False)
    assert [step.call for step in steps] == [Call.EDIT, Call.TEXT]
    assert main_message(steps) == 9


def test_single_reasons_win_over_the_topic_until_every_reason_is_chosen() -> None:
    prefs = Preferences().choose(Topic.CLOSES, "stop_loss", Loudness.SILENT)
    assert prefs.loudness(Topic.CLOSES, "stop_loss") is Loudness.SILENT
    assert prefs.loudness(Topic.CLOSES, "take_profit") is Loudness.ON
    assert prefs.loudness(Topic.CLOSES, "never heard of") is Loudness.ON
    off = prefs.choose(Topic.CLOSES, "*", Loudness.OFF)
    assert off.loudness(Topic.CLOSES, "stop_loss") is Loudness.OFF
    assert off.chosen == {"closes": Loudness.OFF}


@pytest.mark.parametrize(
    ("topic", "reason", "loudness"),
    [
        (Topic.HALTS, None, Loudness.OFF),
        (Topic.HALTS, None, Loudness.SILENT),
        (Topic.IDEAS, "stop_loss", Loudness.OFF),
        (Topic.CLOSES, "nonsense", Loudness.OFF),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    topic: Topic, reason: str | None, loudness: Loudness
) -> None:
    with pytest.raises(InvalidInput):
        Preferences().choose(topic, reason, loudness)


@pytest.mark.parametrize("typed", [("22:00", "22:00"), ("25:00", "7:00"), ("", "07:00")])
def test_hours_that_are_none_are_refused(typed: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput):
        Preferences().quiet(*typed)


def test_quiet_hours_are_local_and_may_cross_midnight() -> None:
    prefs = Preferences().quiet("22:00", "7:00")
    athens = "Europe/Athens"  # two hours ahead in winter, three in summer
    assert prefs.quiet_until == "07:00"
    for month, at, is_quiet in (
        (1, "19:59", False), (1, "20:00", True), (1, "04:59", True), (1, "05:00", False),
        (7, "19:00", True), (7, "04:00", False),
    ):  # fmt: skip
        hour, minute = map(int, at.split(":"))
        instant = datetime(2026, month, 5, hour, minute, tzinfo=UTC)
        assert prefs.is_quiet(instant, athens) is is_quiet, (month, at)
    assert Preferences().is_quiet(AT, athens) is False
    last = prefs.last_quiet(datetime(2026, 1, 5, 5, 30, tzinfo=UTC), athens)
    assert last == (datetime(2026, 1, 4, 20, tzinfo=UTC), datetime(2026, 1, 5, 5, tzinfo=UTC))
