//+------------------------------------------------------------------+
//| Journal.mqh - what must survive a crash                          |
//|                                                                  |
//| Lines of fields between tabs; each begins with a line break and  |
//| ends with ".", so that a torn line spoils only itself.           |
//|   I instance                 this journal's identity             |
//|   P paused seq               1 or 0, and the command that said so |
//|   B id seq type magic position volume keep sl tp issued          |
//|   E id result                the outcome, as JSON                |
//|   A id                       the server has it                   |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_JOURNAL_MQH
#define AI_TRADER_JOURNAL_MQH
#include "State.mqh"

string OwnFile(const string kind)
  {
   string name=AccountInfoString(ACCOUNT_SERVER);
   string safe="";
   for(int i=0; i<StringLen(name); i++)
     {
      ushort c=StringGetCharacter(name,i);
      bool plain=(c>='0' && c<='9') || (c>='A' && c<='Z') || (c>='a' && c<='z');
      safe+=(plain ? ShortToString(c) : "-");
     }
   return("AiTrader_"+IntegerToString(AccountInfoInteger(ACCOUNT_LOGIN))+"_"+safe+"_"+kind+".txt");
  }

int OpenText(const string name,const int flags)
  {
   return(FileOpen(name,flags|FILE_TXT|FILE_ANSI,'\t',CP_UTF8));
  }

bool JournalLine(const string line)
  {
   g_journal_ok=false;
   int h=OpenText(OwnFile("journal"),FILE_READ|FILE_WRITE);
   if(h==INVALID_HANDLE)
     {
      PrintFormat("The journal cannot be opened, error %d: nothing is traded",GetLastError());
      return(false);
     }
   FileSeek(h,0,SEEK_END);
   uint written=FileWriteString(h,"\r\n"+line+"\t.\r\n");
   FileFlush(h);
   FileClose(h);
   g_journal_ok=(written>=(uint)StringLen(line));
   if(!g_journal_ok)
      Print("The journal cannot be written: nothing is traded");
   return(g_journal_ok);
  }

//--- a file is replaced by a complete one, never written over
bool ReplaceFile(const string kind,const string text)
  {
   string fresh=OwnFile(kind+"_new");
   int h=OpenText(fresh,FILE_WRITE);
   if(h==INVALID_HANDLE)
      return(false);
   uint written=FileWriteString(h,text);
   FileFlush(h);
   FileClose(h);
   if(written<(uint)StringLen(text))
      return(false);
   return(FileMove(fresh,0,OwnFile(kind),FILE_REWRITE));
  }

int JobIndex(const string id)
  {
   for(int i=ArraySize(g_jobs)-1; i>=0; i--)
      if(g_jobs[i].id==id)
         return(i);
   return(-1);
  }

int JobAdd(const string id,const long seq,const string type)
  {
   int n=ArraySize(g_jobs);
   ArrayResize(g_jobs,n+1,256);
   g_jobs[n].id=id;
   g_jobs[n].seq=seq;
   g_jobs[n].type=type;
   g_jobs[n].state=JOB_BEGUN;
   g_jobs[n].result="";
   g_jobs[n].magic=0;
   g_jobs[n].position=0;
   g_jobs[n].volume=0.0;
   g_jobs[n].keep=0.0;
   g_jobs[n].sl=0.0;
   g_jobs[n].tp=0.0;
   g_jobs[n].issued=0;
   g_jobs[n].since=GetTickCount64();
   g_jobs[n].later=0;
   g_jobs[n].attempts=0;
   g_jobs[n].retcode=0;
   if(seq>g_last_seq)
      g_last_seq=seq;
   return(n);
  }

string BeginLine(const Job &job)
  {
   string line="B\t"+job.id+"\t"+IntegerToString(job.seq)+"\t"+job.type+"\t"+IntegerToString(job.magic);
   line+="\t"+IntegerToString(job.position)+"\t"+JobText(job.volume)+"\t"+JobText(job.keep);
   return(line+"\t"+JobText(job.sl)+"\t"+JobText(job.tp)+"\t"+IntegerToString(job.issued));
  }

void ReadBegin(const string &part[])
  {
   if(JobIndex(part[1])>=0)
      return;
   int k=JobAdd(part[1],StringToInteger(part[2]),part[3]);
   g_jobs[k].magic=StringToInteger(part[4]);
   g_jobs[k].position=StringToInteger(part[5]);
   g_jobs[k].volume=StringToDouble(part[6]);
   g_jobs[k].keep=StringToDouble(part[7]);
   g_jobs[k].sl=StringToDouble(part[8]);
   g_jobs[k].tp=StringToDouble(part[9]);
   g_jobs[k].issued=StringToInteger(part[10]);
  }

void ReadLine(const string &part[],const int n)
  {
   if(n<3 || part[n-1]!=".")
      return;                                  // torn
   if(part[0]=="I" && n==3)
      g_instance=part[1];
   if(part[0]=="P" && n==4)
     {
      g_paused=(part[1]=="1" ? PAUSE_ON : PAUSE_OFF);
      g_pause_seq=StringToInteger(part[2]);
     }
   if(part[0]=="B" && n==12)
      ReadBegin(part);
   int k=JobIndex(part[1]);
   if(k<0)
      return;
   if(part[0]=="E" && n==4)
     {
      g_jobs[k].state=JOB_ENDED;
      g_jobs[k].result=part[2];
     }
   if(part[0]=="A" && n==3 && g_jobs[k].state==JOB_ENDED)
      g_jobs[k].state=JOB_ACKED;
  }

//--- a copy without what is no longer needed
bool JournalCompact()
  {
   string text="I\t"+g_instance+"\t.\r\n";
   if(g_paused!=PAUSE_UNKNOWN)
      text+=(g_paused==PAUSE_ON ? "P\t1\t" : "P\t0\t")+IntegerToString(g_pause_seq)+"\t.\r\n";
   int finished=0;
   for(int i=0; i<ArraySize(g_jobs); i++)
      if(g_jobs[i].state==JOB_ACKED)
         finished++;
   for(int i=0; i<ArraySize(g_jobs); i++)
     {
      if(g_jobs[i].state==JOB_ACKED)
        {
         finished--;
         if(finished>=KEEP_FINISHED)
            continue;
        }
      text+=BeginLine(g_jobs[i])+"\t.\r\n";
      if(g_jobs[i].state!=JOB_BEGUN)
         text+="E\t"+g_jobs[i].id+"\t"+g_jobs[i].result+"\t.\r\n";
      if(g_jobs[i].state==JOB_ACKED)
         text+="A\t"+g_jobs[i].id+"\t.\r\n";
     }
   return(ReplaceFile("journal",text));
  }

//--- false: it is there and cannot be read, so nothing may be traded
bool JournalRead(int &lines)
  {
   string name=OwnFile("journal");
   lines=0;
   if(!FileIsExist(name))
      return(true);
   int h=OpenText(name,FILE_READ);
   if(h==INVALID_HANDLE)
      return(false);
   while(!FileIsEnding(h))
     {
      string part[];
      int n=StringSplit(FileReadString(h),'\t',part);
      lines++;
      ReadLine(part,n);
     }
   FileClose(h);
   return(true);
  }

bool JournalLoad()
  {
   ArrayResize(g_jobs,0);
   g_instance="";
   g_paused=PAUSE_UNKNOWN;
   g_pause_seq=0;
   g_last_seq=0;
   int lines=0;
   g_journal_ok=JournalRead(lines);
   if(!g_journal_ok)
     {
      Print("The journal cannot be read: nothing is traded");
      return(false);
     }
   if(StringLen(g_instance)==0)
     {
      g_instance=NewId();
      return(JournalLine("I\t"+g_instance));
     }
   if(lines>JOURNAL_LINES)
      JournalCompact();                        // if it fails, the long one goes on
   return(true);
  }

//+------------------------------------------------------------------+
//| the token                                                        |
//+------------------------------------------------------------------+
void TokenLoad()
  {
   g_token="";
   g_used_code="";
   g_magic_base=0;
   if(!FileIsExist(OwnFile("token")))
      return;
   int h=OpenText(OwnFile("token"),FILE_READ);
   if(h==INVALID_HANDLE)
      return;
   string part[];
   int n=StringSplit(FileReadString(h),'\t',part);
   FileClose(h);
   if(n!=4 || part[3]!=".")
      return;
   g_token=part[0];
   g_magic_base=StringToInteger(part[1]);
   g_used_code=part[2];
  }

bool TokenSave()
  {
   string text=g_token+"\t"+IntegerToString(g_magic_base)+"\t"+g_used_code+"\t.\r\n";
   if(ReplaceFile("token",text))
      return(true);
   Print("The token cannot be saved: after a restart a new connect code is needed");
   return(false);
  }

//+------------------------------------------------------------------+
//| pause                                                            |
//+------------------------------------------------------------------+
bool PauseSet(const bool on,const long seq)
  {
   if(!JournalLine((on ? "P\t1\t" : "P\t0\t")+IntegerToString(seq)))
     {
      if(on)
         g_paused=PAUSE_ON;                    // at least until the next start
      return(false);
     }
   g_paused=(on ? PAUSE_ON : PAUSE_OFF);
   g_pause_seq=seq;
   return(true);
  }

//+------------------------------------------------------------------+
//| outcomes                                                         |
//+------------------------------------------------------------------+
string OutcomeJson(const Job &job,const Outcome &o)
  {
   string out=JsonText("id",job.id,48)+","+JsonInt("seq",job.seq)+","+JsonText("type",job.type,16)+",";
   out+=JsonText("status",o.status,16)+","+JsonText("reason",o.reason,32)+",";
   out+=JsonInt("retcode",(long)o.retcode)+","+JsonInt("order",(long)o.order)+",";
   out+=JsonInt("deal",(long)o.deal)+","+JsonInt("position",(long)o.position)+",";
   out+=JsonNum("volume",o.volume,8)+","+JsonNum("price",o.price,8)+",";
   out+=JsonNum("remaining",o.remaining,8)+","+JsonNum("sl",o.sl,8)+","+JsonNum("tp",o.tp,8)+",";
   out+=JsonInt("attempts",o.attempts)+","+JsonFlag("traced",o.traced)+",";
   return(out+JsonText("note",o.note,200));
  }

//--- false: it is not on disk, so the server is not told and the job stays begun
bool JobEnd(const int k,const Outcome &o)
  {
   string result=OutcomeJson(g_jobs[k],o);
   if(!JournalLine("E\t"+g_jobs[k].id+"\t"+result))
      return(false);
   g_jobs[k].result=result;
   g_jobs[k].state=JOB_ENDED;
   g_sync_now=true;
   g_last_done=g_jobs[k].type+" "+g_jobs[k].id+": "+o.status;
   if(StringLen(o.reason)>0)
      g_last_done+=" ("+o.reason+")";
   PrintFormat("%s, retcode %u %s",g_last_done,o.retcode,o.note);
   return(true);
  }
#endif
//+------------------------------------------------------------------+
