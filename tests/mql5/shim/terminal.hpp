// What the terminal knows and does, asked of the host.
#pragma once
#include "files.hpp"

// ------------------------------------------------------------------ the terminal, asked of the host
inline datetime TimeCurrent() { return rl(rpc("TimeCurrent")); }
inline datetime TimeTradeServer() { return rl(rpc("TimeTradeServer")); }
inline datetime TimeGMT() { return rl(rpc("TimeGMT")); }
inline datetime TimeLocal() { return rl(rpc("TimeLocal")); }
inline ulong GetTickCount64() { return ru(rpc("GetTickCount64")); }
inline void Sleep(int ms) { rpc("Sleep", ms); }
inline ulong GetMicrosecondCount() { return ru(rpc("GetMicrosecondCount")); }
inline void MathSrand(int) {}
inline int MathRand() { return (int)rl(rpc("MathRand")); }
inline void Comment(const string &s) { rpc("Comment", s); }
inline bool GlobalVariableCheck(const string &n) { return rl(rpc("GlobalVariableCheck", n)); }
inline bool GlobalVariableTemp(const string &n) { return rl(rpc("GlobalVariableTemp", n)); }
inline double GlobalVariableGet(const string &n) { return rd(rpc("GlobalVariableGet", n)); }
inline bool GlobalVariableSetOnCondition(const string &n, double v, double check) {
  return rl(rpc("GlobalVariableSetOnCondition", n, v, check));
}
inline bool IsStopped() { return rl(rpc("IsStopped")); }
inline bool EventSetTimer(int s) { return rl(rpc("EventSetMillisecondTimer", s * 1000)); }
inline bool EventSetMillisecondTimer(int ms) { return rl(rpc("EventSetMillisecondTimer", ms)); }
inline void EventKillTimer() { rpc("EventKillTimer"); }
inline bool SymbolSelect(const string &s, bool on) { return rl(rpc("SymbolSelect", s, on)); }
inline int SymbolsTotal(bool selected) { return (int)rl(rpc("SymbolsTotal", selected)); }
inline string SymbolName(int i, bool selected) { return rs(rpc("SymbolName", i, selected)); }
inline bool SymbolInfoTick(const string &s, MqlTick &t) {
  Fields f = rpc("SymbolInfoTick", s);
  if (!rl(f)) return false;
  t = MqlTick{rl(f, 1) / 1000, rd(f, 2), rd(f, 3), 0.0, 0, rl(f, 1), 0, 0.0};
  return true;
}
inline bool OrderCalcMargin(ENUM_ORDER_TYPE type, const string &s, double volume, double price, double &margin) {
  Fields f = rpc("OrderCalcMargin", (long)type, s, volume, price);
  margin = rd(f, 1);
  return rl(f);
}
inline double SymbolInfoDouble(const string &s, ENUM_SYMBOL_INFO_DOUBLE p) { return rd(rpc("SymbolInfo", s, p)); }
inline long SymbolInfoInteger(const string &s, ENUM_SYMBOL_INFO_INTEGER p) { return rl(rpc("SymbolInfo", s, p)); }
inline string SymbolInfoString(const string &s, ENUM_SYMBOL_INFO_STRING p) { return rs(rpc("SymbolInfo", s, p)); }
inline double AccountInfoDouble(ENUM_ACCOUNT_INFO_DOUBLE p) { return rd(rpc("AccountInfo", p)); }
inline long AccountInfoInteger(ENUM_ACCOUNT_INFO_INTEGER p) { return rl(rpc("AccountInfo", p)); }
inline string AccountInfoString(ENUM_ACCOUNT_INFO_STRING p) { return rs(rpc("AccountInfo", p)); }
inline int TerminalInfoInteger(ENUM_TERMINAL_INFO_INTEGER p) { return (int)rl(rpc("TerminalInfo", p)); }
inline int MQLInfoInteger(ENUM_MQL_INFO_INTEGER p) { return (int)rl(rpc("MQLInfo", p)); }
inline int PositionsTotal() { return (int)rl(rpc("PositionsTotal")); }
inline ulong PositionGetTicket(int i) { return ru(rpc("PositionGetTicket", i)); }
inline bool PositionSelectByTicket(ulong t) { return rl(rpc("PositionSelectByTicket", t)); }
inline double PositionGetDouble(ENUM_POSITION_PROPERTY_DOUBLE p) { return rd(rpc("PositionGet", p)); }
inline long PositionGetInteger(ENUM_POSITION_PROPERTY_INTEGER p) { return rl(rpc("PositionGet", p)); }
inline string PositionGetString(ENUM_POSITION_PROPERTY_STRING p) { return rs(rpc("PositionGet", p)); }
inline int OrdersTotal() { return (int)rl(rpc("OrdersTotal")); }
inline ulong OrderGetTicket(int i) { return ru(rpc("OrderGetTicket", i)); }
inline double OrderGetDouble(ENUM_ORDER_PROPERTY_DOUBLE p) { return rd(rpc("OrderGet", p)); }
inline long OrderGetInteger(ENUM_ORDER_PROPERTY_INTEGER p) { return rl(rpc("OrderGet", p)); }
inline string OrderGetString(ENUM_ORDER_PROPERTY_STRING p) { return rs(rpc("OrderGet", p)); }
inline bool HistorySelectByPosition(long id) { return rl(rpc("HistorySelectByPosition", id)); }
inline bool HistorySelect(datetime a, datetime b) { return rl(rpc("HistorySelect", a, b)); }
inline int HistoryDealsTotal() { return (int)rl(rpc("HistoryDealsTotal")); }
inline ulong HistoryDealGetTicket(int i) { return ru(rpc("HistoryDealGetTicket", i)); }
inline bool HistoryDealSelect(ulong t) { return rl(rpc("HistoryDealSelect", t)); }
inline double HistoryDealGetDouble(ulong t, ENUM_DEAL_PROPERTY_DOUBLE p) { return rd(rpc("HistoryDealGet", t, p)); }
inline long HistoryDealGetInteger(ulong t, ENUM_DEAL_PROPERTY_INTEGER p) { return rl(rpc("HistoryDealGet", t, p)); }
inline string HistoryDealGetString(ulong t, ENUM_DEAL_PROPERTY_STRING p) { return rs(rpc("HistoryDealGet", t, p)); }
inline int CopyRates(const string &s, ENUM_TIMEFRAMES tf, int start, int count, Array<MqlRates> &out) {
  Fields f = rpc("CopyRates", s, tf, start, count);
  int n = (int)rl(f);
  if (n < 0) return -1;
  out.d.resize(n);
  for (int i = 0; i < n; i++) {
    size_t k = 1 + i * 8;
    out.d[i] = {rl(f, k), rd(f, k + 1), rd(f, k + 2), rd(f, k + 3), rd(f, k + 4), rl(f, k + 5), (int)rl(f, k + 6), rl(f, k + 7)};
  }
  return n;
}
inline bool OrderSend(MqlTradeRequest &q, MqlTradeResult &r) {
  Fields f = rpc("OrderSend", (long)q.action, q.magic, q.order, q.symbol, q.volume, q.price, q.stoplimit, q.sl, q.tp, q.deviation,
                 (long)q.type, (long)q.type_filling, (long)q.type_time, q.expiration, q.comment, q.position, q.position_by);
  r = MqlTradeResult{(uint)rl(f, 1), ru(f, 2), ru(f, 3), rd(f, 4), rd(f, 5), rd(f, 6), rd(f, 7), rs(f, 8), (uint)rl(f, 9), 0};
  return rl(f);
}

inline int CalendarValueHistory(Array<MqlCalendarValue> &out, datetime from, datetime to = 0) {
  Fields f = rpc("CalendarValueHistory", from, to);
  int n = (int)rl(f);
  out.d.resize(n < 0 ? 0 : n);
  for (int i = 0; i < n; i++) {
    size_t k = 1 + i * 7;
    out.d[i] = {ru(f, k), ru(f, k + 1), rl(f, k + 2), 0, 0, rl(f, k + 3), rl(f, k + 4), rl(f, k + 5), rl(f, k + 6)};
  }
  return n;
}
inline bool CalendarEventById(ulong id, MqlCalendarEvent &e) {
  Fields f = rpc("CalendarEventById", id);
  e = MqlCalendarEvent{id, ENUM_CALENDAR_EVENT_TIMEMODE(rl(f, 1)), ru(f, 2), ENUM_CALENDAR_EVENT_IMPORTANCE(rl(f, 3)),
                       (uint)rl(f, 4), string(), string(), rs(f, 5)};
  return rl(f);
}
inline bool CalendarCountryById(long id, MqlCalendarCountry &c) {
  Fields f = rpc("CalendarCountryById", id);
  c = MqlCalendarCountry{(ulong)id, rs(f, 1), rs(f, 2), rs(f, 3), string(), string()};
  return rl(f);
}
// The request goes through the host, byte for byte: a terminal zero left in the array is sent too.
inline int WebRequest(const string &method, const string &url, const string &headers, int timeout, const Array<char> &data,
                      Array<char> &result, string &result_headers) {
  static const char *hex = "0123456789abcdef";
  std::string body;
  for (char c : data.d) { body += hex[uchar(c) >> 4]; body += hex[uchar(c) & 15]; }
  Fields f = rpc("WebRequest", method, url, headers, timeout, body);
  int code = (int)rl(f);
  result.d.clear();
  if (code < 0) { g_last_error = (int)rl(f, 1); return -1; }
  const std::string &b = f.at(2);
  for (size_t i = 0; i + 1 < b.size(); i += 2) result.d.push_back((char)strtol(b.substr(i, 2).c_str(), 0, 16));
  result_headers = rs(f, 1);
  return code;
}
