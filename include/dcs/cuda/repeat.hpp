// Work that is said once and done again and again, and memory that arrives meanwhile. On a device in general these are a call and a copy; on the GPU
// (graph.cuh) a graph that one launch replays, and copies from pinned memory on a stream of their own.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>

#include <functional>
#include <vector>

DCS_EXACT_MATH
namespace dcs::cuda {

/// Work that is repeated: the body is called each time.
template <class D>
class repeated_work {
 public:
  static constexpr bool captures = false;
  explicit repeated_work(std::function<void()> body) : body_(std::move(body)) {}
  void launch() const { body_(); }

 private:
  std::function<void()> body_;
};

/// A way for batches to a device: one is being sent while work reads the one that was received before it. All arrays of a batch are of the sizes that
/// the first had.
template <class D>
class arrivals {
 public:
  /// A copy of `bytes` at `from`, on the host, belongs to the batch that is being sent.
  void send(const void* from, std::int64_t bytes) {
    const auto* begin = static_cast<const std::byte*>(from);
    sent_.emplace_back(begin, begin + bytes);
  }
  /// Nothing more belongs to it.
  void close() {}
  /// The next array of the batch that was sent, for work that is launched after this call. Throws dcs::error where none was sent, or of another size.
  void receive(void* to, std::int64_t bytes) {
    expect(next_ < sent_.size() && static_cast<std::int64_t>(sent_[next_].size()) == bytes, "dcs::cuda::arrivals: ", bytes,
           " bytes are wanted; sent are ", next_ < sent_.size() ? sent_[next_].size() : 0);
    D::copy_from_host(to, sent_[next_++].data(), bytes);
  }
  /// The batch is received; another may be sent.
  void done() { sent_.clear(), next_ = 0; }

 private:
  std::vector<std::vector<std::byte>> sent_;
  std::size_t next_ = 0;
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
