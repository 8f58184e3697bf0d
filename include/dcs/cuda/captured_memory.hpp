// Memory for intermediate results of captured work. A graph runs in the order of its capture, so a block that is freed during the capture can be
// reused by work that is captured later. The memory comes from large chunks that are allocated outside the capture: an allocation within it would
// become a node of the graph, one for each kernel, and its memory could be freed only within the graph. This class manages address ranges alone and
// needs no GPU.
#pragma once

#include <dcs/core/header_begin.inl>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

DCS_EXACT_MATH
namespace dcs::cuda {

class captured_memory {
 public:
  /// more(bytes): a chunk of memory, aligned to 512 bytes, that stays as long as this object.
  explicit captured_memory(std::function<void*(std::int64_t)> more) : more_(std::move(more)) {}
  captured_memory(const captured_memory&) = delete;
  captured_memory& operator=(const captured_memory&) = delete;

  static constexpr std::int64_t alignment = 512, chunk = std::int64_t{256} << 20;

  /// `bytes`, at least 1, from the smallest gap that has them, or from a chunk of their own.
  void* allocate(std::int64_t bytes) {
    const std::int64_t size = (bytes + alignment - 1) / alignment * alignment;
    auto gap = gaps_.lower_bound(size);
    if (gap == gaps_.end()) {
      const std::int64_t length = std::max(size, chunk);
      auto* begin = static_cast<std::byte*>(more_(length));
      blocks_[begin] = {length, begin, false};
      gap = gaps_.emplace(length, begin);
    }
    const auto [length, begin] = *gap;
    gaps_.erase(gap);
    block& taken = blocks_[begin];
    taken.size = size, taken.used = true;
    if (length > size) add_gap(begin + size, length - size, taken.chunk);
    ++used_;
    return begin;
  }
  /// Whether an address is of a chunk.
  bool has(const void* p) const {
    const auto next = blocks_.upper_bound(at(p));
    return next != blocks_.begin() && at(p) < std::prev(next)->first + std::prev(next)->second.size;
  }
  /// Takes back a block that allocate returned.
  void release(const void* p) {
    auto first = blocks_.find(at(p));
    std::byte* const of = first->second.chunk;
    auto end = std::next(first);
    const auto joins = [&](const auto& b) { return b->second.chunk == of && !b->second.used; };
    if (end != blocks_.end() && joins(end)) gaps_.erase(find_gap(end++));
    if (first != blocks_.begin() && joins(std::prev(first))) gaps_.erase(find_gap(--first));
    std::byte* const begin = first->first;
    const std::int64_t size = std::prev(end)->first + std::prev(end)->second.size - begin;
    blocks_.erase(first, end);
    add_gap(begin, size, of);
    --used_;
  }
  /// The number of blocks in use.
  std::int64_t used() const { return used_; }

 private:
  struct block {
    std::int64_t size = 0;
    std::byte* chunk = nullptr;  // neighbouring gaps of two chunks are never joined
    bool used = false;
  };
  using blocks = std::map<std::byte*, block>;
  using gaps = std::multimap<std::int64_t, std::byte*>;

  static std::byte* at(const void* p) { return static_cast<std::byte*>(const_cast<void*>(p)); }
  void add_gap(std::byte* begin, std::int64_t size, std::byte* of) {
    blocks_[begin] = {size, of, false};
    gaps_.emplace(size, begin);
  }
  gaps::iterator find_gap(blocks::iterator b) {
    auto g = gaps_.lower_bound(b->second.size);
    while (g->second != b->first) ++g;
    return g;
  }

  std::function<void*(std::int64_t)> more_;
  blocks blocks_;  // used and not, by address
  gaps gaps_;      // those that are not used, by size
  std::int64_t used_ = 0;
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
