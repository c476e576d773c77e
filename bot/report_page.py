"""The report of a backtest as one HTML file: no script, nothing from elsewhere, for any browser."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

from bot.i18n import Html, Words
from bot.pictures.equity import Equity, equity_chart
from bot.pictures.trades import Done, Traded, trades_chart
from bot.views import backtest as views
from bot.views.facts import coded, direction, in_r
from broker.instruments import instrument
from engine.research.columns import Columns
from engine.research.report import Report

#: Trades in the table; all are in the CSV.
_ROWS = 500
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:860px;padding:20px;
background:#fff;color:#16202c}
h1{font-size:22px}h2{font-size:17px;margin:28px 0 8px}
img{max-width:100%;height:auto;border-radius:8px;display:block;margin:12px 0}
table{border-collapse:collapse;width:100%}
td,th{padding:4px 8px;border-bottom:1px solid #d8dfe7;text-align:start;vertical-align:top}
.n{text-align:end;font-variant-numeric:tabular-nums;white-space:nowrap}
.note{background:#fff4d6;padding:8px 12px;border-radius:6px;margin:8px 0}
code{font-size:12px;overflow-wrap:anywhere}.wide{overflow-x:auto}
@media(prefers-color-scheme:dark){body{background:#10161f;color:#f2f5f9}
td,th{border-color:#243040}.note{background:#3a3216}}
"""


def pictures(report: Report, columns: Columns, words: Words) -> tuple[bytes, bytes]:
    """The curve of the equity, and the trades on the prices, as PNG."""
    return curve(report, words), prices(report, columns, words)


def curve(report: Report, words: Words) -> bytes:
    """The equity with its falls and the trades that ended."""
    return equity_chart(
        Equity(
            points=report.equity,
            trades=tuple((each.trade.closed_at, each.trade.profit) for each in report.trades),
            currency=report.plan.currency,
        ),
        words,
    )


def prices(report: Report, columns: Columns, words: Words) -> bytes:
    """The trades on the prices."""
    opened = (columns.opened + columns.length).searchsorted(
        [report.first.timestamp(), report.last.timestamp()]
    )
    first, end = int(opened[0]), int(opened[1]) + 1
    scale = 10.0**columns.places
    return trades_chart(
        Traded(
            name=f"{report.plan.symbol} {report.plan.timeframe}",
            digits=instrument(report.plan.symbol).digits,
            times=[columns.closes(place) for place in range(first, end)],
            lows=(columns.low[first:end] / scale).tolist(),
            highs=(columns.high[first:end] / scale).tolist(),
            trades=tuple(
                Done(
                    direction=each.trade.direction, opened_at=each.trade.opened_at,
                    closed_at=each.trade.closed_at, entry=each.trade.entry_price,
                    exit=each.trade.exit_price, profit=each.trade.profit,
                )
                for each in report.trades
            ),
        ),
        words,
    )  # fmt: skip


def page(report: Report, images: Sequence[bytes], words: Words) -> bytes:
    """The whole report, in somebody's words, as HTML in UTF-8."""
    plan = report.plan
    title = views.headline(words, report)
    notes = views.notes(words, report)
    if not report.is_whole:
        notes = [words("backtest.partial", candles=words.number(report.candles)), *notes]
    parts = [
        f"<h1>{title}</h1>",
        *(f'<p class="note">{note}</p>' for note in notes),
        *(
            f'<img alt="" src="data:image/png;base64,{b64encode(each).decode()}">'
            for each in images
        ),
        _table(words("backtest.figures"), views.figures(words, report)),
        _table(words("backtest.assumptions"), views.assumptions(words, plan)),
        _table(
            words("backtest.refusals"),
            [(views.refusal(words, why), words.number(n)) for why, n in report.refusals],
        ),
        _table(
            words("backtest.by_weekday"),
            views.slices(words, report.weekdays, are_days=True, currency=plan.currency),
        ),
        _table(
            words("backtest.by_hour"),
            views.slices(words, report.hours, are_days=False, currency=plan.currency),
        ),
        _table(
            words("backtest.halted"),
            [(words.moment(at), views.halt(words, why)) for at, why in report.halts],
        ),
        _trades(report, words),
        f"<h2>{words('backtest.fingerprint')}</h2><p><code>{report.hash}</code></p>",
    ]
    way = "rtl" if words.is_rtl else "ltr"
    plain = escape(title.replace("<b>", "").replace("</b>", ""), quote=False)
    return (
        f'<!doctype html><html lang="{words.language.replace("_", "-")}" dir="{way}"><head>'
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{plain}</title><style>{_STYLE}</style></head><body>"
        + "\n".join(part for part in parts if part)
        + "</body></html>\n"
    ).encode()


def _table(heading: Html, rows: Iterable[tuple[str, str]]) -> str:
    """Two columns under a heading; nothing where there are no rows."""
    lines = [f'<tr><td>{_safe(name)}</td><td class="n">{_safe(v)}</td></tr>' for name, v in rows]
    return f"<h2>{heading}</h2><table>{''.join(lines)}</table>" if lines else ""


def _trades(report: Report, words: Words) -> str:
    if not report.trades:
        return ""
    shown = report.trades[-_ROWS:]
    heads = ("opened", "closed", "side", "lots", "entry", "exit", "profit", "r", "why", "strategy")
    head = "".join(f"<th>{words(f'backtest.col_{name}')}</th>" for name in heads)
    rows = []
    for each in shown:
        trade = each.trade
        cells = (
            words.time(trade.opened_at, "d MMM HH:mm"), words.time(trade.closed_at, "d MMM HH:mm"),
            direction(words, trade.direction), words.number(trade.volume),
            words.price(trade.entry_price), words.price(trade.exit_price),
            words.money(trade.profit, report.plan.currency, signed=True),
            "" if each.r is None else in_r(words, each.r, 2), coded(words, "exit", trade.reason),
            each.strategy,
        )  # fmt: skip
        rows.append("<tr>" + "".join(f"<td>{_safe(cell)}</td>" for cell in cells) + "</tr>")
    more = len(report.trades) - len(shown)
    note = f"<p>{words('report.more', count=more)}</p>" if more else ""
    heading = words("backtest.all_trades")
    return (
        f'<h2>{heading}</h2><div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'
        + note
    )


def _safe(text: str) -> str:
    return text if isinstance(text, Html) else escape(text, quote=False)
