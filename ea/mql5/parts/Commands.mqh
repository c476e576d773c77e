//+------------------------------------------------------------------+
//| Commands.mqh - the life of a command: begun, done, told           |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_COMMANDS_MQH
#define AI_TRADER_COMMANDS_MQH
#include "Http.mqh"
#include "Trade.mqh"

bool IsKnownType(const string type)
  {
   return(type=="OPEN" || type=="CLOSE" || type=="MOVE_SL" || type=="SET_TP" || type=="PAUSE" || type=="RESUME");
  }

bool IsUsableId(const string id)
  {
   int len=StringLen(id);
   for(int i=0; i<len; i++)
     {
      ushort c=StringGetCharacter(id,i);
      bool letter=(c>='0' && c<='9') || (c>='A' && c<='Z') || (c>='a' && c<='z');
      if(!letter && c!='-' && c!='_')
         return(false);
     }
   return(len>=1 && len<=48);
  }

//+------------------------------------------------------------------+
//| what is not settled                                              |
//+------------------------------------------------------------------+
int CountJobs(const JOB_STATE state)
  {
   int n=0;
   for(int i=0; i<ArraySize(g_jobs); i++)
      if(g_jobs[i].state==state)
         n++;
   return(n);
  }

bool PositionIsBusy(const long position)
  {
   for(int i=0; i<ArraySize(g_jobs); i++)
      if(g_jobs[i].state==JOB_BEGUN && g_jobs[i].position==position)
         return(true);
   return(false);
  }

string BusyJson()
  {
   string out="";
   int n=0;
   for(int i=0; i<ArraySize(g_jobs) && n<64; i++)
      if(g_jobs[i].state==JOB_BEGUN && g_jobs[i].position>0)
        {
         out+=(n>0 ? "," : "")+IntegerToString(g_jobs[i].position);
         n++;
        }
   return("\"busy\":["+out+"]");
  }

//--- PAUSE and RESUME: the highest seq wins
void ApplyPause(const string type,const long seq,Outcome &o)
  {
   o.status="done";
   if(seq<=g_pause_seq)
     {
      o.note="a later PAUSE or RESUME holds";
      return;
     }
   if(!PauseSet(type=="PAUSE",seq))
      o.status="";
  }

//--- one job whose outcome is not known: true when it now is
bool Settle(const Job &job,const ulong waited,Outcome &o)
  {
   if(job.type=="PAUSE" || job.type=="RESUME")
      ApplyPause(job.type,job.seq,o);
   else
      if(job.type=="MOVE_SL" || job.type=="SET_TP")
        {
         double left=0.0;
         o.position=(ulong)job.position;
         o.traced=true;
         if(StopIsSet(job))
            o.status="done";
         else
            if(PositionOf(job.position)==0 && PositionLeft(job.position,left))
               Refuse(o,"no_position","the position is closed");
        }
      else
         if(TraceTrade(job,o)==TRACE_WORKING)
            return(false);
   if(StringLen(o.status)>0)
      return(true);
   bool stop=(job.type=="MOVE_SL" || job.type=="SET_TP");
   if(waited<(stop ? (ulong)STOP_LOOK_MS : (ulong)InpResolveSec*1000))
      return(false);
   o.traced=true;
   o.status="not_executed";
   o.reason="no_trace";
   o.note="no deal, order or position with this magic";
   return(true);
  }

//--- commands begun, but without a recorded outcome (a crash, an unclear answer): ask the account
void Resolve()
  {
   ulong now=GetTickCount64();
   for(int k=0; k<ArraySize(g_jobs); k++)
     {
      if(g_jobs[k].state!=JOB_BEGUN)
         continue;
      Outcome o;
      OutcomeReset(o);
      o.retcode=g_jobs[k].retcode;
      o.attempts=g_jobs[k].attempts;
      o.sl=g_jobs[k].sl;
      o.tp=g_jobs[k].tp;
      ulong from=(g_online>g_jobs[k].since ? g_online : g_jobs[k].since);
      if(Settle(g_jobs[k],now-from,o))
         JobEnd(k,o);
     }
  }

//+------------------------------------------------------------------+
//| telling the server                                               |
//+------------------------------------------------------------------+
void FlushResults()
  {
   for(int k=0; k<ArraySize(g_jobs); k++)
     {
      if(g_jobs[k].state!=JOB_ENDED || GetTickCount64()<g_jobs[k].later)
         continue;
      JsonFlat doc;
      int code=0;
      if(!Ask("/ea/result",g_jobs[k].result,doc,code))
        {
         if(code!=400)
            return;                            // the next timer event tries again
         g_jobs[k].later=GetTickCount64()+REFUSED_WAIT_MS;
         continue;
        }
      if(JournalLine("A\t"+g_jobs[k].id))
         g_jobs[k].state=JOB_ACKED;
     }
  }

//+------------------------------------------------------------------+
//| doing                                                            |
//+------------------------------------------------------------------+
void ReadPlan(const JsonFlat &doc,const string at,Plan &plan)
  {
   plan.id=JsonGet(doc,at+"id","");
   plan.seq=JsonLong(doc,at+"seq",0);
   plan.type=JsonGet(doc,at+"type","");
   plan.issued_ms=JsonLong(doc,at+"issued_ms",-1);
   plan.expires_ms=JsonLong(doc,at+"expires_ms",-1);
   plan.lookup_only=(JsonGet(doc,at+"lookup_only","true")!="false");
   plan.symbol=JsonGet(doc,at+"symbol","");
   plan.buy=(JsonGet(doc,at+"side","")=="buy");
   plan.volume=JsonDouble(doc,at+"volume",0.0);
   plan.price=JsonDouble(doc,at+"price",0.0);
   plan.max_deviation=JsonDouble(doc,at+"max_deviation",-1.0);
   plan.sl=JsonDouble(doc,at+"sl",-1.0);
   plan.tp=JsonDouble(doc,at+"tp",-1.0);
   plan.legs=(int)JsonBetween(doc,at+"legs",0,0,100);
   plan.position=JsonLong(doc,at+"position",0);
   plan.keep=JsonDouble(doc,at+"keep",-1.0);
   plan.ticket=0;
   plan.held=0.0;
   string side=JsonGet(doc,at+"side","");
   if(plan.type=="OPEN" && side!="buy" && side!="sell")
      plan.volume=0.0;                         // refused as invalid
  }

//--- all that is checked without asking the trade server; fills in what is to be asked
void Check(Plan &plan,Outcome &o)
  {
   bool on_position=(plan.type=="CLOSE" || plan.type=="MOVE_SL" || plan.type=="SET_TP");
   if(!IsKnownType(plan.type) || plan.issued_ms<0 || plan.expires_ms<0)
      Refuse(o,"invalid","the command is not understood");
   else
      if(on_position && (plan.position<=0 || (plan.type=="CLOSE" && !(plan.keep>=0.0))))
         Refuse(o,"invalid","a field is missing or out of range");
      else
         if(!plan.lookup_only && IsExpired(plan))
            o.status="expired";
   if(StringLen(o.status)>0 || plan.lookup_only)
      return;
   if(plan.type=="OPEN")
      CheckOpen(plan,o);
   else
      if(plan.type=="CLOSE")
         CheckClose(plan,o);
      else
         if(on_position)
            CheckStop(plan,o);
   bool trades=(plan.type=="OPEN" || on_position);
   if(StringLen(o.status)==0 && trades && !MayTrade())
      Refuse(o,"trading_disabled","algo trading is off, or the broker forbids it");
  }

//--- a new job, in the journal first. -1: it could not be written, nothing may be done
int Begin(const Plan &plan)
  {
   int k=JobAdd(plan.id,plan.seq,IsKnownType(plan.type) ? plan.type : "UNKNOWN");
   g_jobs[k].magic=g_magic_base+plan.seq;
   g_jobs[k].position=(plan.position>0 ? plan.position : 0);
   g_jobs[k].volume=plan.volume;
   g_jobs[k].keep=(plan.keep>0.0 ? plan.keep : 0.0);
   g_jobs[k].sl=(plan.sl>0.0 ? plan.sl : 0.0);
   g_jobs[k].tp=(plan.tp>0.0 ? plan.tp : 0.0);
   g_jobs[k].issued=plan.issued_ms/1000+BrokerOffset();
   if(LockKeep() && JournalLine(BeginLine(g_jobs[k])))
      return(k);
   ArrayResize(g_jobs,k);
   return(-1);
  }

void Perform(const Plan &plan,const int k,Outcome &o)
  {
   if(plan.type=="PAUSE" || (plan.type=="RESUME" && !plan.lookup_only))
     {
      ApplyPause(plan.type,plan.seq,o);
      return;
     }
   if(plan.type=="RESUME")
     {
      o.status="not_executed";
      o.reason="no_trace";
      return;
     }
   bool stop=(plan.type=="MOVE_SL" || plan.type=="SET_TP");
   if(!stop && TraceTrade(g_jobs[k],o)!=TRACE_NONE)
      return;                                  // done in an earlier life, or at work
   bool ready=(plan.type=="OPEN" || plan.ticket!=0);
   if(ready && !plan.lookup_only)
      SendTrade(plan,k,o);
  }

void RunCommand(const JsonFlat &doc,const string at)
  {
   Plan plan;
   ReadPlan(doc,at,plan);
   if(!IsUsableId(plan.id) || plan.seq<1)
      return;
   int k=JobIndex(plan.id);
   if(k>=0)
     {
      if(g_jobs[k].state==JOB_ACKED)
         g_jobs[k].state=JOB_ENDED;            // the server asks again: tell it again
      return;
     }
   if(plan.type=="OPEN" && CountJobs(JOB_BEGUN)>0)
      return;                                  // not begun: its lease runs out
   if(plan.position>0 && PositionIsBusy(plan.position))
      return;
   Outcome o;
   OutcomeReset(o);
   Check(plan,o);
   k=Begin(plan);
   if(k<0)
      return;
   if(StringLen(o.status)==0)
      Perform(plan,k,o);
   o.sl=g_jobs[k].sl;
   o.tp=g_jobs[k].tp;
   if(o.position==0 && plan.position>0)
      o.position=(ulong)plan.position;
   g_jobs[k].attempts=o.attempts;
   g_jobs[k].retcode=o.retcode;
   if(StringLen(o.status)>0)
      JobEnd(k,o);
  }

void Execute()
  {
   JsonFlat doc;
   int code=0;
   bool opens=(CountJobs(JOB_BEGUN)==0 && g_journal_ok);
   string body=JsonInt("max",MAX_COMMANDS)+","+JsonInt("hold_ms",g_hold_ms)+",";
   ulong asked_at=GetTickCount64();
   if(!Ask("/ea/execute",body+JsonFlag("opens",opens)+","+BusyJson(),doc,code))
      return;
   g_asked_at=asked_at;
   g_server_ms=JsonLong(doc,"now_ms",0);
   int count=(int)JsonBetween(doc,"commands.#",0,0,16);
   for(int i=0; i<count && g_loaded; i++)
      RunCommand(doc,"commands."+IntegerToString(i)+".");
  }
#endif
//+------------------------------------------------------------------+
