//+------------------------------------------------------------------+
//| Snapshot.mqh - what the terminal shows: account, market, calendar |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_SNAPSHOT_MQH
#define AI_TRADER_SNAPSHOT_MQH
#include "Http.mqh"

#define MOST_ROWS      6000
#define MOST_POSITIONS 1000
#define MOST_DEALS     500
#define MOST_NAMES     5000
#define MOST_EVENTS    2000
#define WEEK           604800

string Joined(const string list,const string item)
  {
   return(StringLen(list)>0 ? list+","+item : item);
  }

int DigitsOf(const string symbol)
  {
   int digits=(int)SymbolInfoInteger(symbol,SYMBOL_DIGITS);
   return(digits>=0 && digits<=8 ? digits : 8);
  }

string ClockJson()
  {
   string out="\"clock\":{"+JsonInt("gmt",(long)TimeGMT())+","+JsonInt("trade_server",(long)TimeTradeServer());
   return(out+","+JsonInt("offset_s",BrokerOffset())+"}");
  }

string AccountJson()
  {
   string out="\"account\":{"+JsonInt("login",AccountInfoInteger(ACCOUNT_LOGIN))+",";
   out+=JsonText("currency",AccountInfoString(ACCOUNT_CURRENCY),16)+",";
   out+=JsonNum("balance",AccountInfoDouble(ACCOUNT_BALANCE),2)+",";
   out+=JsonNum("credit",AccountInfoDouble(ACCOUNT_CREDIT),2)+",";
   out+=JsonNum("equity",AccountInfoDouble(ACCOUNT_EQUITY),2)+",";
   out+=JsonNum("profit",AccountInfoDouble(ACCOUNT_PROFIT),2)+",";
   out+=JsonNum("margin",AccountInfoDouble(ACCOUNT_MARGIN),2)+",";
   return(out+JsonNum("margin_free",AccountInfoDouble(ACCOUNT_MARGIN_FREE),2)+"}");
  }

string PositionJson(const ulong ticket)
  {
   string symbol=PositionGetString(POSITION_SYMBOL);
   int digits=DigitsOf(symbol);
   string out="{"+JsonInt("id",PositionGetInteger(POSITION_IDENTIFIER))+","+JsonInt("ticket",(long)ticket)+",";
   out+=JsonText("symbol",symbol,64)+",";
   out+=JsonText("side",PositionGetInteger(POSITION_TYPE)==POSITION_TYPE_BUY ? "buy" : "sell",4)+",";
   out+=JsonNum("volume",PositionGetDouble(POSITION_VOLUME),8)+",";
   out+=JsonNum("price_open",PositionGetDouble(POSITION_PRICE_OPEN),8)+",";
   out+=JsonNum("price_current",PositionGetDouble(POSITION_PRICE_CURRENT),digits)+",";
   out+=JsonNum("sl",PositionGetDouble(POSITION_SL),digits)+",";
   out+=JsonNum("tp",PositionGetDouble(POSITION_TP),digits)+",";
   out+=JsonNum("profit",PositionGetDouble(POSITION_PROFIT),2)+",";
   out+=JsonNum("swap",PositionGetDouble(POSITION_SWAP),2)+",";
   out+=JsonInt("magic",PositionGetInteger(POSITION_MAGIC))+",";
   out+=JsonText("comment",PositionGetString(POSITION_COMMENT),64)+",";
   return(out+JsonInt("time",PositionGetInteger(POSITION_TIME))+"}");
  }

string PositionsJson()
  {
   string out="";
   int total=PositionsTotal();
   for(int i=0; i<total && i<MOST_POSITIONS; i++)
     {
      ulong ticket=PositionGetTicket(i);
      if(ticket!=0)
         out=Joined(out,PositionJson(ticket));
     }
   return("\"positions\":["+out+"]");
  }

string OrdersJson()
  {
   string out="";
   int total=OrdersTotal();
   for(int i=0; i<total && i<MOST_POSITIONS; i++)
     {
      ulong ticket=OrderGetTicket(i);
      if(ticket==0)
         continue;
      string item="{"+JsonInt("ticket",(long)ticket)+","+JsonText("symbol",OrderGetString(ORDER_SYMBOL),64)+",";
      item+=JsonInt("type",OrderGetInteger(ORDER_TYPE))+","+JsonInt("state",OrderGetInteger(ORDER_STATE))+",";
      item+=JsonNum("volume",OrderGetDouble(ORDER_VOLUME_CURRENT),8)+",";
      item+=JsonNum("price",OrderGetDouble(ORDER_PRICE_OPEN),8)+",";
      item+=JsonInt("position",OrderGetInteger(ORDER_POSITION_ID))+",";
      item+=JsonInt("magic",OrderGetInteger(ORDER_MAGIC))+",";
      out=Joined(out,item+JsonInt("time",OrderGetInteger(ORDER_TIME_SETUP))+"}");
     }
   return("\"orders\":["+out+"]");
  }

string DealJson(const ulong deal)
  {
   string out="{"+JsonInt("ticket",(long)deal)+","+JsonInt("order",HistoryDealGetInteger(deal,DEAL_ORDER))+",";
   out+=JsonInt("position",HistoryDealGetInteger(deal,DEAL_POSITION_ID))+",";
   out+=JsonText("symbol",HistoryDealGetString(deal,DEAL_SYMBOL),64)+",";
   out+=JsonInt("type",HistoryDealGetInteger(deal,DEAL_TYPE))+",";
   out+=JsonInt("entry",HistoryDealGetInteger(deal,DEAL_ENTRY))+",";
   out+=JsonInt("reason",HistoryDealGetInteger(deal,DEAL_REASON))+",";
   out+=JsonNum("volume",HistoryDealGetDouble(deal,DEAL_VOLUME),8)+",";
   out+=JsonNum("price",HistoryDealGetDouble(deal,DEAL_PRICE),8)+",";
   out+=JsonNum("profit",HistoryDealGetDouble(deal,DEAL_PROFIT),2)+",";
   out+=JsonNum("swap",HistoryDealGetDouble(deal,DEAL_SWAP),2)+",";
   out+=JsonNum("commission",HistoryDealGetDouble(deal,DEAL_COMMISSION),2)+",";
   out+=JsonNum("fee",HistoryDealGetDouble(deal,DEAL_FEE),2)+",";
   out+=JsonInt("magic",HistoryDealGetInteger(deal,DEAL_MAGIC))+",";
   out+=JsonText("comment",HistoryDealGetString(deal,DEAL_COMMENT),64)+",";
   return(out+JsonInt("time_ms",HistoryDealGetInteger(deal,DEAL_TIME_MSC))+"}");
  }

//--- false: the terminal has no history to give, so there is no snapshot
bool DealsJson(string &out)
  {
   long now=(long)TimeTradeServer();
   long since=(g_deals_since>0 ? g_deals_since : now-WEEK);
   out="";
   if(!HistorySelect((datetime)since,(datetime)(now+2*86400)))
      return(false);
   int total=HistoryDealsTotal();
   int n=0;
   for(int i=0; i<total && n<MOST_DEALS; i++)
     {
      ulong deal=HistoryDealGetTicket(i);
      n++;
      if(deal!=0)
         out=Joined(out,DealJson(deal));
     }
   out="\"deals\":["+out+"],"+JsonFlag("deals_more",total>n);
   return(true);
  }

string SymbolJson(const string name)
  {
   MqlTick tick;
   ZeroMemory(tick);
   SymbolInfoTick(name,tick);
   int digits=DigitsOf(name);
   double margin=0.0;
   if(!OrderCalcMargin(ORDER_TYPE_BUY,name,1.0,tick.ask,margin))
      margin=0.0;
   string out="{"+JsonText("name",name,64)+","+JsonText("description",SymbolInfoString(name,SYMBOL_DESCRIPTION),256)+",";
   out+=JsonText("path",SymbolInfoString(name,SYMBOL_PATH),256)+",";
   out+=JsonText("base",SymbolInfoString(name,SYMBOL_CURRENCY_BASE),16)+",";
   out+=JsonText("profit",SymbolInfoString(name,SYMBOL_CURRENCY_PROFIT),16)+",";
   out+=JsonText("margin",SymbolInfoString(name,SYMBOL_CURRENCY_MARGIN),16)+",";
   out+=JsonInt("digits",digits)+",";
   out+=JsonNum("point",SymbolInfoDouble(name,SYMBOL_POINT),8)+",";
   out+=JsonNum("tick_size",SymbolInfoDouble(name,SYMBOL_TRADE_TICK_SIZE),8)+",";
   out+=JsonNum("tick_value",SymbolInfoDouble(name,SYMBOL_TRADE_TICK_VALUE),8)+",";
   out+=JsonNum("contract_size",SymbolInfoDouble(name,SYMBOL_TRADE_CONTRACT_SIZE),8)+",";
   out+=JsonNum("volume_min",SymbolInfoDouble(name,SYMBOL_VOLUME_MIN),8)+",";
   out+=JsonNum("volume_max",SymbolInfoDouble(name,SYMBOL_VOLUME_MAX),8)+",";
   out+=JsonNum("volume_step",SymbolInfoDouble(name,SYMBOL_VOLUME_STEP),8)+",";
   out+=JsonNum("volume_limit",SymbolInfoDouble(name,SYMBOL_VOLUME_LIMIT),8)+",";
   out+=JsonInt("stops_level",SymbolInfoInteger(name,SYMBOL_TRADE_STOPS_LEVEL))+",";
   out+=JsonInt("freeze_level",SymbolInfoInteger(name,SYMBOL_TRADE_FREEZE_LEVEL))+",";
   out+=JsonInt("filling",SymbolInfoInteger(name,SYMBOL_FILLING_MODE))+",";
   out+=JsonInt("execution",SymbolInfoInteger(name,SYMBOL_TRADE_EXEMODE))+",";
   out+=JsonInt("trade_mode",SymbolInfoInteger(name,SYMBOL_TRADE_MODE))+",";
   out+=JsonNum("margin_per_lot",margin,2)+",";
   out+=JsonNum("bid",tick.bid,digits)+","+JsonNum("ask",tick.ask,digits)+",";
   return(out+JsonInt("tick_ms",tick.time_msc)+"}");
  }

string SymbolsJson()
  {
   string out="";
   for(int i=0; i<ArraySize(g_symbols); i++)
      if(SymbolSelect(g_symbols[i],true))
         out=Joined(out,SymbolJson(g_symbols[i]));
   return("\"symbols\":["+out+"]");
  }

//--- PERIOD_CURRENT stands for a name that is no timeframe of the protocol
ENUM_TIMEFRAMES TimeframeOf(const string name)
  {
   if(name=="M1")
      return(PERIOD_M1);
   if(name=="M5")
      return(PERIOD_M5);
   if(name=="M15")
      return(PERIOD_M15);
   if(name=="M30")
      return(PERIOD_M30);
   if(name=="H1")
      return(PERIOD_H1);
   if(name=="H4")
      return(PERIOD_H4);
   return(name=="D1" ? PERIOD_D1 : PERIOD_CURRENT);
  }

//--- closed candles only: the first from the end is still being made
string StreamJson(const Stream &stream,int &rows_left)
  {
   MqlRates rates[];
   ENUM_TIMEFRAMES timeframe=TimeframeOf(stream.timeframe);
   int wanted=(stream.count<rows_left ? stream.count : rows_left);
   if(wanted<1 || timeframe==PERIOD_CURRENT || !SymbolSelect(stream.symbol,true))
      return("");
   int got=CopyRates(stream.symbol,timeframe,1,wanted,rates);
   int digits=DigitsOf(stream.symbol);
   string rows="";
   for(int i=0; i<got; i++)
     {
      string row="["+IntegerToString((long)rates[i].time)+","+DoubleToString(rates[i].open,digits)+",";
      row+=DoubleToString(rates[i].high,digits)+","+DoubleToString(rates[i].low,digits)+",";
      row+=DoubleToString(rates[i].close,digits)+","+IntegerToString(rates[i].tick_volume)+"]";
      rows=Joined(rows,row);
      rows_left--;
     }
   string out="{"+JsonText("symbol",stream.symbol,64)+","+JsonText("timeframe",stream.timeframe,3);
   return(out+",\"rows\":["+rows+"]}");
  }

string CandlesJson()
  {
   string out="";
   int rows_left=MOST_ROWS;
   for(int i=0; i<ArraySize(g_streams) && !g_sync_small; i++)
     {
      string item=StreamJson(g_streams[i],rows_left);
      if(StringLen(item)>0)
         out=Joined(out,item);
     }
   return("\"candles\":["+out+"]");
  }

string NamesJson()
  {
   if(!g_names || g_sync_small)
      return("\"names\":null");
   string out="";
   int total=SymbolsTotal(false);
   for(int i=0; i<total && i<MOST_NAMES; i++)
     {
      string name=SymbolName(i,false);
      if(StringLen(name)>0 && StringLen(name)<=64)
         out=Joined(out,JsonQuote(name));
     }
   return("\"names\":["+out+"]");
  }

//+------------------------------------------------------------------+
//| calendar                                                         |
//+------------------------------------------------------------------+
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

//+------------------------------------------------------------------+
//| the snapshot                                                     |
//+------------------------------------------------------------------+
void Sync()
  {
   string deals="";
   if(!DealsJson(deals))
      return;
   g_sync_no++;
   string body=JsonInt("sync_no",g_sync_no)+","+ClockJson()+","+AccountJson()+",";
   body+=PositionsJson()+","+OrdersJson()+","+deals+","+SymbolsJson()+",";
   body+=CandlesJson()+","+NamesJson()+","+CalendarJson();
   JsonFlat doc;
   int code=0;
   bool taken=Ask("/ea/sync",body,doc,code);
   g_next_sync=GetTickCount64()+(ulong)g_sync_ms;
   g_sync_small=(code==413);
   if(taken || code==400)
      g_sync_now=false;
  }
#endif
//+------------------------------------------------------------------+
