//+------------------------------------------------------------------+
//| Trade.mqh - one command becomes one request to the trade server   |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_TRADE_MQH
#define AI_TRADER_TRADE_MQH
#include "Broker.mqh"
#include "Journal.mqh"
#include "Lock.mqh"
#include "Trace.mqh"

//--- the server's clock: what it wrote, and the time since we asked, which is never too little
long  g_server_ms=0;
ulong g_asked_at=0;

bool IsExpired(const Plan &plan)
  {
   long now=g_server_ms+(long)(GetTickCount64()-g_asked_at);
   return(plan.expires_ms>0 && now>=plan.expires_ms);
  }

//+------------------------------------------------------------------+
//| checks before a command is begun                                 |
//+------------------------------------------------------------------+
//--- the price may not be further from the decision's than it allows; written so that NaN refuses
bool CheckPrice(const Plan &plan,Outcome &o)
  {
   MqlTick tick;
   if(!HasPrice(plan.symbol,tick))
     {
      Refuse(o,"no_price","no current quote");
      return(false);
     }
   double now=(plan.buy ? tick.ask : tick.bid);
   if(MathAbs(now-plan.price)<=plan.max_deviation+EPS)
      return(true);
   Refuse(o,"price_moved","the price is "+JobText(now));
   return(false);
  }

bool OpenIsValid(const Plan &plan)
  {
   return(StringLen(plan.symbol)>0 && plan.volume>0.0 && plan.price>0.0 && plan.max_deviation>=0.0 &&
          plan.sl>0.0 && plan.tp>=0.0 && plan.legs>=1 && plan.expires_ms>0);
  }

void CheckOpen(Plan &plan,Outcome &o)
  {
   if(!OpenIsValid(plan))
      Refuse(o,"invalid","a field is missing or out of range");
   else
      if(g_paused!=PAUSE_OFF)
         Refuse(o,"paused","opens are paused");
      else
         if(!InpAllowLive && AccountInfoInteger(ACCOUNT_TRADE_MODE)==ACCOUNT_TRADE_MODE_REAL)
            Refuse(o,"live_not_allowed","the input 'Allow a real account' is off");
         else
            if(!SymbolSelect(plan.symbol,true))
               Refuse(o,"unknown_symbol","the broker has no "+plan.symbol);
            else
               if(!IsHedging() && (plan.legs>1 || SymbolIsHeld(plan.symbol)))
                  Refuse(o,"netting","positions of one symbol merge on this account");
   if(StringLen(o.status)>0)
      return;
   plan.volume=VolumeToStep(plan.symbol,plan.volume);
   plan.sl=PriceToTick(plan.symbol,plan.sl);
   plan.tp=PriceToTick(plan.symbol,plan.tp);
   double most=SymbolInfoDouble(plan.symbol,SYMBOL_VOLUME_MAX);
   if(InpMaxLot>0.0 && InpMaxLot<most)
      most=InpMaxLot;
   if(plan.volume<=0.0 || !(plan.volume<=most+EPS))
     {
      Refuse(o,"volume","below the minimum, or above "+JobText(most));
      return;
     }
   CheckPrice(plan,o);
  }

void CheckClose(Plan &plan,Outcome &o)
  {
   double left=0.0;
   if(!PositionLeft(plan.position,left))
      return;                                  // nothing is proved: found out later
   plan.ticket=PositionOf(plan.position);
   if(plan.ticket==0 || left<=plan.keep+EPS)
     {
      o.status="already_closed";
      o.remaining=left;
      return;
     }
   plan.symbol=PositionGetString(POSITION_SYMBOL);
   plan.buy=(PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_SELL);
   plan.held=left;
   plan.volume=left;
   if(plan.keep>0.0)
      plan.volume=VolumeToStep(plan.symbol,left-plan.keep);
   double most=SymbolInfoDouble(plan.symbol,SYMBOL_VOLUME_MAX);
   if(most>0.0 && plan.volume>most)
      plan.volume=most;
   if(plan.volume<=0.0)
      Refuse(o,"volume","less than the broker's minimum would be closed");
  }

//--- of two for the same thing the later one wins
bool IsSuperseded(const Plan &plan)
  {
   for(int i=ArraySize(g_jobs)-1; i>=0; i--)
      if(g_jobs[i].type==plan.type && g_jobs[i].position==plan.position && g_jobs[i].seq>plan.seq)
         return(true);
   return(false);
  }

void CheckStop(Plan &plan,Outcome &o)
  {
   bool valid=(plan.type=="MOVE_SL" ? plan.sl>0.0 : plan.tp>=0.0);
   if(!valid)
      Refuse(o,"invalid","the price is missing or out of range");
   else
      if(IsSuperseded(plan))
         Refuse(o,"superseded","a later command came first");
   if(StringLen(o.status)>0)
      return;
   plan.ticket=PositionOf(plan.position);
   double left=0.0;
   if(plan.ticket==0)
     {
      if(PositionLeft(plan.position,left))
         Refuse(o,"no_position","the position is closed");
      return;
     }
   plan.symbol=PositionGetString(POSITION_SYMBOL);
   plan.sl=(plan.type=="MOVE_SL" ? PriceToTick(plan.symbol,plan.sl) : PositionGetDouble(POSITION_SL));
   plan.tp=(plan.type=="SET_TP" ? PriceToTick(plan.symbol,plan.tp) : PositionGetDouble(POSITION_TP));
  }

//+------------------------------------------------------------------+
//| the request                                                      |
//+------------------------------------------------------------------+
void Fill(const Plan &plan,const long magic,MqlTradeRequest &request)
  {
   ZeroMemory(request);
   request.symbol=plan.symbol;
   request.magic=(ulong)magic;
   request.comment=StringSubstr(TAG_PREFIX+plan.id,0,TAG_LENGTH);
   request.position=plan.ticket;
   if(plan.type=="MOVE_SL" || plan.type=="SET_TP")
     {
      request.action=TRADE_ACTION_SLTP;
      request.sl=plan.sl;
      request.tp=plan.tp;
      return;
     }
   request.action=TRADE_ACTION_DEAL;
   request.volume=plan.volume;
   request.type=(plan.buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL);
   request.deviation=(ulong)InpCloseSlippage;
   if(plan.type!="OPEN")
      return;
   double point=SymbolInfoDouble(plan.symbol,SYMBOL_POINT);
   request.deviation=(ulong)(point>0.0 ? MathFloor(plan.max_deviation/point+0.0000001) : 0.0);
   request.sl=plan.sl;
   request.tp=plan.tp;
  }

void Accepted(const Job &job,const MqlTradeResult &answer,Outcome &o)
  {
   o.note=answer.comment;
   if(job.type=="MOVE_SL" || job.type=="SET_TP")
     {
      o.status="done";
      o.position=(ulong)job.position;
      return;
     }
   o.order=answer.order;
   o.deal=answer.deal;
   o.volume=answer.volume;
   o.price=answer.price;
   if(answer.deal>0 && HistoryDealSelect(answer.deal))
     {
      o.position=(ulong)HistoryDealGetInteger(answer.deal,DEAL_POSITION_ID);
      o.price=HistoryDealGetDouble(answer.deal,DEAL_PRICE);
     }
   Outcome seen;
   OutcomeReset(seen);
   if(o.position==0 && job.type=="OPEN" && PositionWithMagic(job,seen))
      o.position=seen.position;
   Judge(job,o);
  }

//--- an unclear answer: look at once, for a few seconds
void LookQuickly(const Job &job,Outcome &o)
  {
   for(int i=0; i<QUICK_LOOKS; i++)
     {
      if(TraceTrade(job,o)==TRACE_FOUND)
         return;
      Sleep(1000);
     }
   o.note="unclear, looked for later";
  }

//--- may a request be sent (again)?
bool MaySend(const Plan &plan,Outcome &o)
  {
   if(IsExpired(plan))
     {
      o.status="expired";
      return(false);
     }
   return(plan.type!="OPEN" || CheckPrice(plan,o));
  }

//--- what one answer means: true when it may be asked again. Clears nothing that is known.
bool React(const Plan &plan,const Job &job,const MqlTradeResult &answer,Outcome &o)
  {
   bool deal=(plan.type=="OPEN" || plan.type=="CLOSE");
   uint code=answer.retcode;
   if((IsDone(code) && (!deal || answer.volume>EPS)) || (code==TRADE_RETCODE_NO_CHANGES && !deal))
     {
      Accepted(job,answer,o);
      return(false);
     }
   if(code==TRADE_RETCODE_POSITION_CLOSED && plan.type=="CLOSE")
     {
      o.status="already_closed";
      return(false);
     }
   if(code==TRADE_RETCODE_POSITION_CLOSED || IsFinal(code) || IsTransient(code))
     {
      bool gone=(code==TRADE_RETCODE_POSITION_CLOSED && !deal);
      Refuse(o,gone ? "no_position" : "broker",answer.comment);
      return(IsTransient(code));
     }
   if(deal)
     {
      LookQuickly(job,o);
      return(false);
     }
   Sleep(500);
   if(StopIsSet(job))
     {
      o.traced=true;
      o.status="done";
      o.position=(ulong)plan.position;
     }
   return(StringLen(o.status)==0);             // absolute prices may be sent again
  }

//--- asks the trade server. An empty status afterwards: unclear, and found out later.
void SendTrade(const Plan &plan,const int k,Outcome &o)
  {
   MqlTradeRequest request;
   MqlTick tick;
   Fill(plan,g_jobs[k].magic,request);
   bool deal=(request.action==TRADE_ACTION_DEAL);
   bool unclear=false;
   bool again=true;
   int filling=0;
   for(int tries=0; tries<MAX_TRIES && again; tries++)
     {
      o.status="";
      o.reason="";
      if(!MaySend(plan,o))
         break;
      if(!HasPrice(plan.symbol,tick))
        {
         Refuse(o,"no_price","no current quote");
         break;
        }
      if(!LockKeep())
        {
         o.note="another chart took over";
         return;
        }
      if(deal)
        {
         request.price=(plan.buy ? tick.ask : tick.bid);
         request.type_filling=FillingOf(plan.symbol,filling);
        }
      MqlTradeResult answer;
      ZeroMemory(answer);
      ResetLastError();
      if(!OrderSend(request,answer) && answer.retcode==0)
         PrintFormat("OrderSend gave no code, error %d",GetLastError());
      o.attempts++;
      o.retcode=answer.retcode;
      o.note=answer.comment;
      again=React(plan,g_jobs[k],answer,o);
      if(StringLen(o.status)==0)
         unclear=true;
      if(answer.retcode==TRADE_RETCODE_INVALID_FILL)
         filling++;
      if(again)
         Sleep(answer.retcode==TRADE_RETCODE_TOO_MANY_REQUESTS ? 1000 : 300);
     }
   if(unclear && o.status!="done")
      o.status="";                             // an earlier try may still come through
  }
#endif
//+------------------------------------------------------------------+
