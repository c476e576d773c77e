// The types of MQL5: UTF-16 strings, arrays with bounds, and calls to the host process.
#pragma once
#include <algorithm>
#include <cfenv>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <map>
#include <string>
#include <sys/types.h>
#include <type_traits>
#include <unistd.h>
#include <vector>

// ------------------------------------------------------------------ types
using uchar = unsigned char;
typedef long datetime;   // 8 bytes on LP64, as in MQL5
typedef uint color;
static_assert(sizeof(long) == 8 && sizeof(int) == 4 && char(-1) < 0, "MQL5 sizes");

struct MqlCritical { std::string what; };
[[noreturn]] inline void critical(const std::string &w) { throw MqlCritical{w}; }

inline std::u16string from_utf8(const std::string &s) {
  std::u16string o;
  for (size_t i = 0; i < s.size();) {
    uchar c = s[i];
    int n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 0;
    if (!n || i + n > s.size()) { o += u'\xFFFD'; i++; continue; }
    uint32_t v = n == 1 ? c : c & (0xFF >> (n + 1));
    for (int k = 1; k < n; k++) v = v << 6 | (s[i + k] & 0x3F);
    if (v > 0xFFFF) { v -= 0x10000; o += char16_t(0xD800 + (v >> 10)); o += char16_t(0xDC00 + (v & 0x3FF)); }
    else o += char16_t(v);
    i += n;
  }
  return o;
}
inline std::string to_utf8(const std::u16string &s) {
  std::string o;
  for (size_t i = 0; i < s.size(); i++) {
    uint32_t v = s[i];
    if (v >= 0xD800 && v < 0xDC00 && i + 1 < s.size()) v = 0x10000 + ((v - 0xD800) << 10) + (s[++i] - 0xDC00);
    if (v < 0x80) o += char(v);
    else if (v < 0x800) { o += char(0xC0 | v >> 6); o += char(0x80 | (v & 63)); }
    else if (v < 0x10000) { o += char(0xE0 | v >> 12); o += char(0x80 | (v >> 6 & 63)); o += char(0x80 | (v & 63)); }
    else { o += char(0xF0 | v >> 18); o += char(0x80 | (v >> 12 & 63)); o += char(0x80 | (v >> 6 & 63)); o += char(0x80 | (v & 63)); }
  }
  return o;
}

// UTF-16 string. No conversion from or to a number, on purpose: MetaEditor warns (180, 181), here it does not build.
struct string {
  std::u16string v;
  string() {}
  string(const char *s) : v(s ? from_utf8(s) : std::u16string()) {}
  string(const std::string &s) : v(from_utf8(s)) {}
  string(std::u16string s) : v(std::move(s)) {}
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>> string(T) = delete;
  std::string u8() const { return to_utf8(v); }
  string &operator+=(const string &o) { v += o.v; return *this; }
  ushort operator[](int i) const { if (i < 0 || i >= (int)v.size()) critical("string index"); return v[i]; }
  friend string operator+(string a, const string &b) { a.v += b.v; return a; }
  friend bool operator==(const string &a, const string &b) { return a.v == b.v; }
  friend bool operator!=(const string &a, const string &b) { return a.v != b.v; }
  friend bool operator<(const string &a, const string &b) { return a.v < b.v; }
  friend bool operator>(const string &a, const string &b) { return a.v > b.v; }
};

template <class T> struct Array {       // dynamic array; out of range ends the program, as in the terminal
  std::vector<T> d;
  bool fixed = false, series = false;
  Array() {}
  Array(std::initializer_list<T> l) : d(l) {}
  T &operator[](long i) { return d[at(i)]; }
  const T &operator[](long i) const { return d[at(i)]; }
  size_t at(long i) const {
    if (i < 0 || i >= (long)d.size()) critical("array out of range");
    return series ? d.size() - 1 - i : i;
  }
};
template <> struct Array<bool>;          // vector<bool> has no references
template <class T, int N> struct FixedArray : Array<T> { FixedArray() { this->d.resize(N); this->fixed = true; } };

// ------------------------------------------------------------------ host
using Fields = std::vector<std::string>;
inline int g_last_error = 0;
inline std::string esc(const std::string &s) {
  std::string o;
  for (char c : s) o += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\x1f' ? "\\u" : std::string(1, c);
  return o;
}
inline Fields split_line(const std::string &l) {
  Fields f(1);
  for (size_t i = 0; i < l.size(); i++)
    if (l[i] == '\x1f') f.emplace_back();
    else if (l[i] == '\\' && i + 1 < l.size()) { char c = l[++i]; f.back() += c == 'n' ? '\n' : c == 'u' ? '\x1f' : '\\'; }
    else f.back() += l[i];
  return f;
}
inline bool read_line(std::string &l) {
  l.clear();
  for (int c; (c = getchar()) != EOF;) { if (c == '\n') return true; l += char(c); }
  return false;
}
inline std::string show(const string &s) { return s.u8(); }
inline std::string show(const char *s) { return s; }
inline std::string show(double x) { char b[40]; snprintf(b, sizeof b, "%.17g", x); return b; }
template <class T, class = std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>>> std::string show(T x) {
  return std::is_unsigned_v<T> ? std::to_string((unsigned long)x) : std::to_string((long)x);
}
template <class... A> Fields rpc(const char *name, const A &...a) {
  std::string l = std::string("?") + name;
  ((l += "\x1f" + esc(show(a))), ...);
  puts(l.c_str()); fflush(stdout);
  if (!read_line(l)) _exit(9);           // host is gone
  Fields f = split_line(l);              // error, value...
  if (f[0] != "0") g_last_error = atoi(f[0].c_str());
  f.erase(f.begin());
  return f;
}
inline long rl(const Fields &f, size_t i = 0) { return i < f.size() ? strtol(f[i].c_str(), 0, 10) : 0; }
inline ulong ru(const Fields &f, size_t i = 0) { return i < f.size() ? strtoul(f[i].c_str(), 0, 10) : 0; }
inline double rd(const Fields &f, size_t i = 0) { return i < f.size() ? strtod(f[i].c_str(), 0) : 0.0; }
inline string rs(const Fields &f, size_t i = 0) { return i < f.size() ? string(f[i]) : string(); }
