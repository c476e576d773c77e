"""A strategy's rules in words: when it may trade, what it waits for, how it leaves, its caps."""

from bot.i18n import Html, Words
from bot.views.facts import argument, coded, value
from engine.domain.strategy import DAYS, Condition, ExitRules, SessionWindow, Strategy
from engine.gate.steward import USUAL_STEP
from engine.strategies.stages import FIRST_TARGET


def rules(words: Words, seen: Strategy) -> list[Html]:
    """The rules, a line each."""
    lines = [words("rules.hours")]
    lines += [_window(words, window) for window in seen.session_windows]
    if seen.setup:
        lines += [words("rules.setup", name=coded(words, "condition", seen.setup))]
    if seen.entry_conditions:
        lines += [words("rules.entry"), *(_condition(words, one) for one in seen.entry_conditions)]
    if seen.nice_to_have:
        lines += [words("rules.nice"), *(_condition(words, one) for one in seen.nice_to_have)]
    return lines + _exits(words, seen) + _keeps_out(words, seen)


def _exits(words: Words, seen: Strategy) -> list[Html]:
    rules_ = seen.exit_rules
    lines = [
        words("rules.stop", stop=rules_.stop_loss),
        words("rules.target", targets=", ".join(rules_.take_profit)),
    ]
    lines += _led(words, rules_)
    if rules_.time_limit_min is not None:
        lines.append(words("rules.limit", minutes=words.number(rules_.time_limit_min)))
    lines.append(words("rules.reward", ratio=words.number(seen.rr_expectation.normalize() + 0)))
    return lines


def _led(words: Words, rules_: ExitRules) -> list[Html]:
    """How the trade is led until it ends."""
    lines = []
    if (even := rules_.break_even) is not None:
        key = "rules.break_even" if even.offset is None else "rules.break_even_offset"
        lines.append(words(key, at=_stage(words, even.at), offset=even.offset or ""))
    if (trail := rules_.trailing) is not None:
        key = "rules.trailing" if trail.start is None else "rules.trailing_from"
        lines.append(
            words(
                key,
                distance=trail.distance,
                step=trail.step or USUAL_STEP,
                start="" if trail.start is None else _stage(words, trail.start),
            )
        )
    for part in rules_.partial_close:
        percent = words.number(part.percent)
        lines.append(words("rules.part", percent=percent, at=_stage(words, part.at)))
    return lines


def _stage(words: Words, at: str) -> str:
    return words("rules.first_target") if at == FIRST_TARGET else at


def _keeps_out(words: Words, seen: Strategy) -> list[Html]:
    out = seen.forbidden_conditions
    lines = []
    if out.block_high_impact_news_minutes and out.blocked_symbols_during_news:
        lines.append(
            words(
                "rules.news",
                minutes=words.number(out.block_high_impact_news_minutes),
                currencies=", ".join(out.blocked_symbols_during_news),
            )
        )
    if out.market_states:
        states = Html(", ".join(value(words, str(state)) for state in out.market_states))
        lines.append(words("rules.states", states=states))
    lines.append(
        words(
            "rules.caps",
            lots=words.number(seen.risk_caps.max_lot_size.normalize() + 0),
            most=words.number(seen.risk_caps.max_concurrent_positions),
        )
    )
    return lines


def _condition(words: Words, one: Condition) -> Html:
    name = coded(words, "condition", one.name, argument=argument(words, one.argument))
    return words("rules.line", text=name)


def _window(words: Words, window: SessionWindow) -> Html:
    text = words(
        "rules.window",
        days=_days(words, window.days),
        start=f"{window.start:%H:%M}",
        end=f"{window.end:%H:%M}",
        zone=window.zone,
    )
    return words("rules.line", text=text)


def _days(words: Words, days: tuple[str, ...]) -> Html:
    """Days in a row as a span: Monday to Friday."""
    places = [DAYS.index(day) for day in days]
    first, last = value(words, days[0]), value(words, days[-1])
    if len(places) > 2 and places == list(range(places[0], places[0] + len(places))):
        return Html(f"{first}–{last}")
    return Html(", ".join(value(words, day) for day in days))
