//+------------------------------------------------------------------+
//| Broker.mqh - the broker's sizes, prices and return codes          |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_BROKER_MQH
#define AI_TRADER_BROKER_MQH
#include "State.mqh"

//+------------------------------------------------------------------+
//| sizes and prices                                                 |
//+------------------------------------------------------------------+
//--- down to the step, never up; 0 when that is below the minimum
double VolumeToStep(const string symbol,const double volume)
  {
   double step=SymbolInfoDouble(symbol,SYMBOL_VOLUME_STEP);
   if(step<=0.0)
      return(0.0);
   double v=NormalizeDouble(MathFloor(volume/step+0.0000001)*step,8);
   return(v<SymbolInfoDouble(symbol,SYMBOL_VOLUME_MIN)-EPS ? 0.0 : v);
  }

double PriceToTick(const string symbol,const double price)
  {
   double tick=SymbolInfoDouble(symbol,SYMBOL_TRADE_TICK_SIZE);
   int digits=(int)SymbolInfoInteger(symbol,SYMBOL_DIGITS);
   if(tick<=0.0)
      return(NormalizeDouble(price,digits));
   return(NormalizeDouble(MathRound(price/tick)*tick,digits));
  }

//--- the n-th filling mode to try: SYMBOL_FILLING_MODE is a mask, ORDER_FILLING_* are not its bits
ENUM_ORDER_TYPE_FILLING FillingOf(const string symbol,const int n)
  {
   long allowed=SymbolInfoInteger(symbol,SYMBOL_FILLING_MODE);
   bool fok=((allowed & SYMBOL_FILLING_FOK)!=0);
   bool ioc=((allowed & SYMBOL_FILLING_IOC)!=0);
   if(n==0)
     {
      if(fok)
         return(ORDER_FILLING_FOK);
      return(ioc ? ORDER_FILLING_IOC : ORDER_FILLING_RETURN);
     }
   if(n==1)
     {
      if(fok)
         return(ORDER_FILLING_IOC);
      return(ioc ? ORDER_FILLING_RETURN : ORDER_FILLING_FOK);
     }
   return(fok ? ORDER_FILLING_RETURN : (ioc ? ORDER_FILLING_FOK : ORDER_FILLING_IOC));
  }

bool HasPrice(const string symbol,MqlTick &tick)
  {
   return(SymbolInfoTick(symbol,tick) && tick.bid>0.0 && tick.ask>=tick.bid);
  }

//+------------------------------------------------------------------+
//| what the trade server's answers mean                             |
//+------------------------------------------------------------------+
//--- proves that nothing happened, and may be better a moment later
bool IsTransient(const uint retcode)
  {
   return(retcode==TRADE_RETCODE_REQUOTE || retcode==TRADE_RETCODE_PRICE_CHANGED ||
          retcode==TRADE_RETCODE_PRICE_OFF || retcode==TRADE_RETCODE_TOO_MANY_REQUESTS ||
          retcode==TRADE_RETCODE_INVALID_FILL);
  }

bool IsDone(const uint retcode)
  {
   return(retcode==TRADE_RETCODE_DONE || retcode==TRADE_RETCODE_DONE_PARTIAL);
  }

//--- proves that nothing happened, for good. What is in no list is unclear, on purpose.
bool IsFinal(const uint retcode)
  {
   if(retcode==TRADE_RETCODE_REJECT || retcode==TRADE_RETCODE_CANCEL)
      return(true);
   if(retcode>=TRADE_RETCODE_INVALID && retcode<=TRADE_RETCODE_NO_MONEY)
      return(true);
   if(retcode==TRADE_RETCODE_INVALID_EXPIRATION || retcode==TRADE_RETCODE_ORDER_CHANGED)
      return(true);
   if(retcode>=TRADE_RETCODE_SERVER_DISABLES_AT && retcode<=TRADE_RETCODE_FROZEN)
      return(true);
   if(retcode>=TRADE_RETCODE_ONLY_REAL && retcode<=TRADE_RETCODE_INVALID_ORDER)
      return(true);
   return(retcode>=TRADE_RETCODE_INVALID_CLOSE_VOLUME && retcode<=TRADE_RETCODE_HEDGE_PROHIBITED);
  }
#endif
//+------------------------------------------------------------------+
