#include "failing_calls.hpp"

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr const char* names[] = {"open_read", "open_write", "read",   "write", "fsync", "close_read",    "close_write", "rename",
                                 "mkdir",     "link",       "unlink", "fstat", "flock", "aligned_alloc", "malloc",      "pthread_create"};
enum call {
  open_read,
  open_write,
  read_,
  write_,
  fsync_,
  close_read,
  close_write,
  rename_,
  mkdir_,
  link_,
  unlink_,
  fstat_,
  flock_,
  aligned,
  malloc_,
  thread,
  calls
};
static_assert(sizeof names / sizeof *names == calls);

struct descriptor {
  char path[256];
  bool writes;
};

// No memory is asked for here, and nothing needs a constructor: calls come before any has run. Set up by one thread; counted by all.
std::atomic<long> counts[calls];
std::atomic<bool> folder_reached;
std::atomic<int> failing = -1;
long fail_at;
int fail_error;
bool fail_onwards;
char folder[PATH_MAX];
int trace_file = -1;
descriptor descriptors[1024];

int number_of(const char* name) {
  for (int i = 0; i < calls; ++i)
    if (std::strcmp(names[i], name) == 0) return i;
  return -1;
}

template <class F>
F* next(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

[[gnu::constructor]] void read_environment() {
  if (const char* below = std::getenv("FAIL_FOLDER")) count_below(below);
  if (const char* path = std::getenv("FAIL_TRACE"))
    trace_file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666));
  char name[32], how[8];
  long at = 0;
  int error = 0;
  if (const char* what = std::getenv("FAIL_CALL"))
    if (std::sscanf(what, "%31s %ld %d %7s", name, &at, &error, how) == 4) fail_call(name, at, error, std::strcmp(how, "on") == 0);
}

// Whether a path, taken from the working directory, lies below the folder that counts; `full` becomes it.
bool counted_path(const char* path, char (&full)[PATH_MAX]) {
  if (!folder[0] || !path) return false;
  char here[PATH_MAX] = "";
  if (path[0] != '/' && syscall(SYS_getcwd, here, sizeof here) < 0) return false;
  if (static_cast<std::size_t>(std::snprintf(full, sizeof full, "%s%s%s", here, here[0] ? "/" : "", path)) >= sizeof full) return false;
  const std::size_t n = std::strlen(folder);
  return std::strncmp(full, folder, n) == 0 && (full[n] == '/' || full[n] == '\0');
}

// Counts a call; whether it is to fail, with errno set.
bool fails(call c, const char* path = "", const char* second = "") {
  if ((c == aligned || c == malloc_ || c == thread) && !folder_reached.load(std::memory_order_relaxed)) return false;
  if (c < aligned) folder_reached.store(true, std::memory_order_relaxed);
  const long n = counts[c].fetch_add(1) + 1;
  if (trace_file >= 0 && c != malloc_ && c != aligned) {
    char line[2 * PATH_MAX + 64];
    const int length = std::snprintf(line, sizeof line, "%s %ld %s%s%s\n", names[c], n, path, second[0] ? " " : "", second);
    if (syscall(SYS_write, trace_file, line, length) < 0) std::abort();
  }
  if (failing.load() != c || (fail_onwards ? n < fail_at : n != fail_at)) return false;
  errno = fail_error;
  return true;
}

descriptor* counted(int fd) { return fd >= 0 && fd < 1024 && descriptors[fd].path[0] ? &descriptors[fd] : nullptr; }

int open_at(int folder_fd, const char* path, int flags, mode_t mode) {
  char full[PATH_MAX];
  const bool counts_here = (folder_fd == AT_FDCWD || path[0] == '/') && counted_path(path, full);
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  if (counts_here && fails(writes ? open_write : open_read, full)) return -1;
  const int fd = static_cast<int>(syscall(SYS_openat, folder_fd, path, flags, mode));
  if (counts_here && fd >= 0 && fd < 1024 && std::strlen(full) < sizeof descriptors[fd].path)
    std::strcpy(descriptors[fd].path, full), descriptors[fd].writes = writes;
  return fd;
}
mode_t mode_of(int flags, va_list arguments) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0; }

std::FILE* open_stream(const char* function, const char* path, const char* mode) {
  char full[PATH_MAX];
  const bool counts_here = counted_path(path, full), writes = mode[0] != 'r' || std::strchr(mode, '+');
  if (counts_here && fails(writes ? open_write : open_read, full)) return nullptr;
  std::FILE* f = next<std::FILE*(const char*, const char*)>(function)(path, mode);
  const int fd = f ? fileno(f) : -1;
  if (counts_here && fd >= 0 && fd < 1024 && std::strlen(full) < sizeof descriptors[fd].path)
    std::strcpy(descriptors[fd].path, full), descriptors[fd].writes = writes;
  return f;
}

// Whether closing is to fail; the file counts as closed either way, as the system has it.
bool close_fails(int fd) {
  descriptor* d = counted(fd);
  if (!d) return false;
  const bool fail = fails(d->writes ? close_write : close_read, d->path);
  d->path[0] = '\0';
  return fail;
}

}  // namespace

extern "C" {

void fail_call(const char* name, long at, int error, bool onwards) {
  failing.store(-1);
  for (auto& c : counts) c.store(0);
  fail_at = at, fail_error = error, fail_onwards = onwards;
  if (at > 0) failing.store(number_of(name));
}
long calls_counted(const char* name) { return counts[number_of(name)].load(); }
void count_below(const char* path) { std::snprintf(folder, sizeof folder, "%s", path); }

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int folder_fd, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_at(folder_fd, path, flags, mode);
}
std::FILE* fopen(const char* path, const char* mode) { return open_stream("fopen", path, mode); }
std::FILE* fopen64(const char* path, const char* mode) { return open_stream("fopen64", path, mode); }

ssize_t read(int fd, void* to, std::size_t bytes) {
  const descriptor* d = counted(fd);
  return d && fails(read_, d->path) ? -1 : syscall(SYS_read, fd, to, bytes);
}
ssize_t write(int fd, const void* from, std::size_t bytes) {
  const descriptor* d = counted(fd);
  return d && fails(write_, d->path) ? -1 : syscall(SYS_write, fd, from, bytes);
}
int fsync(int fd) {
  const descriptor* d = counted(fd);
  return d && fails(fsync_, d->path) ? -1 : static_cast<int>(syscall(SYS_fsync, fd));
}
int fdatasync(int fd) {
  const descriptor* d = counted(fd);
  return d && fails(fsync_, d->path) ? -1 : static_cast<int>(syscall(SYS_fdatasync, fd));
}
int close(int fd) {
  const bool fail = close_fails(fd);
  const int error = errno, code = static_cast<int>(syscall(SYS_close, fd));
  if (!fail) return code;
  errno = error;
  return -1;
}
int fclose(std::FILE* f) {
  const bool fail = close_fails(fileno(f));
  const int error = errno, code = next<int(std::FILE*)>("fclose")(f);
  if (!fail) return code;
  errno = error;
  return EOF;
}
int closedir(DIR* d) {  // closes without close()
  close_fails(dirfd(d));
  return next<int(DIR*)>("closedir")(d);
}

int rename(const char* from, const char* to) {
  char full[PATH_MAX], full_to[PATH_MAX];
  if (counted_path(from, full) && counted_path(to, full_to) && fails(rename_, full, full_to)) return -1;
  return static_cast<int>(syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}
int mkdir(const char* path, mode_t mode) {
  char full[PATH_MAX];
  return counted_path(path, full) && fails(mkdir_, full) ? -1 : static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}
int link(const char* from, const char* to) {
  char full[PATH_MAX], full_to[PATH_MAX];
  if (counted_path(from, full) && counted_path(to, full_to) && fails(link_, full, full_to)) return -1;
  return static_cast<int>(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int unlink(const char* path) {
  char full[PATH_MAX];
  return counted_path(path, full) && fails(unlink_, full) ? -1 : static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}
int remove(const char* path) {
  char full[PATH_MAX];
  return counted_path(path, full) && fails(unlink_, full) ? -1 : next<int(const char*)>("remove")(path);
}
int fstat(int fd, struct stat* s) {
  const descriptor* d = counted(fd);
  return d && fails(fstat_, d->path) ? -1 : next<int(int, struct stat*)>("fstat")(fd, s);
}
int flock(int fd, int operation) {
  const descriptor* d = counted(fd);
  return d && fails(flock_, d->path) ? -1 : static_cast<int>(syscall(SYS_flock, fd, operation));
}

void* malloc(std::size_t bytes) {
  static void* (*real)(std::size_t);
  if (!real) real = next<void*(std::size_t)>("malloc");
  return fails(malloc_) ? nullptr : real(bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  static void* (*real)(std::size_t, std::size_t);
  if (!real) real = next<void*(std::size_t, std::size_t)>("aligned_alloc");
  return fails(aligned) ? nullptr : real(alignment, bytes);
}
int pthread_create(pthread_t* made, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  if (fails(thread)) return errno;
  return next<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create")(made, attributes, body, argument);
}

[[gnu::destructor]] static void trace_memory() {
  if (trace_file < 0) return;
  char line[128];
  const int length = std::snprintf(line, sizeof line, "malloc %ld\naligned_alloc %ld\n", counts[malloc_].load(), counts[aligned].load());
  if (syscall(SYS_write, trace_file, line, length) < 0) std::abort();
}
}
