//+------------------------------------------------------------------+
//| AiTrader.mq5 - the hands of ai-trader in a MetaTrader 5 terminal  |
//|                                                                  |
//| Asks an HTTPS server for commands, executes each at most once,    |
//| and reports a definite outcome for every one. Protocol: see       |
//| PROTOCOL.md; installation and inputs: see docs/metatrader.md.     |
//+------------------------------------------------------------------+
#property copyright   "ai-trader"
#property version     "1.00"
#property description "Executes the trades that you approve in the chat."
#property description "First: Tools - Options - Expert Advisors - Allow WebRequest for listed URL,"
#property description "and add the server's address there. Then type the connect code of /ea below."

input group "Connection"
input string InpServerUrl="https://";      // Server address, also to be allowed in the options
input string InpConnectCode="";            // Connect code from the bot (/ea), needed once
input group "Limits on this computer"
input bool   InpAllowLive=false;           // Allow a real account (off: demo and contest only)
input double InpMaxLot=0.0;                // Most lots per order, 0 = no limit of its own
input int    InpCloseSlippage=200;         // Most slippage of a close, points (instant execution)
input group "Behaviour"
input int    InpResolveSec=60;             // Look for an unclear order that long, seconds
input bool   InpShowPanel=true;            // Show the state on the chart

#include "parts/Panel.mqh"
#include "parts/Snapshot.mqh"

//--- everything that belongs to this account, read again
void Load()
  {
   g_loaded=JournalLoad();
   TokenLoad();
   g_sync_now=true;
   g_next_beat=0;
   g_next_sync=0;
  }

bool AccountIsReady()
  {
   long login=AccountInfoInteger(ACCOUNT_LOGIN);
   string server=AccountInfoString(ACCOUNT_SERVER);
   if(login<=0 || StringLen(server)==0)
      return(false);
   if(login!=g_login || server!=g_trade_server)
     {
      LockDrop();
      g_login=login;
      g_trade_server=server;
      g_loaded=false;
      g_code_refused=false;
     }
   return(true);
  }

//--- a terminal that has just connected may not have its positions and history yet
bool HasSettled()
  {
   ulong now=GetTickCount64();
   if(!IsConnected())
      g_online=0;
   else
      if(g_online==0)
         g_online=now;
   return(g_online>0 && now-g_online>=SETTLE_MS);
  }

void Work()
  {
   bool settled=HasSettled();
   if(!g_journal_ok)
      JournalLine("N\t-");                     // is it writable again?
   if(settled)
      Resolve();
   if(!IsRegistered())
      return;
   FlushResults();
   if(GetTickCount64()>=g_next_beat)
      Heartbeat();
   if(settled && g_paused!=PAUSE_UNKNOWN)
     {
      Execute();
      FlushResults();
     }
   if(settled && (g_sync_now || GetTickCount64()>=g_next_sync))
      Sync();
  }

int OnInit()
  {
   g_run=NewId();
   g_login=0;
   g_online=0;
   g_code_refused=false;
   if(InpResolveSec<30 || InpCloseSlippage<0 || !(InpMaxLot>=0.0))
     {
      Print("Inputs: look for an unclear order at least 30 s; limits are not negative");
      return(INIT_PARAMETERS_INCORRECT);
     }
   if(!EventSetMillisecondTimer(g_poll_ms))
      return(INIT_FAILED);
   return(INIT_SUCCEEDED);
  }

void OnDeinit(const int reason)
  {
   EventKillTimer();
   LockDrop();
   Comment("");
   PrintFormat("Stopped, reason %d",reason);
  }

void OnTimer()
  {
   if(g_busy || !AccountIsReady())
      return;
   g_busy=true;
   bool working=LockTake();
   if(working && !g_loaded)
      Load();
   if(working && g_loaded)
      Work();
   Panel(working);
   g_busy=false;
  }
//+------------------------------------------------------------------+
