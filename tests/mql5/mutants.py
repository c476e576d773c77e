"""Mistakes of logic and of running, planted into the Expert Advisor, and the test that has to notice each.

All of them are in one program: a condition chooses the right or the wrong expression at run time.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.mql5 import test_kills as kills
from tests.mql5 import test_one_at_a_time as single
from tests.mql5 import test_recovery as recovery
from tests.mql5 import test_snapshot as snapshot
from tests.mql5 import test_trading as trading
from tests.mql5.build import SOURCE, assemble
from tests.mql5.rewrite import rewrite
from tests.mql5.world import World

Probe = Callable[[World], object]


@dataclass(frozen=True, slots=True)
class Mutant:
    """In ``file``, where ``around`` stands, ``right`` becomes ``wrong``. ``fresh``: the probe starts the
    program itself.
    """

    name: str
    file: str
    right: str
    wrong: str
    probe: Probe
    around: str = ""
    fresh: bool = False


def _unclear(world: World) -> None:
    recovery.test_an_unclear_answer_of_an_order_that_was_not_executed(world, 10012)


def _second(world: World) -> None:
    single.test_the_second_chart_of_a_terminal_stands_by(world)


def _deleted(world: World) -> None:
    kills.test_deleted_state_repeats_nothing(world, "journal", "die_late")


def _torn(world: World) -> None:
    kills.test_a_kill_inside_the_trade_call(world, "die_late", "OPEN")


def _real(world: World) -> None:
    trading.test_a_real_account_needs_the_input(world)


_COMMANDS, _TRADE, _TRACE, _HTTP, _LOCK, _JOURNAL, _BROKER = (
    f"parts/{name}.mqh"
    for name in ("Commands", "Trade", "Trace", "Http", "Lock", "Journal", "Broker")
)

MUTANTS: tuple[Mutant, ...] = (
    Mutant("no journal line before the trade call", _COMMANDS,
           "JournalLine(BeginLine(g_jobs[k]))", "true", _torn),
    Mutant("a known id is executed again", _COMMANDS, "k>=0", "k>=1000000",
           recovery.test_a_refusal_that_the_server_forgot_is_told_again_and_not_tried_again,
           "if(k>=0)\n     {\n      if(g"),
    Mutant("a forgotten result is not told again", _COMMANDS, "g_jobs[k].state==JOB_ACKED", "false",
           recovery.test_a_result_that_the_server_forgot_is_told_again,
           "g_jobs[k].state==JOB_ACKED)\n         g_jobs[k].state=JOB_ENDED"),
    Mutant("a time-out is called a refusal", _TRADE, "IsFinal(code)",
           "IsFinal(code) || code==TRADE_RETCODE_TIMEOUT", _unclear, "|| IsFinal(code) ||"),
    Mutant("a time-out is sent again", _BROKER, "retcode==TRADE_RETCODE_REQUOTE",
           "retcode==TRADE_RETCODE_REQUOTE || retcode==TRADE_RETCODE_TIMEOUT",
           lambda w: recovery.test_an_unclear_answer_of_an_executed_order(w, 10012)),
    Mutant("a lost connection is called a refusal", _BROKER, "retcode>=TRADE_RETCODE_ONLY_REAL",
           "retcode>=TRADE_RETCODE_CONNECTION",
           lambda w: recovery.test_an_unclear_answer_of_an_executed_order(w, 10031)),
    Mutant("no code at all is called a refusal", _BROKER, "retcode==TRADE_RETCODE_REJECT",
           "retcode==TRADE_RETCODE_REJECT || retcode==0",
           lambda w: recovery.test_an_unclear_answer_of_an_executed_order(w, 0)),
    Mutant("an unknown code is called a refusal", _BROKER, "retcode<=TRADE_RETCODE_HEDGE_PROHIBITED",
           "retcode<=99999", lambda w: recovery.test_an_unclear_answer_of_an_executed_order(w, 10099)),
    Mutant("a refusal is repeated", _BROKER, "retcode==TRADE_RETCODE_PRICE_OFF",
           "retcode==TRADE_RETCODE_PRICE_OFF || retcode==TRADE_RETCODE_NO_MONEY",
           lambda w: recovery.test_a_refusal_is_reported_and_not_repeated(w, 10019)),
    Mutant("repeats without end", _TRADE, "tries<MAX_TRIES", "tries<40",
           lambda w: recovery.test_what_proves_that_nothing_happened_is_repeated(w, 10004)),
    Mutant("expiry is not looked at", _TRADE, "plan.expires_ms>0", "false",
           lambda w: trading.test_time_on_the_way_counts_towards_expiry(w, 4, "expired"),
           "plan.expires_ms>0 && now"),
    Mutant("time on the way does not count", _TRADE, "(long)(GetTickCount64()-g_asked_at)", "0",
           lambda w: trading.test_time_on_the_way_counts_towards_expiry(w, 4, "expired")),
    Mutant("expiry is not judged before repeats", _TRADE, "IsExpired(plan)", "false",
           trading.test_expiry_is_judged_again_before_each_repeat,
           "if(IsExpired(plan))\n     {\n      o.status"),
    Mutant("the price is not judged before repeats", _TRADE, 'plan.type!="OPEN"', "true",
           trading.test_the_price_is_judged_again_before_each_repeat, 'plan.type!="OPEN" || CheckPrice'),
    Mutant("the deviation is not looked at", _TRADE,
           "MathAbs(now-plan.price)<=plan.max_deviation+EPS", "true",
           trading.test_the_price_is_judged_again_before_each_repeat),
    Mutant("a pause is forgotten", _JOURNAL, '!JournalLine((on ? "P\\t1\\t" : "P\\t0\\t")'
           "+IntegerToString(seq))", "false",
           trading.test_pause_stops_opens_and_nothing_else_and_survives),
    Mutant("a pause stops nothing", _TRADE, "g_paused!=PAUSE_OFF", "false",
           trading.test_pause_stops_opens_and_nothing_else_and_survives),
    Mutant("an old resume undoes a newer pause", _COMMANDS, "seq<=g_pause_seq", "false",
           trading.test_a_late_resume_does_not_undo_a_newer_pause),
    Mutant("an old stop undoes a newer one", _TRADE, "g_jobs[i].seq>plan.seq", "false",
           trading.test_the_later_of_two_stops_wins_whatever_comes_first),
    Mutant("one magic number for all", _COMMANDS, "g_magic_base+plan.seq", "g_magic_base+1",
           trading.test_several_targets_are_several_positions),
    Mutant("the volume is rounded up", _BROKER, "MathFloor(volume/step+0.0000001)",
           "MathCeil(volume/step-0.0000001)", trading.test_open_is_rounded_marked_and_reported),
    Mutant("the filling mask is not read", _BROKER, "(allowed & SYMBOL_FILLING_FOK)!=0", "true",
           lambda w: trading.test_the_filling_mode_is_the_brokers(w, 2, 2), fresh=True),
    Mutant("a close takes everything", _TRADE, "left-plan.keep", "left",
           trading.test_close_goes_down_to_what_is_to_be_kept, "left-plan.keep)"),
    Mutant("what is not shown is called closed", _TRACE, "entered>EPS && gone>entered-EPS", "true",
           kills.test_a_close_is_not_called_done_because_the_terminal_shows_nothing),
    Mutant("a position is looked for by its ticket", _TRACE,
           "PositionGetInteger(POSITION_IDENTIFIER)==identifier", "(long)ticket==identifier",
           trading.test_a_position_is_known_by_its_identifier_not_by_its_ticket),
    Mutant("orders at work are not looked at", _TRACE, "OrderWithMagic(job.magic)", "false",
           lambda w: recovery.test_an_order_that_shows_up_late(w, "working")),
    Mutant("a stop or target passes for the opening deal", _TRACE,
           '(job.type=="OPEN")!=(entry==DEAL_ENTRY_IN)', "false",
           recovery.test_a_stop_that_was_hit_is_no_second_opening),
    Mutant("partial fills are called full", _TRACE, "o.volume+EPS<job.volume", "false",
           recovery.test_a_partial_fill_says_how_much),
    Mutant("no patience", _COMMANDS, "waited<(stop ? (ulong)STOP_LOOK_MS : (ulong)InpResolveSec*1000)",
           "false", lambda w: recovery.test_an_order_that_shows_up_late(w, "late")),
    Mutant("patience without a connection", _COMMANDS, "g_online>g_jobs[k].since", "false",
           kills.test_nothing_is_concluded_without_the_broker),
    Mutant("opens go on while one is unclear", _COMMANDS, "CountJobs(JOB_BEGUN)>0", "false", _unclear,
           'plan.type=="OPEN" && CountJobs(JOB_BEGUN)>0'),
    Mutant("a busy position is touched", _COMMANDS, "g_jobs[i].position==position", "false",
           recovery.test_a_busy_position_is_left_alone_within_one_answer),
    Mutant("no look at the broker before a trade", _COMMANDS, "TraceTrade(g_jobs[k],o)!=TRACE_NONE",
           "false", kills.test_a_journal_without_its_tail),
    Mutant("lookup_only is ignored", _COMMANDS, "ready && !plan.lookup_only", "ready", _deleted),
    Mutant("the journal is not read back", _JOURNAL, 'part[0]=="B"', "false", _torn),
    Mutant("a new identity with every start", _JOURNAL, "StringLen(g_instance)==0", "true",
           kills.test_a_restart_is_no_second_terminal),
    Mutant("two charts work", _LOCK, "now-seen<LOCK_STALE_MS", "false", _second),
    Mutant("a lost lock is not noticed", _LOCK,
           "!GlobalVariableSetOnCondition(LockName(),now,g_lock)", "false",
           single.test_a_chart_that_hung_finds_its_lock_taken),
    Mutant("the zero at the end is sent", _HTTP, "n-1", "n",
           recovery.test_a_lost_offer_comes_again_when_its_lease_ends, "ArrayResize(data,n-1)"),
    Mutant("a result is sent once", _COMMANDS, '!Ask("/ea/result",g_jobs[k].result,doc,code)',
           '!Ask("/ea/result",g_jobs[k].result,doc,code) && false',
           recovery.test_a_lost_result_is_sent_again_at_once),
    Mutant("no waiting after failures", _HTTP, "GetTickCount64()+ms", "GetTickCount64()",
           recovery.test_the_wait_after_failures_grows_and_is_reset),
    Mutant("a 401 throws the token away", _HTTP, "(code==401)",
           '(code==401 && StringLen(g_token="")==0)', recovery.test_a_passing_401_costs_nothing,
           "g_refused=(code==401)"),
    Mutant("the owner's limit is not looked at", _TRADE, "InpMaxLot>0.0", "false",
           trading.test_limits_of_the_owner_hold, "InpMaxLot>0.0 &&", True),
    Mutant("a real account is traded", _TRADE, "!InpAllowLive", "false", _real, fresh=True),
    Mutant("permissions are not looked at", _COMMANDS, "!MayTrade()", "false",
           lambda w: trading.test_nothing_is_traded_without_every_permission(w, "terminal")),
    Mutant("an array is left (ends the program)", _COMMANDS, "g_jobs[k].sl", "g_jobs[k+5].sl",
           trading.test_several_targets_are_several_positions, "o.sl=g_jobs[k].sl;\n   o.tp=g_jobs[k].tp;\n   if"),
    Mutant("a division by zero (ends the program)", _BROKER, "price/tick", "price/(tick-tick)",
           trading.test_several_targets_are_several_positions),
    Mutant("a wrong format (ends the program)", "AiTrader.mq5", '"Stopped, reason %d"',
           '"Stopped, reason %I64d"', snapshot.test_the_end_leaves_a_clean_chart_and_frees_the_lock),
)  # fmt: skip


def plant(mutants: tuple[Mutant, ...], folder: Path) -> Path:
    """A program with all of them, each switched on by its number from 1; its binary."""
    source = folder / "source"
    shutil.copytree(SOURCE.parent, source)
    for number, mutant in enumerate(mutants, 1):
        path = source / mutant.file
        text = path.read_text("utf-8")
        around = mutant.around or mutant.right
        if text.count(around) != 1 or around.count(mutant.right) != 1:
            raise LookupError(f"{mutant.name}: not exactly once in {mutant.file}: {around}")
        both = f"(Mutant({number}) ? ({mutant.wrong}) : ({mutant.right}))"
        path.write_text(text.replace(around, around.replace(mutant.right, both)), "utf-8")
    return assemble(rewrite(source / SOURCE.name, folder), folder)


def survives(binary: Path, files: Path, number: int, mutant: Mutant) -> bool:
    """Whether the probe lets a mutant pass; number 0 is the program as it is."""
    world = World(binary, files, mutant=number)
    try:
        if not mutant.fresh:
            world.start()
            world.run()
        mutant.probe(world)
    except Exception:  # whatever it is, it was noticed
        return False
    finally:
        world.close()
    return True
