"""What a sweep varies is named in words, not by the fields of a document."""

import pytest

from bot.i18n import LANGUAGES, words_for
from bot.views.sweep import axis_name
from engine.research.space import axes_of
from engine.strategies.documents import shipped


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_that_can_be_varied_has_words(language):
    words = words_for(language)
    paths = {axis.path for strategy in shipped() for axis in axes_of(strategy)}
    assert {"exit_rules.stop_loss", "entry_conditions.adx_above"} <= paths
    told = {axis_name(words, path) for path in paths}
    assert len(told) == len(paths)
    assert not [name for name in told if "_" in name]


def test_a_field_without_words_keeps_its_name():
    assert axis_name(words_for("de"), "params.slow") == "slow"
    assert axis_name(words_for("de"), "entry_conditions.ema_gap_atr_above") == (
        "EMA-Abstand über … ATR"
    )
