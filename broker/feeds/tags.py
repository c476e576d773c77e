"""Which watched symbols a headline is about: by codes, names, countries and central banks."""

import re
from collections.abc import Iterable, Mapping, Sequence

#: Words by what they say something of, in lower case; a word matches as a whole.
_WORDS: Mapping[str, str] = {
    "USD": "dollar|greenback|federal reserve|fed|fomc|powell|wall street|treasury|treasuries"
    "|united states|nonfarm|non-farm|payrolls|nfp|white house",
    "EUR": "euro|eurozone|euro area|ecb|european central bank|lagarde|bund|germany|german|france"
    "|french|italy|italian|spain|spanish",
    "GBP": "sterling|british pound|pound|bank of england|boe|uk|britain|british|gilt|gilts",
    "JPY": "yen|bank of japan|boj|japan|japanese|ueda",
    "CHF": "swiss franc|franc|snb|swiss national bank|switzerland|swiss",
    "CAD": "canadian dollar|loonie|bank of canada|boc|canada|canadian",
    "AUD": "australian dollar|aussie|rba|reserve bank of australia|australia|australian",
    "NZD": "new zealand dollar|kiwi|rbnz|reserve bank of new zealand|new zealand",
    "CNH": "yuan|renminbi|pboc|china|chinese",
    "SEK": "swedish krona|riksbank|sweden|swedish",
    "NOK": "norwegian krone|norges bank|norway|norwegian",
    "MXN": "mexican peso|banxico|mexico|mexican",
    "ZAR": "rand|south africa",
    "TRY": "turkish lira|lira|turkey|turkish",
    "XAU": "gold|bullion",
    "XAG": "silver",
    "OIL": "oil|crude|brent|wti|opec",
    "BTC": "bitcoin",
    "ETH": "ethereum|ether",
}
#: In lower case these are other words.
_EXACT: Mapping[str, str] = {"USD": r"US|U\.S\.|USA"}
#: Dollars that are not America's.
_OTHER_DOLLARS = re.compile(
    r"\b(?:australian|canadian|new zealand|hong kong|singapore|taiwan) dollar", re.IGNORECASE
)
#: How venues name what a word is about.
_NAMES: Mapping[str, Sequence[str]] = {
    "XAU": ("GOLD",),
    "XAG": ("SILVER",),
    "OIL": ("BRENT", "WTI", "XTI", "XBR", "CRUDE"),
    "CNH": ("CNY",),
    "BTC": ("XBT",),
}
#: Indices have no currency in their names.
_INDICES: Mapping[str, str] = {
    "US500": "USD", "SPX500": "USD", "US30": "USD", "NAS100": "USD", "US100": "USD",
    "GER40": "EUR", "DE40": "EUR", "EU50": "EUR", "UK100": "GBP", "JP225": "JPY",
}  # fmt: skip


class Tagger:
    """Tags headlines with those of its symbols that they are about."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._symbols = tuple(dict.fromkeys(symbols))
        self._about = {
            symbol: tuple(_pattern(subject) for subject in _subjects(symbol))
            for symbol in self._symbols
        }

    def tags(self, text: str) -> tuple[str, ...]:
        """The symbols, in the order they are watched."""
        seen = _OTHER_DOLLARS.sub(lambda found: found[0].rpartition(" ")[0], text)
        return tuple(
            symbol
            for symbol in self._symbols
            if any(loose.search(seen) or exact.search(seen) for loose, exact in self._about[symbol])
        )


def _subjects(symbol: str) -> list[str]:
    name = symbol.upper()
    found = [
        subject
        for subject in _WORDS
        if subject in name or any(other in name for other in _NAMES.get(subject, ()))
    ]
    return found + [currency for index, currency in _INDICES.items() if name.startswith(index)]


def _pattern(subject: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    # Codes stand alone or as a pair: EUR, EUR/USD, EURUSD.
    exact = rf"\b(?:[A-Z]{{3}}/?)?{subject}(?:/?[A-Z]{{3}})?\b"
    if subject in _EXACT:
        exact += rf"|(?<!\w)(?:{_EXACT[subject]})(?!\w)"
    return re.compile(rf"\b(?:{_WORDS[subject]})\b", re.IGNORECASE), re.compile(exact)
