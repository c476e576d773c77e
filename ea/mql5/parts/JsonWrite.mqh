//+------------------------------------------------------------------+
//| JsonWrite.mqh - a small JSON writer                               |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_JSON_WRITE_MQH
#define AI_TRADER_JSON_WRITE_MQH

//--- ASCII only: what is not becomes \uXXXX, so that bytes and characters are the same
string JsonQuote(const string value)
  {
   string out="\"";
   int len=StringLen(value);
   for(int i=0; i<len; i++)
     {
      ushort c=StringGetCharacter(value,i);
      if(c=='"' || c=='\\')
         out+="\\"+ShortToString(c);
      else
         if(c<32 || c>126)
            out+=StringFormat("\\u%04x",(int)c);
         else
            out+=ShortToString(c);
     }
   return(out+"\"");
  }

//--- text of at most so many characters, control characters out
string JsonText(const string key,const string value,const int longest)
  {
   string clean="";
   int len=StringLen(value);
   for(int i=0; i<len && i<longest; i++)
     {
      ushort c=StringGetCharacter(value,i);
      if(c>=32 && c!=127)
         clean+=ShortToString(c);
     }
   return(JsonQuote(key)+":"+JsonQuote(clean));
  }

string JsonInt(const string key,const long value)
  {
   return(JsonQuote(key)+":"+IntegerToString(value));
  }

string JsonFlag(const string key,const bool value)
  {
   return(JsonQuote(key)+(value ? ":true" : ":false"));
  }

//--- what is no number is 0: the other side refuses a message with a hole in it
string JsonNum(const string key,const double value,const int digits)
  {
   if(!MathIsValidNumber(value))
      return(JsonQuote(key)+":0");
   return(JsonQuote(key)+":"+DoubleToString(value,digits));
  }

string Joined(const string list,const string item)
  {
   return(StringLen(list)>0 ? list+","+item : item);
  }
#endif
//+------------------------------------------------------------------+
