// Enough of MQL5 to build and run an Expert Advisor as C++17. This file: inputs and the event loop.
#pragma once
#include "terminal.hpp"

// ------------------------------------------------------------------ inputs and the event loop
inline std::map<std::string, std::string> &input_values() {
  static std::map<std::string, std::string> m;      // MQL_INPUTS: name=value, one a line
  static bool once = [] {
    std::string all = getenv("MQL_INPUTS") ? getenv("MQL_INPUTS") : "", l;
    for (size_t a = 0, b; a < all.size(); a = b + 1) {
      b = std::min(all.find('\n', a), all.size());
      l = all.substr(a, b - a);
      if (size_t e = l.find('='); e != std::string::npos) m[l.substr(0, e)] = l.substr(e + 1);
    }
    return true;
  }();
  (void)once;
  return m;
}
struct MqlInput {
  template <class T> MqlInput(const char *n, T &v) {
    auto i = input_values().find(n);
    if (i == input_values().end()) return;
    if constexpr (std::is_same_v<T, string>) v = string(i->second);
    else if constexpr (std::is_floating_point_v<T>) v = strtod(i->second.c_str(), 0);
    else v = T(strtol(i->second.c_str(), 0, 10));
  }
};
// The number of the planted mistake that is switched on; see mutants.py.
inline bool Mutant(int n) {
  static const int on = getenv("MQL_MUTANT") ? atoi(getenv("MQL_MUTANT")) : 0;
  return on == n;
}
int OnInit();
void OnDeinit(const int reason);
void OnTimer();
int main() {
  feenableexcept(FE_DIVBYZERO);                      // "zero divide" ends an MQL5 program, for doubles as well
  for (std::string l; read_line(l);) {
    std::string out = "!";
    try {
      if (l == "OnInit") out += std::to_string(OnInit());
      else if (l == "OnTimer") OnTimer();
      else if (l.compare(0, 8, "OnDeinit") == 0) { OnDeinit(atoi(l.c_str() + 8)); }
      else if (l == "exit") return 0;
    } catch (MqlCritical &e) { puts(("!critical: " + e.what).c_str()); fflush(stdout); return 3; }
    puts(out.c_str()); fflush(stdout);
  }
}
