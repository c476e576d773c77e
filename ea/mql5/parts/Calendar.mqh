//+------------------------------------------------------------------+
//| Calendar.mqh - economic releases, as the terminal knows them      |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_CALENDAR_MQH
#define AI_TRADER_CALENDAR_MQH
#include "State.mqh"
#include "JsonWrite.mqh"

#define MOST_EVENTS 2000

string Importance(const ENUM_CALENDAR_EVENT_IMPORTANCE level)
  {
   if(level==CALENDAR_IMPORTANCE_HIGH)
      return("high");
   if(level==CALENDAR_IMPORTANCE_MODERATE)
      return("moderate");
   return(level==CALENDAR_IMPORTANCE_LOW ? "low" : "none");
  }

//--- the calendar keeps millionths, and the lowest number for "none"
string MicroJson(const string key,const long value)
  {
   return(value==LONG_MIN ? JsonQuote(key)+":null" : JsonInt(key,value));
  }

string EventJson(const MqlCalendarValue &value)
  {
   MqlCalendarEvent about;
   MqlCalendarCountry country;
   if(!CalendarEventById(value.event_id,about) || !CalendarCountryById((long)about.country_id,country))
      return("");
   string out="{"+JsonInt("id",(long)value.id)+","+JsonInt("time",(long)value.time)+",";
   out+=JsonFlag("exact",about.time_mode==CALENDAR_TIMEMODE_DATETIME)+",";
   out+=JsonText("currency",country.currency,16)+","+JsonText("country",country.code,8)+",";
   out+=JsonText("importance",Importance(about.importance),8)+","+JsonText("title",about.name,256)+",";
   out+=JsonInt("digits",(long)about.digits)+","+MicroJson("actual_micro",value.actual_value)+",";
   long previous=(value.revised_prev_value!=LONG_MIN ? value.revised_prev_value : value.prev_value);
   out+=MicroJson("forecast_micro",value.forecast_value)+","+MicroJson("previous_micro",previous);
   return(out+"}");
  }

//--- null unless complete: a calendar with a hole would let a trade through
string CalendarJson()
  {
   string none="\"calendar\":null";
   if(g_calendar_hours<1)
      return(none);
   MqlCalendarValue values[];
   long from=(long)TimeTradeServer()-86400;
   long to=(long)TimeTradeServer()+(long)g_calendar_hours*3600;
   ResetLastError();
   CalendarValueHistory(values,(datetime)from,(datetime)to);
   int total=ArraySize(values);
   if(GetLastError()!=0 || total==0 || total>MOST_EVENTS)
      return(none);
   string out="";
   for(int i=0; i<total; i++)
     {
      string item=EventJson(values[i]);
      if(StringLen(item)==0)
         return(none);
      out=Joined(out,item);
     }
   return("\"calendar\":{"+JsonInt("from",from)+","+JsonInt("to",to)+",\"events\":["+out+"]}");
  }
#endif
//+------------------------------------------------------------------+
