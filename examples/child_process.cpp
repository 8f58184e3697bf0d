#include "child_process.hpp"

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/io/file.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

extern char** environ;

namespace programs {

namespace {

// What posix_spawn is told, freed at the end.
struct spawn_settings {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  spawn_settings(const std::string& folder, const std::string& log) {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawn_file_actions_addchdir_np(&files, folder.c_str());  // the last one: the log's path is this program's
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);
    // A child would inherit what is ignored: SIGPIPE while this program can be stopped, and SIGCHLD where who began it ignored that.
    sigset_t defaults;
    sigemptyset(&defaults), sigaddset(&defaults, SIGPIPE), sigaddset(&defaults, SIGCHLD);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  }
  spawn_settings(const spawn_settings&) = delete;
  spawn_settings& operator=(const spawn_settings&) = delete;
  ~spawn_settings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

// This program's environment without what a launcher of MPI has put there (as OMPI_COMM_WORLD_SIZE, PMI_RANK, PMIX_RANK): a child is a process by
// itself, and would otherwise take itself for one of those that were launched.
std::vector<char*> environment_of_child() {
  std::vector<char*> kept;
  for (char** variable = environ; *variable; ++variable) {
    const std::string_view text = *variable;
    if (!text.starts_with("OMPI_") && !text.starts_with("PMI_") && !text.starts_with("PMIX_")) kept.push_back(*variable);
  }
  kept.push_back(nullptr);
  return kept;
}

}  // namespace

child_end run_child(const std::string& program, const std::vector<std::string>& arguments, const std::string& folder, const std::string& log,
                    const dcs::stop_request& stop) {
  std::vector<std::string> texts{program};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& t : texts) pointers.push_back(t.data());
  pointers.push_back(nullptr);
  const spawn_settings settings(folder.empty() ? "." : folder, log);
  const std::vector<char*> environment = environment_of_child();
  std::signal(SIGCHLD, SIG_DFL);  // where it is ignored, the system keeps no child's exit code
  pid_t child = 0;
  const int wrong = ::posix_spawn(&child, program.c_str(), &settings.files, &settings.attributes, pointers.data(), environment.data());
  dcs::expect(wrong == 0, dcs::printable(program), ": cannot be started with the log ", dcs::printable(log), ": ",
              std::generic_category().message(wrong));
  // Looked at from time to time: a signal that asks this program to stop interrupts no call that waits (stop_on_signals).
  bool told = false;
  int status = 0;
  for (pid_t ended = 0; (ended = ::waitpid(child, &status, WNOHANG)) != child;) {
    if (ended < 0 && errno != EINTR) dcs::fail(dcs::printable(program), ": how it ended is not known: ", std::generic_category().message(errno));
    if (stop && !told) ::kill(child, stop.reason()), told = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
}

std::string sibling_program(const std::string& name) {
  namespace fs = std::filesystem;
  const fs::path path = fs::read_symlink("/proc/self/exe").parent_path() / name;
  dcs::expect(fs::exists(path), dcs::printable(path.string()), ": is not there; dcs_grid runs the programs of its own folder");
  return path.string();
}

}  // namespace programs
