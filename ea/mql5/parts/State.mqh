//+------------------------------------------------------------------+
//| State.mqh - what the Expert Advisor knows: types and variables    |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_STATE_MQH
#define AI_TRADER_STATE_MQH

#define EA_VERSION      "1.00"
#define TAG_PREFIX      "at#"
#define TAG_LENGTH      26            // brokers cut longer comments
#define KEEP_FINISHED   1000          // finished commands that the journal remembers
#define JOURNAL_LINES   5000          // a longer journal is rewritten at the start
#define SETTLE_MS       5000          // a terminal that has just connected has not caught up yet
#define QUICK_LOOKS     3             // looks for an unclear order at once, a second apart
#define STOP_LOOK_MS    10000         // how long an unclear stop or target may take to show
#define MAX_COMMANDS    8
#define MAX_TRIES       4             // the first one and three repeats
#define TRACE_SLACK     7200          // s before a command was issued: clocks are not exact
#define EPS             0.000000001

enum JOB_STATE
  {
   JOB_BEGUN=0,       // on disk, outcome unknown
   JOB_ENDED=1,       // outcome on disk, the server not told yet
   JOB_ACKED=2        // the server has it
  };

struct Job
  {
   string            id;
   long              seq;
   string            type;
   JOB_STATE         state;
   string            result;          // JSON without the common fields
   long              magic;
   long              position;        // identifier, or 0
   double            volume;          // lots asked of the broker
   double            keep;            // CLOSE: lots to leave
   double            sl;
   double            tp;
   long              issued;          // broker time, s
   ulong             since;           // tick count at which this run learnt of it
   ulong             later;           // tick count before which its result is not sent again
   int               attempts;
   uint              retcode;
  };

//--- a command as it came, and what is to be asked of the broker
struct Plan
  {
   string            id;
   long              seq;
   string            type;
   long              issued_ms;
   long              expires_ms;
   bool              lookup_only;
   string            symbol;
   bool              buy;
   double            volume;
   double            price;
   double            max_deviation;
   double            sl;
   double            tp;
   int               legs;
   long              position;
   double            keep;
   ulong             ticket;          // of the position, when it is open
   double            held;            // its volume
  };

//--- an empty status means: not known yet
struct Outcome
  {
   string            status;
   string            reason;
   uint              retcode;
   ulong             order;
   ulong             deal;
   ulong             position;
   double            volume;
   double            price;
   double            remaining;
   double            sl;
   double            tp;
   int               attempts;
   bool              traced;
   string            note;
  };

struct Stream
  {
   string            symbol;
   string            timeframe;
   int               count;
  };

enum PAUSE_STATE
  {
   PAUSE_UNKNOWN=0,
   PAUSE_OFF=1,
   PAUSE_ON=2
  };

Job         g_jobs[];
string      g_instance="";
string      g_run="";
string      g_token="";
string      g_used_code="";            // the connect code that brought the token
bool        g_code_refused=false;
long        g_magic_base=0;
PAUSE_STATE g_paused=PAUSE_UNKNOWN;
long        g_pause_seq=0;             // of the PAUSE or RESUME that holds
long        g_last_seq=0;
bool        g_loaded=false;
bool        g_journal_ok=false;
long        g_login=0;
string      g_trade_server="";
bool        g_busy=false;
ulong       g_online=0;                // tick count since which the terminal is connected

//--- settings, as the server last said
int         g_poll_ms=1000;
int         g_hold_ms=0;
int         g_beat_ms=5000;
int         g_sync_ms=15000;
bool        g_sync_now=true;
bool        g_names=false;
long        g_deals_since=0;
int         g_calendar_hours=0;
string      g_symbols[];
Stream      g_streams[];

//--- the link
ulong       g_next_try=0;              // tick count before which nothing is sent
int         g_failures=0;
ulong       g_next_beat=0;
ulong       g_next_sync=0;
long        g_sync_no=0;
bool        g_sync_small=false;        // the last snapshot was too large
bool        g_refused=false;           // the last answer was 401
ulong       g_heard=0;                 // tick count of the last good answer
string      g_problem="";
string      g_last_done="";

string JobText(const double value)
  {
   return(DoubleToString(value,8));
  }

void OutcomeReset(Outcome &o)
  {
   o.status="";
   o.reason="";
   o.retcode=0;
   o.order=0;
   o.deal=0;
   o.position=0;
   o.volume=0.0;
   o.price=0.0;
   o.remaining=0.0;
   o.sl=0.0;
   o.tp=0.0;
   o.attempts=0;
   o.traced=false;
   o.note="";
  }

void Refuse(Outcome &o,const string reason,const string note)
  {
   o.status="rejected";
   o.reason=reason;
   o.note=note;
  }

string NewId()
  {
   MathSrand((int)(GetMicrosecondCount()%2147483647));
   return(StringFormat("%I64x-%I64x-%04x",(long)TimeGMT(),(long)GetTickCount64(),MathRand()));
  }

bool IsHedging()
  {
   return(AccountInfoInteger(ACCOUNT_MARGIN_MODE)==ACCOUNT_MARGIN_MODE_RETAIL_HEDGING);
  }

bool IsConnected()
  {
   return(TerminalInfoInteger(TERMINAL_CONNECTED)!=0);
  }

//--- every permission that a trade needs
bool MayTrade()
  {
   return(TerminalInfoInteger(TERMINAL_TRADE_ALLOWED)!=0 && MQLInfoInteger(MQL_TRADE_ALLOWED)!=0 &&
          AccountInfoInteger(ACCOUNT_TRADE_ALLOWED)!=0 && AccountInfoInteger(ACCOUNT_TRADE_EXPERT)!=0);
  }

long BrokerOffset()
  {
   double quarters=(double)((long)TimeTradeServer()-(long)TimeGMT())/900.0;
   return((long)MathRound(quarters)*900);
  }
#endif
//+------------------------------------------------------------------+
