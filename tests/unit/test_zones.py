"""Finding a time zone: by name, by city in one's own language, by a part of it, by a near miss."""

from zoneinfo import ZoneInfo

import pytest

from bot import zones
from bot.callbacks import pack
from bot.i18n import LANGUAGES, words_for
from bot.views import zones as views
from tests.builders import NOW


@pytest.mark.parametrize(
    ("text", "language", "zone"),
    [
        ("Europe/Madrid", "en", "Europe/Madrid"), ("europe/madrid", "en", "Europe/Madrid"),
        ("madrid", "en", "Europe/Madrid"), ("MADRID ", "de", "Europe/Madrid"),
        ("мадрид", "ru", "Europe/Madrid"), ("مدريد", "ar", "Europe/Madrid"),
        ("new york", "en", "America/New_York"), ("new_york", "en", "America/New_York"),
        ("york", "en", "America/New_York"), ("sao paulo", "en", "America/Sao_Paulo"),
        ("São Paulo", "pt-BR", "America/Sao_Paulo"), ("wien", "de", "Europe/Vienna"),
        ("Asia/Calcutta", "en", "Asia/Calcutta"), ("utc", "en", "UTC"),
    ],
)  # fmt: skip
def test_a_zone_is_found_without_doubt(text, language, zone):
    assert zones.search(text, language) == ((zone,), True)


def test_several_and_near_misses_are_offered_and_nothing_is_guessed():
    found, is_sure = zones.search("san", "en")
    assert (len(found) > 3, is_sure) == (True, False)
    assert zones.search("lodnon", "en") == (("Europe/London",), False)
    for text in ("", "   ", "zzzz", "\0", "../../etc/passwd"):
        assert zones.search(text, "en") == ((), False)


def test_every_zone_that_is_offered_is_one_and_fits_on_a_button():
    assert len(zones.zones()) > 300
    for zone in zones.zones():
        assert ZoneInfo(zone)
        assert len(pack("zone", zone).encode()) <= 64
    named = {zone.split("/")[0] for zone in zones.zones()} - {"UTC"}
    assert named == set(zones.REGIONS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_city_is_reached_by_buttons(language):
    words = words_for(language)
    reached = set()
    for region in zones.REGIONS:
        page = 0
        while True:
            screen = views.cities(words, region, page)
            buttons = [button for row in screen.buttons for button in row]
            reached |= {b.data.removeprefix("v1:zone:") for b in buttons if ":zone:" in b.data}
            assert all(button.label for button in buttons)
            if pack("cities", region, page + 1) not in [button.data for button in buttons]:
                break
            page += 1
    assert reached == set(zones.zones()) - {"UTC"}


def test_the_local_time_is_shown_for_a_check():
    screen = views.changed(words_for("en"), "Asia/Tokyo", NOW)
    assert f"{NOW.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M} JST" in (screen.text or "")
