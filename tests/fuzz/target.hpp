// What every fuzz target shares. A target is a file of this folder that ends in
//
//   DCS_FUZZ_TARGET(name) { ...what `bytes` must not break...; }
//
// With DCS_FUZZER it is a program of libFuzzer's (docs/fuzzing.md). Without, all targets are in one program, which replays the corpora (replay.cpp).
#pragma once

#include <dcs/core/error.hpp>
#include <dcs/core/warning.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

namespace fuzz {

using target = void (*)(std::string_view bytes);

/// The targets of this program by their names, which are those of their files and of their folders in corpus/.
inline std::map<std::string, target>& targets() {
  static std::map<std::string, target> all;
  return all;
}

/// Ends the program where a property does not hold: to a fuzzer that is a crash, with the input that leads to it.
inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

/// A file without a name in a file system: a reader of files is fuzzed without a disk.
class memory_file {
 public:
  memory_file() : fd_(::memfd_create("fuzz", 0)) { check(fd_ >= 0, "a file in memory can be made"); }
  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;
  ~memory_file() { ::close(fd_); }
  /// The path of the file, which now holds `bytes`.
  std::string with(std::string_view bytes) const {
    check(::ftruncate(fd_, 0) == 0 && ::pwrite(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()), "a file is written");
    return "/proc/self/fd/" + std::to_string(fd_);
  }

 private:
  int fd_;
};

/// A folder of its own for the targets that read folders, in memory where the system has such a file system; removed at the end.
class scratch_folder {
 public:
  scratch_folder() {
    const char* place = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    std::string name = std::string(place) + "/dcs_fuzz_XXXXXX";
    check(::mkdtemp(name.data()) != nullptr, "a folder can be made");
    path_ = name;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code left_behind;
    std::filesystem::remove_all(path_, left_behind);
  }
  std::string operator/(const char* name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  /// Writes a file without syncing it, which would take longer than what is fuzzed. Its path.
  std::string with(const char* name, std::string_view bytes) const {
    const std::string path = *this / name;
    std::FILE* f = std::fopen(path.c_str(), "wb");
    check(f != nullptr && (bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), f) == bytes.size()) && std::fclose(f) == 0,
          "a file is written");
    return path;
  }

 private:
  std::string path_;
};

/// Calls f, which may refuse its input by a dcs::error. Any other exception goes on, and is a fault. Whether f accepted it.
template <class F>
bool accepts(const F& f) {
  try {
    f();
    return true;
  } catch (const dcs::error&) {
    return false;
  }
}

inline bool add(const char* name, target t) {
  dcs::warning_log::get().set_handler(nullptr);  // a warning for every other input says nothing
  dcs::notice_handler() = [](const std::string&) {};
  return targets().emplace(name, t).second;
}

}  // namespace fuzz

#if defined(DCS_FUZZER)
#define DCS_FUZZ_ENTRY(name)                                                          \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    fuzz_##name(std::string_view(reinterpret_cast<const char*>(data), size));         \
    return 0;                                                                         \
  }
#else
#define DCS_FUZZ_ENTRY(name)
#endif
#define DCS_FUZZ_TARGET(name)                                                      \
  static void fuzz_##name(std::string_view bytes);                                 \
  [[maybe_unused]] static const bool added_##name = fuzz::add(#name, fuzz_##name); \
  DCS_FUZZ_ENTRY(name)                                                             \
  static void fuzz_##name(std::string_view bytes)
