// Warnings: input that is accepted, but may have been meant differently, such as a mask with very small objects. A warning has a kind and the file
// that it is about. Warnings of one kind are counted, so that a data set with a thousand such files gives one line with their number instead of a
// thousand lines.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// A warning about a file.
struct warning {
  std::string kind;  ///< the same for all warnings of one sort, as "JPEG files with damage that the decoder mended"
  std::string file;
  std::string text;  ///< what it is in this file
};

/// Every warning of the process; threads may add to it at once.
class warning_log {
 public:
  /// The warnings of one kind: the first of them, and the number of files that have had one.
  struct entry {
    warning first;
    std::int64_t files = 0;
  };
  /// Called once for each file of a kind, on the thread that adds the warning, one call at a time; it must not add warnings itself.
  using handler = std::function<void(const warning&, std::int64_t files)>;

  static warning_log& get() {
    static warning_log log;
    return log;
  }
  /// Sets the handler of warnings. The initial one writes the first warning of each kind to stderr.
  void set_handler(handler h) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(h);
  }
  /// A file that has had a warning of this kind is not counted again.
  void add(const warning& w) {
    const std::lock_guard lock(mutex_);
    if (!seen_.emplace(w.kind, w.file).second) return;
    entry& e = entry_of(w);
    ++e.files;
    if (handler_) handler_(w, e.files);
  }
  /// Kinds in the order in which they first appeared.
  std::vector<entry> entries() const {
    const std::lock_guard lock(mutex_);
    return entries_;
  }
  /// Forgets all warnings; the handler stays.
  void clear() {
    const std::lock_guard lock(mutex_);
    entries_.clear(), seen_.clear();
  }

 private:
  static void write_first(const warning& w, std::int64_t files) {
    if (files == 1) std::fprintf(stderr, "dcs: warning: %s: %s\n", printable(w.file).c_str(), printable(w.text).c_str());
  }
  entry& entry_of(const warning& w) {
    for (entry& e : entries_)
      if (e.first.kind == w.kind) return e;
    return entries_.emplace_back(entry{w, 0});
  }

  mutable std::mutex mutex_;
  handler handler_ = &write_first;
  std::vector<entry> entries_;
  std::set<std::pair<std::string, std::string>> seen_;
};

/// Adds to the log: `file`'s `text` is a case of `kind`.
inline void warn(std::string kind, std::string file, std::string text) {
  warning_log::get().add({std::move(kind), std::move(file), std::move(text)});
}

/// The handler of notices. A notice says that the program does something else than was asked for; it is shown at once and not counted. The initial
/// handler writes a line to stderr. Within a module of a network the module's path stands before it, as in an error.
inline std::function<void(const std::string&)>& notice_handler() {
  static std::function<void(const std::string&)> handler = [](const std::string& text) {
    std::fputs(("dcs: warning: " + printable(text) + "\n").c_str(), stderr);
  };
  return handler;
}
inline void notice(const std::string& text) { notice_handler()(detail::running_path() + text); }

}  // namespace dcs

#include <dcs/core/header_end.inl>
