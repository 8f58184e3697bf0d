// Shadow of a kernel's memory on the host: for each element, who touched it last. Two threads at one place, one of them writing, with no barrier of
// both between, is a race: on a GPU it might go well a million times.
#pragma once

#include <dcs/core/error.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace dcs::cuda {

/// A thread at a time: phases count the barriers that its block, and its warp, have passed.
struct moment {
  std::uint32_t block = 0, thread = 0, phase = 0, warp_phase = 0;
};

/// What threads did to an array. Errors are thrown as dcs::error.
class memory_check {
 public:
  memory_check(std::string array, std::int64_t elements, bool initialised)
      : array_(std::move(array)), elements_(static_cast<std::size_t>(elements)), initialised_(initialised) {}

  void expect_inside(std::int64_t i, std::int64_t n, const moment& now) const {
    if (i < 0 || i + n > size()) fail_at(now, n == 1 ? "is at element " : "is at elements from ", i, " of ", array_, ", which has ", size());
    if (n > 1 && i % n != 0) fail_at(now, "accesses ", n, " elements at once at element ", i, " of ", array_, ", which is not a multiple");
  }
  void read(std::int64_t i, const moment& now) {
    auto& e = elements_[static_cast<std::size_t>(i)];
    if (e.pending) fail_at(now, "reads element ", i, " of ", array_, " before the wait for the copy to it");
    if (!initialised_ && !e.write.used) fail_at(now, "reads element ", i, " of ", array_, ", which nobody wrote");
    if (conflict(e.write, now)) fail_race(e.write, "wrote", now, "reads", i);
    note_read(e, now);
  }
  void write(std::int64_t i, const moment& now) {
    auto& e = elements_[static_cast<std::size_t>(i)];
    if (conflict(e.write, now)) fail_race(e.write, "wrote", now, "writes", i);
    for (const auto& r : e.read)
      if (conflict(r, now)) fail_race(r, "read", now, "writes", i);
    e.write = visit(now);
  }
  /// An asynchronous copy to the element begins, or ends.
  void set_pending(std::int64_t i, bool pending, const moment& now) {
    write(i, now);
    elements_[static_cast<std::size_t>(i)].pending = pending;
  }
  std::int64_t size() const { return static_cast<std::int64_t>(elements_.size()); }
  const std::string& array() const { return array_; }

 private:
  struct visit {
    visit() = default;
    explicit visit(const moment& m) : at(m), used(true) {}
    moment at;
    bool used = false, many = false;  // many: other lanes of the warp too, in the same phases
  };
  struct element {
    visit write, read[2];
    bool pending = false;
  };

  static bool same_warp(const moment& a, const moment& b) { return a.thread / 32 == b.thread / 32; }
  static bool conflict(const visit& v, const moment& now) {
    if (!v.used) return false;
    if (v.at.block != now.block) return true;
    if (v.at.phase != now.phase) return false;
    if (same_warp(v.at, now) && v.at.warp_phase != now.warp_phase) return false;
    return v.many || v.at.thread != now.thread;
  }
  // Two readers of different warps (or blocks) are kept: any writer conflicts with one of them if it conflicts with any.
  static void note_read(element& e, const moment& now) {
    for (auto& r : e.read) {
      const bool current = r.used && r.at.block == now.block && r.at.phase == now.phase;
      if (current && same_warp(r.at, now)) {
        const bool together = r.at.warp_phase == now.warp_phase;
        const bool many = together && (r.many || r.at.thread != now.thread);
        r = visit(now), r.many = many;
        return;
      }
      if (!r.used || (!current && r.at.block == now.block)) {
        r = visit(now);
        return;
      }
    }
  }

  template <class... Parts>
  [[noreturn]] void fail_at(const moment& now, const Parts&... parts) const {
    fail("thread ", now.thread, " of block ", now.block, " ", parts...);
  }
  [[noreturn]] void fail_race(const visit& before, const char* did, const moment& now, const char* does, std::int64_t i) const {
    fail_at(now, does, " element ", i, " of ", array_, ", which ", before.many ? "several threads, the last " : "", "thread ", before.at.thread,
            " of block ", before.at.block, " ", did, before.at.block == now.block ? " with no barrier between" : " in the same launch");
  }

  std::string array_;
  std::vector<element> elements_;
  bool initialised_;
};

}  // namespace dcs::cuda
