// Files, as every format of io/ and every program reads and writes them.
//
// Reading opens regular files alone: a FIFO or a device under a file's name is an error at once, not a wait without end. Every call is checked, and
// an error contains the system's message.
//
// Writing makes a file whole or not at all, also where the power fails: the bytes go to a new file beside it (created exclusively, so that neither a
// link nor another file of that name is overwritten), which is synced, closed and renamed over PATH, and then the folder is synced. Only POSIX calls
// are made, without buffers of stdio: each of them can fail, and is checked where it is made.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

DCS_EXACT_MATH
namespace dcs::io {

namespace detail {

// The system's message about the call that has just failed.
inline std::string system_words() { return std::generic_category().message(errno); }

// Throws: `who` cannot do `what` with `path`, for the reason that errno has. Not through expect(), whose arguments may be evaluated before the call.
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_call(const char* who, const char* what, const std::string& path) {
  const std::string words = system_words();
  fail(who, ": cannot ", what, " ", printable(path), ": ", words);
}

// An open descriptor, closed at the end of its scope. A call that a signal interrupted is made again.
class descriptor {
 public:
  descriptor() = default;
  descriptor(const std::string& path, int flags, mode_t mode = 0) {
    do fd_ = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    while (fd_ < 0 && errno == EINTR);
  }
  descriptor(descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  descriptor& operator=(descriptor&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  bool sync() const {
    int code = 0;
    do code = ::fsync(fd_);
    while (code != 0 && errno == EINTR);
    return code == 0;
  }
  /// Whether closing went well; a disk over a network may say only here that it is full.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0 || errno == EINTR; }

 private:
  int fd_ = -1;
};

}  // namespace detail

/// Makes renaming, creation and removal in a folder durable, also through a power failure. On file systems that cannot sync a folder it does nothing.
inline void sync_folder(const std::string& folder, const char* who) {
  const detail::descriptor d(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  if (!d) detail::refuse_call(who, "open the folder", folder.empty() ? "." : folder);
  if (!d.sync() && errno != EINVAL && errno != ENOTSUP) detail::refuse_call(who, "sync the folder", folder.empty() ? "." : folder);
}

/// A regular file, read from its beginning. `who` begins the messages of errors, as "dcs::npy".
class input_file {
 public:
  /// Throws dcs::error where there is no such file, it cannot be read, or it is a folder, FIFO, socket or device.
  input_file(std::string path, const char* who) : path_(std::move(path)), who_(who), file_(path_, O_RDONLY | O_NONBLOCK | O_NOCTTY) {
    if (!file_) detail::refuse_call(who_, "open", path_);
    struct stat s {};
    if (::fstat(file_.get(), &s) != 0) detail::refuse_call(who_, "examine", path_);
    expect(S_ISREG(s.st_mode), who_, ": ", printable(path_), " is ", S_ISDIR(s.st_mode) ? "a folder" : "a FIFO, socket or device",
           "; expected a file");
    size_ = s.st_size;
  }

  const std::string& path() const { return path_; }
  /// The size of the file in bytes, when it was opened.
  std::int64_t size() const { return size_; }
  /// The number of bytes that have not been read yet.
  std::int64_t left() const { return size_ - at_; }

  /// Up to `bytes` bytes; returns how many there were.
  std::int64_t read_some(void* to, std::int64_t bytes) {
    std::int64_t done = 0;
    while (done < bytes) {
      const auto n = ::read(file_.get(), static_cast<char*>(to) + done, static_cast<std::size_t>(bytes - done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) detail::refuse_call(who_, "read", path_);
      if (n == 0) break;
      done += n;
    }
    at_ += done;
    return done;
  }
  /// Exactly `bytes` bytes; throws dcs::error where the file ends before.
  void read(void* to, std::int64_t bytes) {
    const std::int64_t n = read_some(to, bytes);
    expect(n == bytes, who_, ": ", printable(path_), " is cut off: it ends at byte ", at_, ", ", bytes - n, " bytes too early");
  }

 private:
  std::string path_;
  const char* who_;
  detail::descriptor file_;
  std::int64_t size_ = 0, at_ = 0;
};

/// A file that is written under a temporary name and becomes PATH as a whole in commit(). A previous file PATH stays until then, and for good if
/// anything fails.
class output_file {
 public:
  /// Throws dcs::error where no file can be made in PATH's folder.
  output_file(std::string path, const char* who) : path_(std::move(path)), who_(who) {
    for (int attempt = 0; !file_ && attempt < 1000; ++attempt) {
      partial_ = path_ + "." + std::to_string(::getpid()) + "-" + std::to_string(attempt) + ".partial";
      file_ = detail::descriptor(partial_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
      if (!file_ && errno != EEXIST) break;
    }
    if (!file_) {
      partial_.clear();
      refuse();
    }
  }
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;
  ~output_file() {
    if (!partial_.empty()) ::unlink(partial_.c_str());
  }

  void write(const void* from, std::int64_t bytes) {
    for (std::int64_t done = 0; done < bytes;) {
      const auto n = ::write(file_.get(), static_cast<const char*>(from) + done, static_cast<std::size_t>(bytes - done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) refuse();
      done += n;
    }
  }
  void write(std::string_view text) { write(text.data(), static_cast<std::int64_t>(text.size())); }

  /// Syncs, closes, renames and syncs the folder.
  void commit() {
    if (!file_.sync()) refuse();
    if (!file_.close()) refuse();
    if (::rename(partial_.c_str(), path_.c_str()) != 0) refuse();
    partial_.clear();
    sync_folder(std::filesystem::path(path_).parent_path().string(), who_);
  }

 private:
  [[noreturn]] void refuse() const { detail::refuse_call(who_, "write", path_); }

  std::string path_, partial_;
  const char* who_;
  detail::descriptor file_;
};

/// The bytes of a file of at most `most` bytes.
inline std::string read_bytes(const std::string& path, const char* who, std::int64_t most) {
  input_file f(path, who);
  expect(f.size() <= most, who, ": ", printable(path), " has ", f.size(), " bytes; expected at most ", most);
  std::string bytes(static_cast<std::size_t>(f.size()), '\0');
  f.read(bytes.data(), f.size());
  return bytes;
}

/// Writes `bytes` as PATH, whole or not at all.
inline void write_bytes(const std::string& path, const char* who, std::string_view bytes) {
  output_file f(path, who);
  f.write(bytes);
  f.commit();
}

/// Makes a folder, with those above it, that lasts through a power failure. A folder that is there already is left as it is.
inline void create_folders(const std::string& folder, const char* who) {
  namespace fs = std::filesystem;
  const fs::path p = fs::path(folder).lexically_normal();
  if (p.empty() || fs::is_directory(p)) return;
  const fs::path parent = p.has_filename() ? p.parent_path() : p.parent_path().parent_path();
  if (!parent.empty() && parent != p) create_folders(parent.string(), who);
  if (::mkdir(p.c_str(), 0777) != 0) {
    const int error = errno;
    if (error != EEXIST || !fs::is_directory(p)) errno = error, detail::refuse_call(who, "make the folder", folder);
  }
  sync_folder(parent.string(), who);
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
