"""parse_mode to text and entities, with offsets in UTF-16 units."""

import pytest

from bot.sandbox.formatting import ParseError, parse_text


def parsed(text, mode):
    plain, entities = parse_text(text, mode, [])
    return plain, [(e["type"], e["offset"], e["length"]) for e in entities]


HTML = [
    ("<b>a</b> <i>b</i>", "a b", [("bold", 0, 1), ("italic", 2, 1)]),
    ("😀<b>x</b>", "😀x", [("bold", 2, 1)]),
    ("<b>a<i>b</i></b>", "ab", [("bold", 0, 2), ("italic", 1, 1)]),
    ("<u>a</u><s>b</s>", "ab", [("underline", 0, 1), ("strikethrough", 1, 1)]),
    ("1 &lt; 2 &amp;&amp; &#8364;", "1 < 2 && €", []),
    ("<code>/x</code>", "/x", [("code", 0, 2)]),
    ("<tg-spoiler>a</tg-spoiler>", "a", [("spoiler", 0, 1)]),
    ('<span class="tg-spoiler">a</span>', "a", [("spoiler", 0, 1)]),
    ("<blockquote>a</blockquote>", "a", [("blockquote", 0, 1)]),
    ("<blockquote expandable>a</blockquote>", "a", [("expandable_blockquote", 0, 1)]),
    ("  <b> a</b> ", "a", [("bold", 0, 1)]),
    ("<b></b>a", "a", []),
]


@pytest.mark.parametrize(("source", "text", "entities"), HTML)
def test_html_becomes_text_and_entities(source, text, entities):
    assert parsed(source, "HTML") == (text, entities)


MARKDOWN = [
    ("*a* _b_ __c__ ~d~ ||e||", "a b c d e", "bold italic underline strikethrough spoiler"),
    (r"1\.5 \- \_x\_", "1.5 - _x_", ""),
    ("`a.b`", "a.b", "code"),
    ("```py\nx = 1.5\n```", "x = 1.5", "pre"),
    (r"[a](http://x.y/\))", "a", "text_link"),
    (">a\n>b\nc", "a\nb\nc", "blockquote"),
]


@pytest.mark.parametrize(("source", "text", "kinds"), MARKDOWN)
def test_markdown_becomes_text_and_entities(source, text, kinds):
    plain, entities = parsed(source, "MarkdownV2")
    assert plain == text
    assert [kind for kind, *_ in entities] == kinds.split()


def test_links_languages_and_times_carry_their_details():
    _, [link] = parse_text('<a href="https://x.y/?a=1&amp;b=2">go</a>', "HTML", [])
    assert link["url"] == "https://x.y/?a=1&b=2"
    _, [pre] = parse_text('<pre><code class="language-py">x</code></pre>', "HTML", [])
    assert pre == {"type": "pre", "offset": 0, "length": 1, "language": "py"}
    _, [time] = parse_text('<tg-time unix="1700000000" format="r">soon</tg-time>', "HTML", [])
    assert (time["unix_time"], time["date_time_format"]) == (1700000000, "r")


def test_commands_mentions_links_and_tags_are_found_by_themselves():
    text = "/idea_7@ai_bot @annette https://x.y/z. #gold $USD a/b 1/2"
    _, found = parsed(text, "")
    assert found == [
        ("bot_command", 0, 14),
        ("mention", 15, 8),
        ("url", 24, 13),
        ("hashtag", 39, 5),
        ("cashtag", 45, 4),
    ]


@pytest.mark.parametrize("source", ["<div>x</div>", "a < b", "x</b>", "<span>x</span>"])
def test_html_beyond_the_subset_loses_the_message(source):
    with pytest.raises(ParseError):
        parse_text(source, "HTML", [])
