"""Tables of equal letters in both directions of reading."""

from bot.i18n import words_for
from bot.views.columns import table

ROWS = (("", "n", "R"), ("Approved", "12", "−1.04"), ("A name beyond its column", "3", "0.50"))
WIDTHS = (-10, 4, 8)


def test_columns_begin_and_end_where_they_should():
    assert table(words_for("en"), ROWS, WIDTHS).splitlines() == [
        "<pre>             n       R",
        "Approved    12   −1.04",
        "A name beyond its colu",
        "             3    0.50</pre>",
    ]


def test_from_the_right_each_line_is_one_part_and_each_cell_another():
    lines = table(words_for("ar"), ROWS[:2], WIDTHS).removesuffix("</pre>").splitlines()
    assert lines[1] == "\u2067\u2068Approved\u2069    \u206812\u2069   \u2068−1.04\u2069\u2069"
    assert lines[0].removeprefix("<pre>").startswith("\u2067" + " " * 13)


def test_what_looks_like_a_tag_is_escaped():
    assert "&lt;b&gt;" in table(words_for("en"), (("<b>", "1", "2"),), WIDTHS)
