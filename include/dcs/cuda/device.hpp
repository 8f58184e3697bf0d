// Devices that run the kernels of the block interface. `cuda::emulated` runs them on the host (emulate.hpp): its memory is the host's, but its
// tensors are of another type than those of cpu_device, so that a network on it takes the same code path as on a GPU. cuda/device.cuh has
// `cuda::device`, the GPU.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>
#include <dcs/cuda/emulate.hpp>

#include <string>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs::cuda {

template <class T>
struct fill_kernel {
  static constexpr const char* name = "fill";
  static constexpr int threads = 256;
  device_span<T> y;
  arithmetic_t<T> value;

  std::int64_t blocks() const { return ceil_div(y.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto out = b.global(y, "y");
    if (b.index() < y.size) out.write(b.index(), value);
  }
};

/// The host in place of a GPU, for tests: every memory access of a kernel is checked, which takes a hundred times as long.
struct emulated {
  using self = emulated;
  static constexpr const char* name = "emulated cuda";
  static void* allocate(std::int64_t bytes) { return host_allocator::get().allocate(bytes); }
  static void deallocate(void* p, std::int64_t bytes) noexcept { host_allocator::get().deallocate(p, bytes); }
  static void zero(void* p, std::int64_t bytes) { cpu_device::zero(p, bytes); }
  static void copy(void* to, const void* from, std::int64_t bytes) { cpu_device::copy(to, from, bytes); }
  static void copy_from_host(void* to, const void* from, std::int64_t bytes) { cpu_device::copy(to, from, bytes); }
  static void copy_to_host(void* to, const void* from, std::int64_t bytes) { cpu_device::copy(to, from, bytes); }
  template <class T>
  static void fill(T* p, T value, std::int64_t n);
  /// How kernels are executed from now on, on every thread; tests vary the order. The order of threads differs between the launches of a thread: it
  /// is a function of the seed and the number of launches since the seed was set.
  static emulation& options() {
    static emulation o;
    return o;
  }
};

/// Memory that a kernel launch needs besides its result.
template <class T, class D>
class device_scratch {
 public:
  explicit device_scratch(std::int64_t count) : size_(count), memory_(dcs::detail::allocate_elements<T, D>(D::name, {count})) {}
  T* data() const { return static_cast<T*>(memory_.data()); }
  device_span<T> span() const { return {data(), size_}; }

 private:
  std::int64_t size_;
  storage memory_;
};

/// Memory of the device with elements of the host.
template <class D, class T>
device_scratch<T, D> uploaded(const std::vector<T>& values) {
  device_scratch<T, D> s(static_cast<std::int64_t>(values.size()));
  D::copy_from_host(s.data(), values.data(), static_cast<std::int64_t>(values.size() * sizeof(T)));
  return s;
}

/// Keeps memory alive for captured work (cuda/device.cuh); on a device without captures, does nothing.
inline void keep(emulated, const storage&) {}
/// Memory with `bytes` from the host, which is never written again.
inline storage constant(emulated, const void* from, std::int64_t bytes) {
  storage s = storage::allocate<emulated>(bytes);
  emulated::copy_from_host(s.data(), from, bytes);
  return s;
}

/// The kernels that this thread launches on cuda::emulated from now to the end of the scope, for tests of what fusion saves. Logs nest: each contains
/// the launches during its lifetime.
class launch_log {
 public:
  /// A kernel's name and how many blocks it had.
  struct entry {
    std::string kernel;
    std::int64_t blocks;
  };

  launch_log() : outer_(std::exchange(innermost(), this)) {}
  launch_log(const launch_log&) = delete;
  launch_log& operator=(const launch_log&) = delete;
  ~launch_log() { innermost() = outer_; }

  const std::vector<entry>& entries() const { return entries_; }
  /// The kernels in their order, with ", " between.
  std::string kernels() const {
    std::string all;
    for (const auto& e : entries_) all += (all.empty() ? "" : ", ") + e.kernel;
    return all;
  }
  /// Adds a launch to every log of this thread.
  static void note(const char* kernel, std::int64_t blocks) {
    for (auto* log = innermost(); log; log = log->outer_) log->entries_.push_back({kernel, blocks});
  }

 private:
  static launch_log*& innermost() {
    static thread_local launch_log* log = nullptr;
    return log;
  }
  launch_log* outer_;
  std::vector<entry> entries_;
};

namespace detail {
// The options of a thread's next launch.
inline emulation next_launch() {
  emulation o = emulated::options();
  static thread_local std::uint64_t seed = 0, launches = 0;
  if (std::exchange(seed, o.seed) != o.seed) launches = 0;
  const auto w = philox(o.seed, 0x6c61756e6368, launches++);
  o.seed = static_cast<std::uint64_t>(w[0]) << 32 | w[1];
  return o;
}
}  // namespace detail

/// Runs a kernel; does nothing where it has no blocks.
template <class Kernel>
void launch(emulated, const Kernel& kernel) {
  const std::int64_t blocks = kernel.blocks();
  if (blocks <= 0) return;
  launch_log::note(Kernel::name, blocks);
  emulate(kernel, detail::next_launch());
}
// On a GPU, device.cuh. Declared here because in a generic lambda nvcc 13.5 finds a function only if it is declared before, where no argument depends
// on the lambda's parameters.
struct device;
template <class Kernel>
void launch(device, const Kernel& kernel);

/// Calls body with a constant number of elements for an access: 16 bytes where `n`, a row's length, allows it, else one element.
template <class T, class Body>
void with_packets(std::int64_t n, const Body& body) {
  if (n % packet_size<T> == 0)
    body(std::integral_constant<int, packet_size<T>>{});
  else
    body(std::integral_constant<int, 1>{});
}

template <class T>
void emulated::fill(T* p, T value, std::int64_t n) {
  launch(emulated{}, fill_kernel<T>{{p, n}, static_cast<arithmetic_t<T>>(value)});
}

/// A device that runs kernels of the block interface.
template <class D>
concept gpu = requires(D d) {
  { D::name } -> std::convertible_to<const char*>;
}
&&!std::is_same_v<D, cpu_device>;

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
