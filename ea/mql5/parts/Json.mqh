//+------------------------------------------------------------------+
//| Json.mqh - a flat JSON reader and a small JSON writer             |
//| A document becomes path and value pairs: "commands.0.id". An      |
//| array also has "path.#", its length. null is as good as absent.   |
//| Numbers stay text, so that 64-bit integers are not rounded.       |
//+------------------------------------------------------------------+
#ifndef AI_TRADER_JSON_MQH
#define AI_TRADER_JSON_MQH

#define JSON_DEPTH 16

struct JsonFlat
  {
   string            paths[];
   string            values[];
   int               pos;
   bool              failed;
  };

ushort JsonPeek(const string &text,JsonFlat &doc)
  {
   int len=StringLen(text);
   while(doc.pos<len)
     {
      ushort c=StringGetCharacter(text,doc.pos);
      if(c!=' ' && c!='\t' && c!='\r' && c!='\n')
         return(c);
      doc.pos++;
     }
   return(0);
  }

void JsonAdd(JsonFlat &doc,const string path,const string value)
  {
   int n=ArraySize(doc.paths);
   ArrayResize(doc.paths,n+1,256);
   ArrayResize(doc.values,n+1,256);
   doc.paths[n]=path;
   doc.values[n]=value;
  }

int JsonHexDigit(const ushort c)
  {
   if(c>='0' && c<='9')
      return(c-'0');
   if(c>='a' && c<='f')
      return(c-'a'+10);
   if(c>='A' && c<='F')
      return(c-'A'+10);
   return(-1);
  }

string JsonReadHex(const string &text,JsonFlat &doc)
  {
   int code=0;
   for(int i=0; i<4; i++)
     {
      int digit=-1;
      if(doc.pos<StringLen(text))
         digit=JsonHexDigit(StringGetCharacter(text,doc.pos));
      if(digit<0)
        {
         doc.failed=true;
         return("");
        }
      code=code*16+digit;
      doc.pos++;
     }
   return(ShortToString((ushort)code));
  }

string JsonReadEscape(const string &text,JsonFlat &doc)
  {
   if(doc.pos>=StringLen(text))
     {
      doc.failed=true;
      return("");
     }
   ushort c=StringGetCharacter(text,doc.pos);
   doc.pos++;
   if(c=='n')
      return("\n");
   if(c=='t')
      return("\t");
   if(c=='r')
      return("\r");
   if(c=='b' || c=='f')
      return(" ");
   if(c=='u')
      return(JsonReadHex(text,doc));
   if(c!='"' && c!='\\' && c!='/')
      doc.failed=true;
   return(ShortToString(c));
  }

string JsonReadString(const string &text,JsonFlat &doc)
  {
   string out="";
   int len=StringLen(text);
   doc.pos++;                                   // opening quote
   while(doc.pos<len && !doc.failed)
     {
      ushort c=StringGetCharacter(text,doc.pos);
      doc.pos++;
      if(c=='"')
         return(out);
      if(c=='\\')
         out+=JsonReadEscape(text,doc);
      else
         out+=ShortToString(c);
     }
   doc.failed=true;
   return(out);
  }

bool JsonIsNumber(const string &word)
  {
   int digits=0;
   int len=StringLen(word);
   for(int i=0; i<len; i++)
     {
      ushort c=StringGetCharacter(word,i);
      if(c>='0' && c<='9')
         digits++;
      else
         if(c!='-' && c!='+' && c!='.' && c!='e' && c!='E')
            return(false);
     }
   return(digits>0);
  }

void JsonReadWord(const string &text,JsonFlat &doc,const string path)
  {
   int start=doc.pos;
   int len=StringLen(text);
   while(doc.pos<len)
     {
      ushort c=StringGetCharacter(text,doc.pos);
      if(c==',' || c=='}' || c==']' || c==' ' || c=='\r' || c=='\n' || c=='\t')
         break;
      doc.pos++;
     }
   if(doc.pos==start)
     {
      doc.failed=true;
      return;
     }
   string word=StringSubstr(text,start,doc.pos-start);
   if(word=="null")
      return;
   if(word!="true" && word!="false" && !JsonIsNumber(word))
      doc.failed=true;
   JsonAdd(doc,path,word);
  }

//--- the part of an object before its value: "key" :
string JsonReadKey(const string &text,JsonFlat &doc)
  {
   if(JsonPeek(text,doc)!='"')
     {
      doc.failed=true;
      return("");
     }
   string key=JsonReadString(text,doc);
   if(JsonPeek(text,doc)!=':')
      doc.failed=true;
   doc.pos++;
   return(key);
  }

//--- after an element: true when there is another one
bool JsonMore(const string &text,JsonFlat &doc,const ushort closing)
  {
   ushort c=JsonPeek(text,doc);
   doc.pos++;
   if(c!=',' && c!=closing)
      doc.failed=true;
   return(c==',');
  }

void JsonReadValue(const string &text,JsonFlat &doc,const string path,const int depth)
  {
   ushort c=JsonPeek(text,doc);
   if(c==0 || depth>JSON_DEPTH)
     {
      doc.failed=true;
      return;
     }
   if(c!='{' && c!='[')
     {
      if(c=='"')
         JsonAdd(doc,path,JsonReadString(text,doc));
      else
         JsonReadWord(text,doc,path);
      return;
     }
   bool is_object=(c=='{');
   ushort closing=(ushort)(is_object ? '}' : ']');
   int index=0;
   doc.pos++;
   bool more=(JsonPeek(text,doc)!=closing);
   if(!more)
      doc.pos++;
   while(more && !doc.failed)
     {
      string key=(is_object ? JsonReadKey(text,doc) : IntegerToString(index));
      if(doc.failed)
         return;
      JsonReadValue(text,doc,StringLen(path)>0 ? path+"."+key : key,depth+1);
      index++;
      more=(!doc.failed && JsonMore(text,doc,closing));
     }
   if(!is_object)
      JsonAdd(doc,path+".#",IntegerToString(index));
  }

bool JsonParse(const string &text,JsonFlat &doc)
  {
   ArrayResize(doc.paths,0);
   ArrayResize(doc.values,0);
   doc.pos=0;
   doc.failed=false;
   JsonReadValue(text,doc,"",0);
   if(JsonPeek(text,doc)!=0)
      doc.failed=true;
   return(!doc.failed);
  }

bool JsonHas(const JsonFlat &doc,const string path)
  {
   int n=ArraySize(doc.paths);
   for(int i=0; i<n; i++)
      if(doc.paths[i]==path)
         return(true);
   return(false);
  }

string JsonGet(const JsonFlat &doc,const string path,const string fallback)
  {
   int n=ArraySize(doc.paths);
   for(int i=0; i<n; i++)
      if(doc.paths[i]==path)
         return(doc.values[i]);
   return(fallback);
  }

long JsonLong(const JsonFlat &doc,const string path,const long fallback)
  {
   string word=JsonGet(doc,path,"");
   return(JsonIsNumber(word) ? StringToInteger(word) : fallback);
  }

//--- a number inside its bounds, else the nearest one
long JsonBetween(const JsonFlat &doc,const string path,const long fallback,const long lowest,const long highest)
  {
   long value=JsonLong(doc,path,fallback);
   if(value<lowest)
      return(lowest);
   return(value>highest ? highest : value);
  }

double JsonDouble(const JsonFlat &doc,const string path,const double fallback)
  {
   string word=JsonGet(doc,path,"");
   return(JsonIsNumber(word) ? StringToDouble(word) : fallback);
  }

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
#endif
//+------------------------------------------------------------------+
