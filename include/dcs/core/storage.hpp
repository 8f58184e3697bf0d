// A counted block of memory on a device. The device is a type with an allocator and copies; a tensor's handle on a block is two words.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/allocator.hpp>
#include <dcs/core/counted.hpp>

#include <cstring>

DCS_EXACT_MATH
namespace dcs {
namespace cpu {

/// The host. A device is a type that offers allocate, deallocate, zero, fill and copies. Entry points of kernels take it first, softmax_forward(D{},
/// ...), and are found in its namespace: dcs::cpu for this one, dcs::cuda for the devices of cuda/device.hpp.
struct device {
  using self = device;
  static constexpr const char* name = "cpu";
  static void* allocate(std::int64_t bytes) { return host_allocator::get().allocate(bytes); }
  static void deallocate(void* p, std::int64_t bytes) noexcept { host_allocator::get().deallocate(p, bytes); }
  static void zero(void* p, std::int64_t bytes) {
    if (bytes > 0) std::memset(p, 0, static_cast<std::size_t>(bytes));
  }
  static void copy(void* to, const void* from, std::int64_t bytes) {
    if (bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }
  static void copy_from_host(void* to, const void* from, std::int64_t bytes) { copy(to, from, bytes); }
  static void copy_to_host(void* to, const void* from, std::int64_t bytes) { copy(to, from, bytes); }
};

}  // namespace cpu

using cpu_device = cpu::device;

/// Shared handle on a block of a device's memory.
class storage {
 public:
  constexpr storage() = default;

  template <class Device>
  static storage allocate(std::int64_t bytes) {
    storage s;
    // Before the device's memory, which would leak if this allocation threw.
    s.block_ = counted_ptr<block>(new block(&Device::deallocate, &cloned_on<Device>));
    s.block_->data = Device::allocate(bytes);
    s.block_->bytes = bytes;
    return s;
  }

  void* data() const { return block_ ? block_->data : nullptr; }
  std::int64_t bytes() const { return block_ ? block_->bytes : 0; }
  constexpr explicit operator bool() const { return static_cast<bool>(block_); }
  /// A copy of the bytes in memory of its own, on the same device; an empty handle gives an empty one.
  storage clone() const { return block_ ? block_->clone(*this) : storage(); }
  /// Whether the memory is the device's.
  template <class Device>
  bool on() const {
    return block_ && block_->deallocate == &Device::deallocate;
  }
  /// Whether this is the only handle: then its holder may write in place.
  bool unique() const { return block_.unique(); }
  friend bool operator==(const storage& a, const storage& b) { return a.block_ == b.block_; }

 private:
  struct block : counted {
    block(void (*free)(void*, std::int64_t) noexcept, storage (*copy)(const storage&)) : deallocate(free), clone(copy) {}
    block(const block&) = delete;
    block& operator=(const block&) = delete;
    ~block() {
      if (data) deallocate(data, bytes);
    }

    void* data = nullptr;
    std::int64_t bytes = 0;
    void (*deallocate)(void*, std::int64_t) noexcept;
    storage (*clone)(const storage&);
  };

  template <class Device>
  static storage cloned_on(const storage& from) {
    storage s = allocate<Device>(from.bytes());
    Device::copy(s.data(), from.data(), from.bytes());
    return s;
  }

  counted_ptr<block> block_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
