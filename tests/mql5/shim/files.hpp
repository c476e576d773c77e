// Files in the sandbox MQL5/Files. The host is asked before each write, so that it can tear one.
#pragma once
#include "text.hpp"

// ------------------------------------------------------------------ files (MQL_FILES is the sandbox MQL5/Files)
struct OpenFile { FILE *f; int flags; std::string name; };
inline std::map<int, OpenFile> g_files;
inline std::string sandbox(const string &name) {
  std::string n = name.u8();
  for (char &c : n) if (c == '\\') c = '/';
  if (n.empty() || n[0] == '/' || n.find("..") != std::string::npos || n.find(':') != std::string::npos) return "";
  const char *root = getenv("MQL_FILES");
  return std::string(root ? root : ".") + "/" + n;
}
inline int FileOpen(const string &name, int flags, ushort = '\t', uint cp = CP_ACP) {
  std::string p = sandbox(name);
  if (p.empty()) { g_last_error = 5002; return INVALID_HANDLE; }
  if (!(flags & (FILE_BIN | FILE_TXT | FILE_CSV))) critical("FileOpen: say FILE_TXT or FILE_BIN");
  if ((flags & FILE_TXT) && (!(flags & FILE_ANSI) || cp != CP_UTF8)) critical("FileOpen: text files are FILE_ANSI with CP_UTF8 in this project");
  if (rl(rpc("FileOpen", name, flags)) != 0) { g_last_error = 5004; return INVALID_HANDLE; }
  FILE *f = nullptr;
  if ((flags & FILE_READ) && (flags & FILE_WRITE)) { f = fopen(p.c_str(), "r+b"); if (!f) f = fopen(p.c_str(), "w+b"); }
  else f = fopen(p.c_str(), flags & FILE_WRITE ? "wb" : "rb");
  if (!f) { g_last_error = flags & FILE_WRITE ? 5004 : 5019; return INVALID_HANDLE; }
  int h = 1;
  while (g_files.count(h)) h++;
  if (g_files.size() >= 64) critical("more than 64 files open");
  g_files[h] = {f, flags, name.u8()};
  return h;
}
inline OpenFile *file_of(int h) { auto i = g_files.find(h); if (i == g_files.end()) { g_last_error = 5007; return nullptr; } return &i->second; }
inline void FileClose(int h) { if (auto o = file_of(h)) { fclose(o->f); g_files.erase(h); } }
inline void FileFlush(int h) { if (auto o = file_of(h)) fflush(o->f); }
inline bool FileSeek(int h, long off, int origin) { auto o = file_of(h); return o && fseek(o->f, off, origin) == 0; }
// The host says how much of it reaches the disk: all (-1), a part (a full disk), or a part and then the end (a power cut).
inline uint FileWriteString(int h, const string &s, int = -1) {
  auto o = file_of(h);
  if (!o) return 0;
  if (!(o->flags & FILE_WRITE)) { g_last_error = 5009; return 0; }
  std::string b = s.u8();
  Fields f = rpc("FileWrite", o->name, (long)b.size());
  long n = rl(f) < 0 ? (long)b.size() : std::min<long>(rl(f), (long)b.size());
  size_t done = fwrite(b.data(), 1, n, o->f);
  if (rl(f, 1)) { fflush(o->f); _exit(137); }
  return (uint)done;
}
inline string FileReadString(int h, int = -1) {
  auto o = file_of(h);
  std::string b;
  for (int c; o && (c = fgetc(o->f)) != EOF && c != '\n';) b += char(c);
  if (!b.empty() && b.back() == '\r') b.pop_back();
  return b;
}
inline bool FileIsEnding(int h) { auto o = file_of(h); if (!o) return true; int c = fgetc(o->f); if (c == EOF) return true; ungetc(c, o->f); return false; }
inline bool FileIsExist(const string &n, int = 0) { return access(sandbox(n).c_str(), F_OK) == 0; }
inline bool FileDelete(const string &n, int = 0) { return unlink(sandbox(n).c_str()) == 0; }
inline bool FileMove(const string &a, int, const string &b, int mode) {
  if (!(mode & FILE_REWRITE) && FileIsExist(b)) { g_last_error = 5019; return false; }
  if (rl(rpc("FileMove", a, b)) != 0) { g_last_error = 5004; return false; }
  return rename(sandbox(a).c_str(), sandbox(b).c_str()) == 0;
}
