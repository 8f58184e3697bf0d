// A line on a terminal that is written over: a bar that shows how far something is.
#pragma once

#include <dcs/core/header_begin.inl>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

#include <sys/ioctl.h>
#include <unistd.h>

DCS_EXACT_MATH
namespace dcs {

/// "BEFORE  [====>    ]  BEHIND" for a terminal of so many columns; the bar is filled to `share` (0 to 1), is left out where there is no room for one
/// of ten characters, and the line is never wider than the terminal.
inline std::string with_bar(const std::string& before, double share, const std::string& behind, int columns) {
  const int room = std::min(30, columns - 1 - static_cast<int>(before.size() + behind.size()) - 6);
  if (room < 10) return (before + "  " + behind).substr(0, static_cast<std::size_t>(std::max(columns - 1, 0)));
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * room);
  std::string bar(filled, '=');
  if (filled < static_cast<std::size_t>(room)) bar += '>';
  bar.resize(static_cast<std::size_t>(room), ' ');
  return before + "  [" + bar + "]  " + behind;
}
/// How many of all are done, as such a line.
inline std::string progress_bar(const std::string& what, std::int64_t done, std::int64_t all, int columns) {
  return with_bar(what, static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(all, 1)),
                  std::to_string(done) + "/" + std::to_string(all), columns);
}

/// A line of standard output that each call of show() overwrites, where that is a terminal; otherwise nothing is written.
class terminal_line {
 public:
  bool is_terminal() const { return terminal_; }
  /// The terminal's width; 80 where it is not known.
  static int columns() {
    winsize w{};
    return ::ioctl(1, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
  }
  /// Overwrites the line, with spaces where the one before was longer; an empty text erases it.
  void show(const std::string& text) {
    if (!terminal_ || (text.empty() && shown_ == 0)) return;
    std::printf("\r%s%s%s", text.c_str(), std::string(shown_ > text.size() ? shown_ - text.size() : 0, ' ').c_str(), text.empty() ? "\r" : "");
    std::fflush(stdout);
    shown_ = text.size();
  }

 private:
  bool terminal_ = isatty(1) != 0;
  std::size_t shown_ = 0;  // the length of the line on the terminal
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
