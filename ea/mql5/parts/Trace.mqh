//+------------------------------------------------------------------+
//| Trace.mqh - what became of a command, by looking at the account   |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_TRACE_MQH
#define AI_TRADER_TRACE_MQH
#include "State.mqh"

enum TRACE
  {
   TRACE_NONE=0,        // no trace, for now
   TRACE_WORKING=1,     // an order with its magic is still open
   TRACE_FOUND=2        // dealt
  };

//--- a position by its identifier (a ticket may change): its ticket, or 0. Selects it.
ulong PositionOf(const long identifier)
  {
   for(int i=PositionsTotal()-1; i>=0; i--)
     {
      ulong ticket=PositionGetTicket(i);
      if(ticket!=0 && PositionGetInteger(POSITION_IDENTIFIER)==identifier)
         return(ticket);
     }
   return(0);
  }

bool SymbolIsHeld(const string symbol)
  {
   for(int i=PositionsTotal()-1; i>=0; i--)
      if(PositionGetTicket(i)!=0 && PositionGetString(POSITION_SYMBOL)==symbol)
         return(true);
   return(false);
  }

//--- lots left of a position. False: neither open nor known to the history, so nothing is proved
bool PositionLeft(const long identifier,double &left)
  {
   left=0.0;
   if(PositionOf(identifier)!=0)
     {
      left=PositionGetDouble(POSITION_VOLUME);
      return(true);
     }
   if(!HistorySelectByPosition(identifier))
      return(false);
   double entered=0.0;
   double gone=0.0;
   for(int i=HistoryDealsTotal()-1; i>=0; i--)
     {
      ulong deal=HistoryDealGetTicket(i);
      if(HistoryDealGetInteger(deal,DEAL_ENTRY)==DEAL_ENTRY_IN)
         entered+=HistoryDealGetDouble(deal,DEAL_VOLUME);
      else
         gone+=HistoryDealGetDouble(deal,DEAL_VOLUME);
     }
   return(entered>EPS && gone>entered-EPS);
  }

bool OrderWithMagic(const long magic)
  {
   for(int i=OrdersTotal()-1; i>=0; i--)
     {
      ulong ticket=OrderGetTicket(i);
      if(ticket!=0 && OrderGetInteger(ORDER_MAGIC)==magic)
         return(true);
     }
   return(false);
  }

//--- all deals with the magic number, as one: summed volume, mean price
bool DealsWithMagic(const Job &job,Outcome &o)
  {
   datetime last=TimeTradeServer();
   if((long)last<job.issued)
      last=(datetime)job.issued;
   if(!HistorySelect((datetime)(job.issued-TRACE_SLACK),last+2*86400))
      return(false);
   double volume=0.0;
   double paid=0.0;
   for(int i=0; i<HistoryDealsTotal(); i++)
     {
      ulong deal=HistoryDealGetTicket(i);
      if(deal==0 || HistoryDealGetInteger(deal,DEAL_MAGIC)!=job.magic)
         continue;
      if((long)HistoryDealGetInteger(deal,DEAL_TIME)<job.issued-TRACE_SLACK)
         continue;
      long entry=HistoryDealGetInteger(deal,DEAL_ENTRY);
      if((job.type=="OPEN")!=(entry==DEAL_ENTRY_IN))
         continue;                             // a stop or target of our position carries its magic too
      if(o.deal==0)
        {
         o.deal=deal;
         o.order=(ulong)HistoryDealGetInteger(deal,DEAL_ORDER);
         o.position=(ulong)HistoryDealGetInteger(deal,DEAL_POSITION_ID);
        }
      volume+=HistoryDealGetDouble(deal,DEAL_VOLUME);
      paid+=HistoryDealGetDouble(deal,DEAL_VOLUME)*HistoryDealGetDouble(deal,DEAL_PRICE);
     }
   if(volume<=EPS)
      return(false);
   o.volume=volume;
   o.price=paid/volume;
   return(true);
  }

bool PositionWithMagic(const Job &job,Outcome &o)
  {
   for(int i=PositionsTotal()-1; i>=0; i--)
     {
      if(PositionGetTicket(i)==0 || PositionGetInteger(POSITION_MAGIC)!=job.magic)
         continue;
      o.position=(ulong)PositionGetInteger(POSITION_IDENTIFIER);
      o.volume=PositionGetDouble(POSITION_VOLUME);
      o.price=PositionGetDouble(POSITION_PRICE_OPEN);
      return(true);
     }
   return(false);
  }

//--- done or partial, by what was dealt
void Judge(const Job &job,Outcome &o)
  {
   o.status=(o.volume+EPS<job.volume ? "partial" : "done");
   if(job.type!="CLOSE")
      return;
   double left=0.0;
   if(PositionLeft(job.position,left))
      o.remaining=left;
   o.position=(ulong)job.position;
  }

//--- OPEN and CLOSE: by deal, by open order, by position
TRACE TraceTrade(const Job &job,Outcome &o)
  {
   if(OrderWithMagic(job.magic))
      return(TRACE_WORKING);
   bool found=DealsWithMagic(job,o);
   if(!found && job.type=="OPEN")
      found=PositionWithMagic(job,o);
   if(found)
     {
      o.traced=true;
      Judge(job,o);
      return(TRACE_FOUND);
     }
   double left=0.0;
   if(job.type=="CLOSE" && PositionLeft(job.position,left) && left<=job.keep+EPS)
     {
      o.traced=true;
      o.status="already_closed";
      o.remaining=left;
      o.position=(ulong)job.position;
      return(TRACE_FOUND);
     }
   return(TRACE_NONE);
  }

//--- MOVE_SL and SET_TP: the price is there
bool StopIsSet(const Job &job)
  {
   if(PositionOf(job.position)==0)
      return(false);
   double tolerance=SymbolInfoDouble(PositionGetString(POSITION_SYMBOL),SYMBOL_POINT)*0.5;
   if(job.type=="MOVE_SL")
      return(MathAbs(PositionGetDouble(POSITION_SL)-job.sl)<tolerance);
   return(MathAbs(PositionGetDouble(POSITION_TP)-job.tp)<tolerance);
  }
#endif
//+------------------------------------------------------------------+
