// MPI as a communicator: processes that mpirun or srun has started, on one machine or several. Needs an MPI library, and is included by name.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/train/communicator/communicator.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include <mpi.h>

DCS_EXACT_MATH
namespace dcs {

/// MPI from construction to destruction, in a process that nothing else uses MPI in: one object a process, before its threads. One thread at a time
/// may use its communicators (MPI_THREAD_SERIALIZED).
class mpi_session {
 public:
  /// Whether a launcher of MPI has started this process; one that was started by itself needs no MPI.
  static bool launched() {
    for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"})
      if (std::getenv(variable)) return true;
    return false;
  }
  /// Throws dcs::error where MPI does not begin, or has not the support for threads.
  mpi_session() {
    int provided = 0;
    expect(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided) == MPI_SUCCESS, "dcs::mpi_session: MPI_Init_thread failed");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    expect(provided >= MPI_THREAD_SERIALIZED, "dcs::mpi_session: this MPI supports threads at level ", provided, "; expected MPI_THREAD_SERIALIZED, ",
           MPI_THREAD_SERIALIZED);
  }
  mpi_session(const mpi_session&) = delete;
  mpi_session& operator=(const mpi_session&) = delete;
  /// Waits for the other processes to end too.
  ~mpi_session() { MPI_Finalize(); }
};

/// This process among those of an MPI communicator. The mpi_session must outlive it.
class mpi_communicator {
 public:
  explicit mpi_communicator(MPI_Comm c = MPI_COMM_WORLD) : comm_(c) {
    check("MPI_Comm_rank", MPI_Comm_rank(comm_, &rank_));
    check("MPI_Comm_size", MPI_Comm_size(comm_, &size_));
  }
  int rank() const { return rank_; }
  int size() const { return size_; }
  void broadcast(void* data, std::int64_t bytes, int root) { check("MPI_Bcast", MPI_Bcast(data, count("broadcast", bytes), MPI_BYTE, root, comm_)); }
  void all_gather(const void* mine, void* all, std::span<const std::int64_t> bytes) {
    const auto b = pieces("all_gather", bytes);
    check("MPI_Allgatherv",
          MPI_Allgatherv(mine, b.counts[static_cast<std::size_t>(rank_)], MPI_BYTE, all, b.counts.data(), b.begins.data(), MPI_BYTE, comm_));
  }
  void all_to_all(const void* send, std::span<const std::int64_t> to, void* receive, std::span<const std::int64_t> from) {
    const auto s = pieces("all_to_all", to), r = pieces("all_to_all", from);
    check("MPI_Alltoallv",
          MPI_Alltoallv(send, s.counts.data(), s.begins.data(), MPI_BYTE, receive, r.counts.data(), r.begins.data(), MPI_BYTE, comm_));
  }
  void all_reduce(float* values, std::int64_t n) { reduce(values, n, MPI_FLOAT); }
  void all_reduce(double* values, std::int64_t n) { reduce(values, n, MPI_DOUBLE); }
  void barrier() { check("MPI_Barrier", MPI_Barrier(comm_)); }
  /// Ends all processes of the communicator, this one with exit code 1: it does not return. Say the cause before, as MPI does not.
  void abort(const std::string&) { MPI_Abort(comm_, 1); }

 private:
  struct counts_and_begins {
    std::vector<int> counts, begins;
  };
  // MPI counts in int.
  static int count(const char* what, std::int64_t bytes) {
    expect(bytes <= std::numeric_limits<int>::max(), "dcs::mpi_communicator::", what, ": ", bytes, " bytes in one message; expected at most ",
           std::numeric_limits<int>::max());
    return static_cast<int>(bytes);
  }
  static counts_and_begins pieces(const char* what, std::span<const std::int64_t> bytes) {
    counts_and_begins p;
    std::int64_t begin = 0;
    for (const std::int64_t b : bytes) {
      p.counts.push_back(count(what, b)), p.begins.push_back(count(what, begin));
      begin += b;
    }
    return p;
  }
  template <class T>
  void reduce(T* values, std::int64_t n, MPI_Datatype type) {
    // In pieces, as MPI counts in int.
    constexpr std::int64_t most = std::int64_t{1} << 28;
    for (std::int64_t begin = 0; begin < n; begin += most)
      check("MPI_Allreduce", MPI_Allreduce(MPI_IN_PLACE, values + begin, static_cast<int>(std::min(most, n - begin)), type, MPI_SUM, comm_));
  }
  static void check(const char* call, int code) {
    if (code == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING] = {};
    int length = 0;
    MPI_Error_string(code, text, &length);
    fail("dcs::mpi_communicator: ", call, ": ", std::string(text, static_cast<std::size_t>(length)));
  }

  MPI_Comm comm_;
  int rank_ = 0, size_ = 1;
};
static_assert(communicator<mpi_communicator>);

}  // namespace dcs

#include <dcs/core/header_end.inl>
