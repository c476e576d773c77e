//+------------------------------------------------------------------+
//| Link.mqh - registration, heartbeat and the server's settings      |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_LINK_MQH
#define AI_TRADER_LINK_MQH
#include "Commands.mqh"

string ConnectCode()
  {
   string code=InpConnectCode;
   StringTrimLeft(code);
   StringTrimRight(code);
   return(code);
  }

void ReadLists(const JsonFlat &doc)
  {
   int n=(int)JsonBetween(doc,"settings.symbols.#",0,0,64);
   ArrayResize(g_symbols,n);
   for(int i=0; i<n; i++)
      g_symbols[i]=JsonGet(doc,"settings.symbols."+IntegerToString(i),"");
   n=(int)JsonBetween(doc,"settings.candles.#",0,0,64);
   ArrayResize(g_streams,n);
   for(int i=0; i<n; i++)
     {
      string at="settings.candles."+IntegerToString(i)+".";
      g_streams[i].symbol=JsonGet(doc,at+"symbol","");
      g_streams[i].timeframe=JsonGet(doc,at+"timeframe","");
      g_streams[i].count=(int)JsonBetween(doc,at+"count",0,0,1000);
     }
  }

void ReadSettings(const JsonFlat &doc)
  {
   int poll=(int)JsonBetween(doc,"settings.poll_ms",1000,250,60000);
   g_hold_ms=(int)JsonBetween(doc,"settings.hold_ms",0,0,3000);
   g_beat_ms=(int)JsonBetween(doc,"settings.heartbeat_ms",5000,1000,60000);
   g_sync_ms=(int)JsonBetween(doc,"settings.sync_ms",15000,1000,600000);
   g_deals_since=JsonBetween(doc,"settings.deals_since",0,0,4102444800);
   g_calendar_hours=(int)JsonBetween(doc,"settings.calendar_hours",0,0,336);
   g_names=(JsonGet(doc,"settings.names","")=="true");
   if(JsonGet(doc,"settings.sync_now","")=="true")
      g_sync_now=true;
   string paused=JsonGet(doc,"settings.paused","");
   if(g_paused==PAUSE_UNKNOWN && StringLen(paused)>0)
      PauseSet(paused!="false",0);
   ReadLists(doc);
   if(poll==g_poll_ms)
      return;
   g_poll_ms=poll;
   EventSetMillisecondTimer(g_poll_ms);
  }

string MarginMode()
  {
   long mode=AccountInfoInteger(ACCOUNT_MARGIN_MODE);
   if(mode==ACCOUNT_MARGIN_MODE_RETAIL_HEDGING)
      return("hedging");
   return(mode==ACCOUNT_MARGIN_MODE_EXCHANGE ? "exchange" : "netting");
  }

string TradeMode()
  {
   long mode=AccountInfoInteger(ACCOUNT_TRADE_MODE);
   if(mode==ACCOUNT_TRADE_MODE_REAL)
      return("real");
   return(mode==ACCOUNT_TRADE_MODE_CONTEST ? "contest" : "demo");
  }

void Register()
  {
   string code_now=ConnectCode();
   string body=JsonText("code",code_now,64)+","+JsonInt("login",AccountInfoInteger(ACCOUNT_LOGIN))+",";
   body+=JsonText("server",AccountInfoString(ACCOUNT_SERVER),64)+",";
   body+=JsonText("company",AccountInfoString(ACCOUNT_COMPANY),128)+",";
   body+=JsonText("currency",AccountInfoString(ACCOUNT_CURRENCY),16)+",";
   body+=JsonInt("leverage",AccountInfoInteger(ACCOUNT_LEVERAGE))+",";
   body+=JsonText("margin_mode",MarginMode(),16)+","+JsonText("trade_mode",TradeMode(),16)+",";
   body+=JsonText("ea_version",EA_VERSION,16)+","+JsonInt("build",TerminalInfoInteger(TERMINAL_BUILD));
   JsonFlat doc;
   int code=0;
   if(!Ask("/ea/register",body,doc,code))
     {
      g_code_refused=(code==403);
      return;
     }
   string token=JsonGet(doc,"token","");
   long base=JsonLong(doc,"magic_base",0);
   if(StringLen(token)<32 || base<1)
     {
      g_problem="The server's answer is not understood";
      LinkFailed(0);
      return;
     }
   g_token=token;
   g_magic_base=base;
   g_used_code=code_now;
   TokenSave();
   ReadSettings(doc);
   g_next_beat=0;
   Print("Connected to the server");
  }

//--- a token, or the way to one
bool IsRegistered()
  {
   bool new_code=(StringLen(ConnectCode())>=6 && ConnectCode()!=g_used_code && !g_code_refused);
   if(StringLen(g_token)>0 && !(g_refused && new_code))
      return(true);
   if(new_code && LinkReady())
      Register();
   if(!new_code && StringLen(g_token)==0 && !g_code_refused)
      g_problem="Ask the bot for a connect code with /ea and type it into the inputs";
   return(StringLen(g_token)>0);
  }

void Heartbeat()
  {
   bool live_ok=(InpAllowLive || AccountInfoInteger(ACCOUNT_TRADE_MODE)!=ACCOUNT_TRADE_MODE_REAL);
   string paused=(g_paused==PAUSE_UNKNOWN ? "\"paused\":null" : JsonFlag("paused",g_paused==PAUSE_ON));
   string body=JsonInt("login",AccountInfoInteger(ACCOUNT_LOGIN))+",";
   body+=JsonText("server",AccountInfoString(ACCOUNT_SERVER),64)+","+JsonInt("gmt",(long)TimeGMT())+",";
   body+=JsonFlag("connected",IsConnected())+",";
   body+=JsonFlag("trade_terminal",TerminalInfoInteger(TERMINAL_TRADE_ALLOWED)!=0)+",";
   body+=JsonFlag("trade_ea",MQLInfoInteger(MQL_TRADE_ALLOWED)!=0 && live_ok)+",";
   body+=JsonFlag("trade_account",AccountInfoInteger(ACCOUNT_TRADE_ALLOWED)!=0)+",";
   body+=JsonFlag("trade_experts",AccountInfoInteger(ACCOUNT_TRADE_EXPERT)!=0)+","+paused+",";
   body+=JsonInt("open_positions",PositionsTotal())+",";
   body+=JsonInt("pending_results",CountJobs(JOB_ENDED))+","+JsonInt("unresolved",CountJobs(JOB_BEGUN))+",";
   body+=JsonFlag("journal_ok",g_journal_ok)+","+JsonInt("last_seq",g_last_seq)+",";
   body+=JsonNum("equity",AccountInfoDouble(ACCOUNT_EQUITY),2);
   JsonFlat doc;
   int code=0;
   if(Ask("/ea/heartbeat",body,doc,code))
     {
      g_next_beat=GetTickCount64()+(ulong)g_beat_ms;
      ReadSettings(doc);
     }
  }
#endif
//+------------------------------------------------------------------+
