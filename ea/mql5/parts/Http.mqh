//+------------------------------------------------------------------+
//| Http.mqh - requests to the server, waiting after failures         |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_HTTP_MQH
#define AI_TRADER_HTTP_MQH
#include "Json.mqh"
#include "Lock.mqh"

#define HTTP_TIMEOUT_MS 5000
#define ANSWER_BYTES    262144
#define REFUSED_WAIT_MS 30000

string Envelope()
  {
   return(JsonInt("protocol",1)+","+JsonText("instance",g_instance,64)+","+JsonText("run",g_run,64));
  }

string BaseUrl()
  {
   string url=InpServerUrl;
   StringTrimLeft(url);
   StringTrimRight(url);
   while(StringLen(url)>0 && StringGetCharacter(url,StringLen(url)-1)=='/')
      url=StringSubstr(url,0,StringLen(url)-1);
   return(url);
  }

//--- nothing is sent for that long
void LinkWait(const ulong ms)
  {
   g_next_try=GetTickCount64()+ms;
  }

void LinkFailed(const ulong least_ms)
  {
   ulong ms=1000;
   for(int i=0; i<g_failures && ms<30000; i++)
      ms*=2;
   if(ms>30000)
      ms=30000;
   g_failures++;
   LinkWait(ms>least_ms ? ms : least_ms);
  }

bool LinkReady()
  {
   return(GetTickCount64()>=g_next_try);
  }

ulong RetryAfterMs(const string headers)
  {
   string low=headers;
   StringToLower(low);
   int at=StringFind(low,"retry-after:");
   if(at<0)
      return(0);
   long seconds=StringToInteger(StringSubstr(low,at+12,8));
   if(seconds<0)
      seconds=0;
   if(seconds>60)
      seconds=60;
   return((ulong)seconds*1000);
  }

string NetworkHint(const int error)
  {
   if(error==4014)
      return("Allow WebRequest for "+BaseUrl()+" under Tools - Options - Expert Advisors");
   if(error==5202)
      return("The server did not answer in time");
   if(error==5200)
      return("The server's address is not valid: "+BaseUrl());
   return("The server cannot be reached, error "+IntegerToString(error));
  }

//--- what a refusal means for everything after it
void Refused(const int code,const string &reply,const string headers)
  {
   JsonFlat doc;
   string message="";
   if(JsonParse(reply,doc))
      message=JsonGet(doc,"error.message","");
   g_problem="The server says "+IntegerToString(code)+" "+message;
   g_refused=(code==401);
   if(code==401 && StringLen(message)==0)
      g_problem="The server does not know this terminal: a new connect code is needed";
   if(code==426)
      g_problem="The server speaks another version: update the Expert Advisor";
   if(code==403 || code==409 || code==426)
      LinkWait(REFUSED_WAIT_MS);
   else
      if(code!=400 && code!=413)
         LinkFailed(code==429 || code>=500 ? RetryAfterMs(headers) : 0);
  }

//--- the HTTP status, or -1. Only with 200 is the reply worth reading.
int HttpPost(const string path,const string body,string &reply)
  {
   reply="";
   if(!LinkReady() || !LockKeep())
      return(-1);
   char data[],result[];
   string answer_headers="";
   string headers="Content-Type: application/json\r\n";
   if(StringLen(g_token)>0 && path!="/ea/register")
      headers+="Authorization: Bearer "+g_token+"\r\n";
   int n=StringToCharArray(body,data,0,WHOLE_ARRAY,CP_UTF8);
   if(n>0)
      ArrayResize(data,n-1);                   // without the terminal zero
   int timeout=HTTP_TIMEOUT_MS;
   if(path=="/ea/execute" && g_hold_ms+3000>timeout)
      timeout=g_hold_ms+3000;
   ResetLastError();
   int code=WebRequest("POST",BaseUrl()+path,headers,timeout,data,result,answer_headers);
   if(code==-1)
     {
      g_problem=NetworkHint(GetLastError());
      PrintFormat("%s: %s",path,g_problem);
      LinkFailed(0);
      return(-1);
     }
   if(ArraySize(result)>0 && ArraySize(result)<=ANSWER_BYTES)
      reply=CharArrayToString(result,0,WHOLE_ARRAY,CP_UTF8);
   if(code==200)
     {
      g_failures=0;
      g_problem="";
      g_refused=false;
      g_heard=GetTickCount64();
      return(200);
     }
   Refused(code,reply,answer_headers);
   PrintFormat("%s: %s",path,g_problem);
   return(code);
  }

//--- 200 with an answer that is JSON
bool Ask(const string path,const string body,JsonFlat &doc,int &code)
  {
   string reply="";
   code=HttpPost(path,"{"+Envelope()+","+body+"}",reply);
   if(code!=200)
      return(false);
   if(JsonParse(reply,doc) && JsonHas(doc,"now_ms"))
      return(true);
   g_problem="The server's answer is not understood";
   PrintFormat("%s: %s",path,g_problem);
   LinkFailed(0);
   return(false);
  }
#endif
//+------------------------------------------------------------------+
