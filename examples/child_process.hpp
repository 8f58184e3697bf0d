// Other programs, started as children of this one.
#pragma once

#include <dcs/train/run/stop.hpp>

#include <string>
#include <vector>

namespace programs {

/// How a child ended: its exit code, or 128 and the signal that ended it.
struct child_end {
  int code = 0;
  bool ok() const { return code == 0; }
};

/// Runs a program to its end with these arguments in a folder; what it prints is appended to the file `log`. When `stop` is asked for, the child is
/// sent SIGINT once (dcs_train then writes a checkpoint), and its end is waited for. It is in a process group of its own: a terminal's Ctrl-C reaches
/// it through `stop` alone, once. It does not inherit the variables by which a launcher of MPI tells a process that it is one of several. Throws
/// dcs::error where it cannot be started, the log cannot be written, or the system does not say how it ended. SIGCHLD has its default action from
/// then on.
child_end run_child(const std::string& program, const std::vector<std::string>& arguments, const std::string& folder, const std::string& log,
                    const dcs::stop_request& stop);

/// The path of another program in the folder of this one. Throws dcs::error where there is none.
std::string sibling_program(const std::string& name);

}  // namespace programs
