// Arrays, arithmetic, strings and formatted output. A wrong type in a format is an error here.
#pragma once
#include "constants.hpp"

// ------------------------------------------------------------------ common, arrays, math
inline int GetLastError() { return g_last_error; }
inline void ResetLastError() { g_last_error = 0; }
template <class T> void ZeroMemory(T &t) { t = T(); }
template <class T> int ArraySize(const Array<T> &a) { return (int)a.d.size(); }
template <class T> int ArrayResize(Array<T> &a, int n, int reserve = 0) {
  if (a.fixed || n < 0) { g_last_error = 4007; return -1; }
  if ((size_t)n > a.d.capacity()) a.d.reserve(n + reserve);
  a.d.resize(n);
  return n;
}
template <class T> void ArrayFree(Array<T> &a) { a.d.clear(); }
template <class T> bool ArraySetAsSeries(Array<T> &a, bool on) { a.series = on; return true; }
template <class T> bool ArrayRemove(Array<T> &a, uint start, uint count = 0xFFFFFFFFu) {
  if (start >= a.d.size()) return false;
  a.d.erase(a.d.begin() + start, a.d.begin() + std::min<size_t>(a.d.size(), (size_t)start + count));
  return true;
}
inline double MathFloor(double x) { return std::floor(x); }
inline double MathCeil(double x) { return std::ceil(x); }
inline double MathRound(double x) { return std::round(x); }
inline double MathAbs(double x) { return std::fabs(x); }
inline double MathMax(double a, double b) { return a > b ? a : b; }
inline double MathMin(double a, double b) { return a < b ? a : b; }
inline double MathPow(double a, double b) { return std::pow(a, b); }
inline bool MathIsValidNumber(double x) { return std::isfinite(x); }
inline double NormalizeDouble(double x, int d) { double p = std::pow(10.0, d); return std::round(x * p) / p; }

// ------------------------------------------------------------------ strings
inline int StringLen(const string &s) { return (int)s.v.size(); }
inline ushort StringGetCharacter(const string &s, int i) {
  if (i < 0 || i >= (int)s.v.size()) { g_last_error = 5041; return 0; }
  return s.v[i];
}
inline string ShortToString(ushort c) { return std::u16string(1, char16_t(c)); }
inline string CharToString(uchar c) { return std::u16string(1, char16_t(c)); }
inline string StringSubstr(const string &s, int from, int n = -1) {
  if (from < 0 || from >= (int)s.v.size()) return string();
  return s.v.substr(from, n <= 0 ? std::u16string::npos : n);   // 0 and -1 both mean "to the end" in MQL5
}
inline int StringFind(const string &s, const string &what, int from = 0) {
  auto p = s.v.find(what.v, from < 0 ? 0 : from);
  return p == std::u16string::npos ? -1 : (int)p;
}
inline int StringReplace(string &s, const string &what, const string &by) {
  int n = 0;
  if (what.v.empty()) return 0;
  for (size_t p = 0; (p = s.v.find(what.v, p)) != std::u16string::npos; p += by.v.size(), n++) s.v.replace(p, what.v.size(), by.v);
  return n;
}
inline bool is_space(char16_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
inline int StringTrimLeft(string &s) { int n = 0; while (n < (int)s.v.size() && is_space(s.v[n])) n++; s.v.erase(0, n); return n; }
inline int StringTrimRight(string &s) { int n = 0; while (!s.v.empty() && is_space(s.v.back())) { s.v.pop_back(); n++; } return n; }
inline bool StringToUpper(string &s) { for (auto &c : s.v) if (c >= 'a' && c <= 'z') c -= 32; return true; }
inline bool StringToLower(string &s) { for (auto &c : s.v) if (c >= 'A' && c <= 'Z') c += 32; return true; }
inline int StringSplit(const string &s, ushort sep, Array<string> &out) {
  out.d.clear();
  if (s.v.empty()) return 0;
  size_t a = 0, b;
  while ((b = s.v.find(char16_t(sep), a)) != std::u16string::npos) { out.d.push_back(s.v.substr(a, b - a)); a = b + 1; }
  out.d.push_back(s.v.substr(a));
  return (int)out.d.size();
}
inline double StringToDouble(const string &s) { return strtod(s.u8().c_str(), 0); }
inline long StringToInteger(const string &s) { return strtol(s.u8().c_str(), 0, 10); }
inline string IntegerToString(long n, int len = 0, ushort fill = ' ') {
  std::u16string t = from_utf8(std::to_string(n));
  while ((int)t.size() < len) t.insert(t.begin(), char16_t(fill));
  return t;
}
inline string DoubleToString(double x, int digits = 8) { char b[400]; snprintf(b, sizeof b, "%.*f", digits < 0 ? 8 : digits, x); return b; }
inline string TimeToString(datetime t, int mode = TIME_DATE | TIME_MINUTES) {
  char b[40]; time_t v = t; tm m; gmtime_r(&v, &m);
  strftime(b, sizeof b, mode & TIME_SECONDS ? "%Y.%m.%d %H:%M:%S" : mode & TIME_MINUTES ? "%Y.%m.%d %H:%M" : "%Y.%m.%d", &m);
  return b;
}
inline std::string encode(const string &s, uint cp) {
  if (cp == CP_UTF8) return s.u8();
  std::string o;                                   // CP_ACP stands for a one-byte Western code page
  for (char16_t c : s.v) o += c < 256 ? char(c) : '?';
  return o;
}
template <class C> int StringToCharArray(const string &s, Array<C> &a, int start = 0, int count = -1, uint cp = CP_ACP) {
  static_assert(sizeof(C) == 1, "char or uchar array");
  std::string b = encode(s, cp);
  b += '\0';                                       // the terminal zero is copied as well
  int n = count < 0 ? (int)b.size() : std::min<int>(count, b.size());
  if ((int)a.d.size() < start + n) a.d.resize(start + n);
  for (int i = 0; i < n; i++) a.d[start + i] = C(b[i]);
  return n;
}
template <class C> string CharArrayToString(const Array<C> &a, int start = 0, int count = -1, uint cp = CP_ACP) {
  std::string b;
  for (int i = start; i < (int)a.d.size() && (count < 0 || i < start + count) && a.d[i]; i++) b += char(a.d[i]);
  if (cp == CP_UTF8) return string(b);
  std::u16string w;
  for (char c : b) w += char16_t(uchar(c));
  return w;
}

// ------------------------------------------------------------------ formatted output: a wrong type is an error here
struct Arg { char k; long i = 0; double d = 0; std::string s; };
inline Arg arg(const string &s) { return {'s', 0, 0, s.u8()}; }
inline Arg arg(const char *s) { return {'s', 0, 0, s}; }
inline Arg arg(double d) { return {'d', 0, d, ""}; }
inline Arg arg(float d) { return {'d', 0, d, ""}; }
template <class T, class = std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>>> Arg arg(T v) { return {sizeof(T) == 8 ? 'l' : 'i', (long)v, 0, ""}; }
inline std::string format(const std::string &f, std::vector<Arg> a) {
  std::string o;
  size_t n = 0;
  for (size_t i = 0; i < f.size(); i++) {
    if (f[i] != '%') { o += f[i]; continue; }
    if (f[i + 1] == '%') { o += '%'; i++; continue; }
    std::string spec = "%", size;
    for (i++; i < f.size() && strchr("-+0 #123456789.*", f[i]); i++) {
      if (f[i] == '*') critical("StringFormat: * is not used here");
      spec += f[i];
    }
    while (i < f.size() && (f[i] == 'h' || f[i] == 'l' || f[i] == 'I')) {
      if (f[i] == 'I') { size = f.substr(i, 3) == "I64" ? "ll" : ""; i += 3; } else size += f[i++];
    }
    char t = f[i];
    if (n >= a.size()) critical("StringFormat: too few arguments for \"" + f + "\"");
    Arg &x = a[n++];
    char b[600];
    if (strchr("diuxXoc", t)) {
      if (x.k != 'i' && x.k != 'l') critical("StringFormat: integer expected in \"" + f + "\"");
      if ((x.k == 'l') != (size == "ll")) critical("StringFormat: 64-bit argument and specifier disagree in \"" + f + "\"");
      snprintf(b, sizeof b, (spec + (t == 'c' ? "" : "l") + t).c_str(), x.k == 'l' || strchr("di", t) ? x.i : (long)(uint)x.i);
      o += b;
    } else if (strchr("eEfgG", t)) {
      if (x.k != 'd') critical("StringFormat: double expected in \"" + f + "\"");
      snprintf(b, sizeof b, (spec + t).c_str(), x.d);
      o += b;
    } else if (t == 's') {
      if (x.k != 's') critical("StringFormat: string expected in \"" + f + "\"");
      if (spec == "%") o += x.s;
      else { snprintf(b, sizeof b, (spec + t).c_str(), x.s.c_str()); o += b; }
    } else critical(std::string("StringFormat: %") + t);
  }
  if (n != a.size()) critical("StringFormat: too many arguments for \"" + f + "\"");
  return o;
}
template <class... A> string StringFormat(const string &f, const A &...a) { return format(f.u8(), {arg(a)...}); }
template <class... A> void PrintFormat(const string &f, const A &...a) { rpc("Print", string(format(f.u8(), {arg(a)...}))); }
template <class... A> void Print(const A &...a) { std::string l; ((l += show(a)), ...); rpc("Print", string(l)); }

