// Shadow memory of an emulated kernel: for each element, the threads that accessed it last. Accesses of two threads to one element without a barrier
// of both between them are a race, unless both read or both add atomically; on a GPU such a race may go unnoticed for a million runs. Two spans of
// global memory may overlap, as where a kernel works in place; accesses through one are then checked against those through the other.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

DCS_EXACT_MATH
namespace dcs::cuda {

/// A thread at a point of its execution: the phases count the barriers that its block, and its warp, have passed.
struct moment {
  std::uint32_t block = 0, thread = 0, phase = 0, warp_phase = 0;
};

/// How a thread accesses an element.
enum class access : std::uint8_t { read, atomic, write };

/// The accesses of a launch's threads to one array. Errors are thrown as dcs::error.
class memory_check {
 public:
  /// `elements` of `element_bytes` each at `begin`; where they are not initialised, an element must be written before it is read.
  memory_check(std::string array, const void* begin, std::int64_t elements, std::int64_t element_bytes, bool initialised)
      : array_(std::move(array)),
        begin_(reinterpret_cast<std::uintptr_t>(begin)),
        element_bytes_(static_cast<std::uintptr_t>(element_bytes)),
        elements_(static_cast<std::size_t>(elements)),
        initialised_(initialised) {}

  void expect_inside(std::int64_t i, std::int64_t n, const moment& now) const {
    if (i < 0 || i + n > size()) fail_at(now, n == 1 ? "is at element " : "is at elements from ", i, " of ", array_, ", which has ", size());
    if (n > 1 && i % n != 0) fail_at(now, "accesses ", n, " elements at once at element ", i, " of ", array_, ", which is not a multiple");
  }
  /// Checks and notes a thread's access to element i, which must be in bounds.
  template <access Kind>
  void visit(std::int64_t i, const moment& now) {
    auto& e = elements_[static_cast<std::size_t>(i)];
    if (e.pending) fail_at(now, words(Kind).does, " element ", i, " of ", array_, " before the wait for the copy to it");
    if constexpr (Kind != access::write)
      if (!initialised_ && !e.write.used) fail_at(now, words(Kind).does, " element ", i, " of ", array_, ", which was not written");
    expect_no_race<Kind>(static_cast<std::size_t>(i), now);
    for (const auto* other : overlapping_)
      other->template expect_no_race_at<Kind>(begin_ + static_cast<std::uintptr_t>(i) * element_bytes_, element_bytes_, now);
    if constexpr (Kind == access::write) e.write = visitor(now);
    if constexpr (Kind == access::read) note(e.read, now);
    if constexpr (Kind == access::atomic) {
      if (atomic_.empty()) atomic_.resize(elements_.size());
      note(atomic_[static_cast<std::size_t>(i)], now);
    }
  }
  /// An asynchronous copy to the element begins, or ends.
  void set_pending(std::int64_t i, bool pending, const moment& now) {
    auto& e = elements_[static_cast<std::size_t>(i)];
    if (!pending) e.pending = false;
    visit<access::write>(i, now);
    e.pending = pending;
  }
  /// From now on each of the two checks its accesses against those of the other.
  void overlap_with(memory_check& other) {
    overlapping_.push_back(&other);
    other.overlapping_.push_back(this);
  }
  bool overlaps(const memory_check& o) const { return begin_ < o.end() && o.begin_ < end(); }
  std::int64_t size() const { return static_cast<std::int64_t>(elements_.size()); }
  const std::string& array() const { return array_; }

 private:
  struct visitor {
    visitor() = default;
    explicit visitor(const moment& m) : at(m), used(true) {}
    moment at;
    bool used = false, many = false;  // many: other lanes of the warp accessed it too, in the same phases
  };
  // Two visitors of different warps or blocks suffice: an access that conflicts with any earlier one of a kind conflicts with one of the two.
  using visitors = std::array<visitor, 2>;
  struct element {
    visitor write;
    visitors read;
    bool pending = false;
  };
  struct verbs {
    const char *does, *did;
  };

  static constexpr verbs words(access kind) {
    return kind == access::read ? verbs{"reads", "read"} : kind == access::write ? verbs{"writes", "wrote"} : verbs{"adds to", "added to"};
  }
  std::uintptr_t end() const { return begin_ + elements_.size() * element_bytes_; }

  static bool same_warp(const moment& a, const moment& b) { return a.thread / 32 == b.thread / 32; }
  static bool conflict(const visitor& v, const moment& now) {
    if (!v.used) return false;
    if (v.at.block != now.block) return true;
    if (v.at.phase != now.phase) return false;
    if (same_warp(v.at, now) && v.at.warp_phase != now.warp_phase) return false;
    return v.many || v.at.thread != now.thread;
  }
  template <access Kind>
  void expect_no_race(std::size_t i, const moment& now) const {
    const auto& e = elements_[i];
    if (conflict(e.write, now)) fail_race(e.write, access::write, now, Kind, i);
    if constexpr (Kind != access::read)
      for (const auto& v : e.read)
        if (conflict(v, now)) fail_race(v, access::read, now, Kind, i);
    if constexpr (Kind != access::atomic)
      if (!atomic_.empty())
        for (const auto& v : atomic_[i])
          if (conflict(v, now)) fail_race(v, access::atomic, now, Kind, i);
  }
  // The same for all elements that overlap these bytes.
  template <access Kind>
  void expect_no_race_at(std::uintptr_t address, std::uintptr_t bytes, const moment& now) const {
    const std::uintptr_t first = std::max(address, begin_), last = std::min(address + bytes, end());
    if (first >= last) return;
    for (std::size_t i = (first - begin_) / element_bytes_; i <= (last - 1 - begin_) / element_bytes_; ++i) expect_no_race<Kind>(i, now);
  }
  static void note(visitors& all, const moment& now) {
    for (auto& v : all) {
      const bool current = v.used && v.at.block == now.block && v.at.phase == now.phase;
      if (current && same_warp(v.at, now)) {
        const bool together = v.at.warp_phase == now.warp_phase;
        const bool many = together && (v.many || v.at.thread != now.thread);
        v = visitor(now), v.many = many;
        return;
      }
      if (!v.used || (!current && v.at.block == now.block)) {
        v = visitor(now);
        return;
      }
    }
  }

  template <class... Parts>
  [[noreturn]] void fail_at(const moment& now, const Parts&... parts) const {
    fail("thread ", now.thread, " of block ", now.block, " ", parts...);
  }
  [[noreturn]] void fail_race(const visitor& before, access did, const moment& now, access does, std::size_t i) const {
    fail_at(now, words(does).does, " element ", i, " of ", array_, ", which ", before.many ? "several threads, the last " : "", "thread ",
            before.at.thread, " of block ", before.at.block, " ", words(did).did,
            before.at.block == now.block ? " with no barrier between" : " in the same launch");
  }

  std::string array_;
  std::uintptr_t begin_, element_bytes_;
  std::vector<element> elements_;
  std::vector<visitors> atomic_;  // empty until the first atomic addition
  std::vector<memory_check*> overlapping_;
  bool initialised_;
};

/// The accesses of a launch to global memory: a check for each span.
class global_checks {
 public:
  /// The check of `elements` at `begin`, which must not change while it is in use; `written`: the span may be written.
  memory_check& of(const char* array, const void* begin, std::int64_t elements, std::int64_t element_bytes, bool written) {
    const auto [at, made] =
        all_.try_emplace({reinterpret_cast<std::uintptr_t>(begin), elements, element_bytes, written}, array, begin, elements, element_bytes, true);
    memory_check& check = at->second;
    if (made)
      for (auto& [span, other] : all_)
        if (&other != &check && (written || std::get<3>(span)) && check.overlaps(other)) check.overlap_with(other);
    return check;
  }

 private:
  std::map<std::tuple<std::uintptr_t, std::int64_t, std::int64_t, bool>, memory_check> all_;
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
