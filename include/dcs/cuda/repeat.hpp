// Work that is defined once and repeated, and batches that are copied to the device while it runs. In general these are a call and a copy; on the GPU
// (graph.cuh) a graph that one launch replays, and copies from pinned memory on a second stream.
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

/// Sends batches to a device: one can be sent while work reads the batch that was received before. All batches have arrays of the same sizes as the
/// first.
template <class D>
class arrivals {
 public:
  /// Adds a copy of `bytes` at `from`, on the host, to the batch that is being sent.
  void send(const void* from, std::int64_t bytes) {
    const auto* begin = static_cast<const std::byte*>(from);
    sent_.emplace_back(begin, begin + bytes);
  }
  /// The batch is complete.
  void close() {}
  /// Copies the next array of the batch that was sent to `to`, for work that is launched after this call. Throws dcs::error where none was sent, or
  /// of another size.
  void receive(void* to, std::int64_t bytes) {
    expect(next_ < sent_.size() && static_cast<std::int64_t>(sent_[next_].size()) == bytes, "dcs::cuda::arrivals: ", bytes,
           " bytes are to be received, but the bytes sent are ", next_ < sent_.size() ? sent_[next_].size() : 0);
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
