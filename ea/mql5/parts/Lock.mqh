//+------------------------------------------------------------------+
//| Lock.mqh - one chart of this terminal works for an account        |
//| A temporary global variable holds the tick count of the last sign |
//| of life. Whoever swaps it from what he read holds the lock; a     |
//| holder that was away too long finds another value and stops.      |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_LOCK_MQH
#define AI_TRADER_LOCK_MQH
#include "State.mqh"

#define LOCK_STALE_MS 60000.0

double g_lock=0.0;                     // what we last wrote; 0: not ours

string LockName()
  {
   return("AiTrader.lock."+IntegerToString(g_login));
  }

//--- true while ours; asked before everything that must not happen twice
bool LockKeep()
  {
   if(g_lock<=0.0)
      return(false);
   double now=(double)GetTickCount64()+1.0;
   if(!GlobalVariableSetOnCondition(LockName(),now,g_lock))
     {
      g_lock=0.0;
      g_loaded=false;
      return(false);
     }
   g_lock=now;
   return(true);
  }

bool LockTake()
  {
   if(LockKeep())
      return(true);
   if(!GlobalVariableCheck(LockName()))
      GlobalVariableTemp(LockName());
   double now=(double)GetTickCount64()+1.0;
   double seen=GlobalVariableGet(LockName());
   if(seen>0.0 && seen<=now && now-seen<LOCK_STALE_MS)
      return(false);
   if(!GlobalVariableSetOnCondition(LockName(),now,seen))
      return(false);
   g_lock=now;
   g_loaded=false;                     // another chart may have written the journal
   return(true);
  }

void LockDrop()
  {
   if(g_lock>0.0)
      GlobalVariableSetOnCondition(LockName(),0.0,g_lock);
   g_lock=0.0;
  }
#endif
//+------------------------------------------------------------------+
