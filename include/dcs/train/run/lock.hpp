// A lock on a run's folder, which one process may write at a time: files of two would be mixed.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/printable.hpp>
#include <dcs/core/warning.hpp>
#include <dcs/io/file.hpp>

#include <csignal>
#include <string>

#include <sys/file.h>

DCS_EXACT_MATH
namespace dcs {

/// Locks a folder from construction to destruction, by flock on its file `.lock`, which contains the process's id. The system releases the lock when
/// the process ends, however it ends, so that a `.lock` which a killed process left behind blocks no other process. Programs that the process starts
/// do not inherit it.
class run_lock {
 public:
  /// Throws error where another process has locked the folder, or the file cannot be created. Where the file system has no locks this is a warning.
  explicit run_lock(const std::string& folder) : path_(folder + "/.lock") {
    // A process that releases the lock removes the file. Another that had opened it before would then lock a file that no longer has a name, which
    // does not exclude others; it tries again.
    for (int attempt = 0; attempt < 1000; ++attempt) {
      file_ = io::detail::descriptor(path_, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666);
      if (!file_) io::detail::refuse_call("dcs::run", "open", path_);
      struct stat s {};
      expect(::fstat(file_.get(), &s) == 0 && S_ISREG(s.st_mode), "dcs::run: ", path_, " is no file; it keeps a second process out of the run");
      if (!acquire(folder) || is_named()) {
        const std::string text = std::to_string(::getpid()) + "\n";
        // The file's contents are only for the error message of another process: failing to write them, as on a full disk, does not matter.
        if (::ftruncate(file_.get(), 0) == 0) (void)!::pwrite(file_.get(), text.data(), text.size(), 0);
        held_ = true;
        return;
      }
    }
    fail("dcs::run: ", path_, " vanishes again and again");
  }
  run_lock(const run_lock&) = delete;
  run_lock& operator=(const run_lock&) = delete;
  ~run_lock() {
    if (held_) ::unlink(path_.c_str());
  }

 private:
  // Whether the lock was acquired; false where the file system has no locks.
  bool acquire(const std::string& folder) const {
    while (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      const int reason = errno;
      if (reason == EWOULDBLOCK) fail(folder, ": ", holder(), " is training in this folder; a run belongs to one process at a time");
      notice(folder + ": nothing keeps a second process out of it: " + std::generic_category().message(reason));
      return false;
    }
    return true;
  }
  bool is_named() const {
    struct stat opened {
    }, named{};
    return ::fstat(file_.get(), &opened) == 0 && ::lstat(path_.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
  }
  std::string holder() const {
    char text[32] = {};
    const auto n = ::pread(file_.get(), text, sizeof text - 1, 0);
    std::string number(text, n > 0 ? static_cast<std::size_t>(n) : 0);
    number = number.substr(0, number.find_first_not_of("0123456789"));
    return number.empty() ? "another process" : "process " + number;
  }

  std::string path_;
  io::detail::descriptor file_;
  bool held_ = false;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
