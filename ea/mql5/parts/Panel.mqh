//+------------------------------------------------------------------+
//| Panel.mqh - what the chart says                                   |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_PANEL_MQH
#define AI_TRADER_PANEL_MQH
#include "Link.mqh"

string PanelState(const bool working)
  {
   if(!working)
      return("STANDING BY: another chart of this terminal works for this account");
   if(!g_journal_ok)
      return("NOT TRADING: the journal in MQL5\\Files cannot be read or written");
   if(!IsConnected())
      return("WAITING: the terminal is not connected to the broker");
   if(!MayTrade())
      return("NOT TRADING: algo trading is off, or the broker forbids it");
   if(CountJobs(JOB_BEGUN)>0)
      return("CHECKING: the outcome of an order is being looked for");
   if(g_paused==PAUSE_ON)
      return("PAUSED: no new positions, exits work");
   return(g_paused==PAUSE_OFF ? "READY" : "WAITING: pause or not is not known yet");
  }

string PanelLink()
  {
   if(g_heard==0)
      return("no answer yet");
   ulong ago=(GetTickCount64()-g_heard)/1000;
   return("last answer "+IntegerToString((long)ago)+" s ago");
  }

string PanelText(const bool working)
  {
   string version=EA_VERSION;
   string out="AI Trader "+version+"\n"+PanelState(working)+"\n";
   out+="Server: "+BaseUrl()+", "+PanelLink()+"\n";
   out+="Account: "+IntegerToString(g_login)+" at "+g_trade_server+", "+TradeMode()+", "+MarginMode()+"\n";
   out+="Results to send: "+IntegerToString(CountJobs(JOB_ENDED))+", unclear: "+IntegerToString(CountJobs(JOB_BEGUN));
   if(StringLen(g_last_done)>0)
      out+="\nLast: "+g_last_done;
   if(StringLen(g_problem)>0)
      out+="\nProblem: "+g_problem;
   return(out);
  }

void Panel(const bool working)
  {
   if(InpShowPanel)
      Comment(PanelText(working));
  }
#endif
//+------------------------------------------------------------------+
