"""A model's card and its drift in words: no name of a column, no figure without its meaning."""

import pytest

from bot.i18n import LANGUAGES, words_for
from bot.views import models as views
from engine.domain.person import Role
from engine.research.drift import DriftReport, FeatureDrift
from engine.snapshot.features import NAMES
from tests import models


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_a_model_looks_at_has_words(language):
    words = words_for(language)
    told = [views.figure(words, name) for name in NAMES]
    assert len(set(told)) == len(NAMES)
    assert not [text for text in told if "_" in text]


def test_a_figure_of_an_older_model_is_shown_by_its_name():
    assert views.figure(words_for("de"), "ema_gap") == "ema_gap"


def test_a_card_says_what_it_looks_at_and_what_its_figures_mean():
    text = views.card(words_for("de"), models.model(), role=Role.TRADER).text or ""
    assert "Schaut vor allem auf: Kursänderung, 1 Kerze · Kursänderung, 5 Kerzen" in text
    assert "AUC: 0,5 ist Zufall" in text
    assert "return_" not in text


def test_drift_says_what_its_number_means_where_it_shows_one():
    words = words_for("en")
    seen = DriftReport(
        model=models.model(),
        rows=600,
        features=(FeatureDrift(name="std_20", index=models.score().rises),),
        since=None,
    )
    text = views.drift(words, seen).text or ""
    assert "size of the swings, 20 candles: 0.51, shifted" in text
    assert "(PSI)" in text
    few = DriftReport(model=models.model(), rows=3, features=(), since=None)
    assert "(PSI)" not in (views.drift(words, few).text or "")
