// The processes of a program that mpirun or srun has started several times.
#pragma once

#include <dcs/train/communicator/communicator.hpp>

#include <functional>
#include <memory>

namespace programs {

/// This process among those that a launcher of MPI has started together; alone where there was none, or where the program is built without MPI. All
/// but the first are silent: their standard output and error go nowhere, but for the line about what ends them. One object a program.
class process_group {
 public:
  /// Throws dcs::error where a launcher has started several processes of a program that is built without MPI.
  process_group();
  process_group(const process_group&) = delete;
  process_group& operator=(const process_group&) = delete;
  ~process_group();

  dcs::any_communicator ranks() const { return ranks_; }
  /// Whether a launcher has started this process, be it alone.
  bool launched() const { return session_ != nullptr; }
  /// Calls f, and returns its exit code. An error of all processes is thrown in the first, and is exit code 1 in the others. One of this process
  /// alone ends all of them, after a line that names it and its cause. Alone it is thrown.
  int guarded(const std::function<int()>& f);

 private:
  void silence();
  [[noreturn]] void end_all(const std::string& cause);

  std::shared_ptr<void> session_;  // MPI's, while it is used
  dcs::any_communicator ranks_;
  int standard_error_ = 2;  // where this process's last line goes
};

}  // namespace programs
