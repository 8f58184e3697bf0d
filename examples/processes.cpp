#include "processes.hpp"

#include "session.hpp"

#if defined(DCS_MPI)
#include <dcs/interop/mpi.hpp>
#endif

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace programs {

process_group::process_group() {
#if defined(DCS_MPI)
  if (!dcs::mpi_session::launched()) return;
  session_ = std::make_shared<dcs::mpi_session>();
  ranks_ = dcs::mpi_communicator();
  if (ranks_.rank() > 0) silence();
#else
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (const char* size = std::getenv(variable); size && std::string(size) != "1")
      dcs::fail("started as ", size, " processes, but this program is built without MPI (Debian: libopenmpi-dev)");
#endif
}
process_group::~process_group() = default;

void process_group::silence() {
  standard_error_ = ::dup(2);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  dcs::expect(standard_error_ >= 0 && nowhere >= 0 && ::dup2(nowhere, 1) >= 0 && ::dup2(nowhere, 2) >= 0, "process ", ranks_.rank(), " of ",
              ranks_.size(), ": its output cannot be led to /dev/null");
  ::close(nowhere);
}

int process_group::guarded(const std::function<int()>& f) {
  if (ranks_.size() == 1) return f();
  try {
    return f();
  } catch (const dcs::agreed_error&) {
    if (ranks_.rank() == 0) throw;
    return 1;
  } catch (const std::bad_alloc&) {
    end_all("out of memory");
  } catch (const std::exception& e) {
    end_all(e.what());
  }
}

void process_group::end_all(const std::string& cause) {
  // All processes compute the same numbers from some points on, and may fail alike: the first then says so, and has ended the others by now.
  if (ranks_.rank() > 0) std::this_thread::sleep_for(std::chrono::seconds(1));
  ::dup2(standard_error_, 2);
  report("process " + std::to_string(ranks_.rank()) + " of " + std::to_string(ranks_.size()) + ": " + cause);
  ranks_.abort(cause);
  std::_Exit(1);
}

}  // namespace programs
