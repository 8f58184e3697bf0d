// The progress display of an epoch.
#pragma once

#include <dcs/core/header_begin.inl>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include <unistd.h>

DCS_EXACT_MATH
namespace dcs {

/// On a terminal one line that is overwritten; otherwise a plain line from time to time.
class progress_line {
 public:
  /// `before`: steps that were done before.
  explicit progress_line(std::string head, std::int64_t before = 0)
      : head_(std::move(head)), before_(before), terminal_(isatty(1) != 0), start_(clock::now()), last_(start_) {}
  void operator()(std::int64_t done, std::int64_t all, double loss, int batch) {
    const auto now = clock::now();
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const bool due = std::chrono::duration<double>(now - last_).count() > (terminal_ ? 0.2 : 30);
    if (!due && !(terminal_ && done == all)) return;
    last_ = now;
    std::printf("%s%s  %lld/%lld  loss %.4f  %.1f images/s  %.0f s left%s", terminal_ ? "\r" : "", head_.c_str(), static_cast<long long>(done),
                static_cast<long long>(all), loss, static_cast<double>((done - before_) * batch) / seconds,
                seconds / static_cast<double>(done - before_) * static_cast<double>(all - done), terminal_ ? "   " : "\n");
    std::fflush(stdout);
  }
  ~progress_line() {
    if (terminal_) std::printf("\r%79s\r", "");
  }

 private:
  using clock = std::chrono::steady_clock;
  std::string head_;
  std::int64_t before_;
  bool terminal_;
  clock::time_point start_, last_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
