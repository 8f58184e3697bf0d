// Numbers of 16 bits on the host. They are storage, and arithmetic on them is done in float: where an op has no kernel that reads and writes them,
// its kernel of float runs on a widened copy of what it reads, and each of its results is rounded once.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/allocator.hpp>
#include <dcs/core/dtype.hpp>
#include <dcs/core/storage.hpp>
#include <dcs/cpu/parallel.hpp>
#include <dcs/cpu/simd.hpp>

#include <memory>
#include <tuple>
#include <type_traits>
#include <vector>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/cpu/half.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

/// A type of 16 bits whose arithmetic is done in float, and that kernels of the host know.
template <class T>
concept half_number = std::is_same_v<T, bf16>;

/// n numbers from bf16 to float, exactly; from float to bf16, rounded to nearest, ties to even. By the thread that calls.
template <half_number T>
void widen_numbers(const T* from, std::int64_t n, float* to) {
  DCS_DISPATCH(widen_numbers, from, n, to);
}
template <half_number T>
void round_numbers(const float* from, std::int64_t n, T* to) {
  DCS_DISPATCH(round_numbers, from, n, to);
}
#define DCS_HALF_ENTRIES(declare)                                \
  declare void widen_numbers(const bf16*, std::int64_t, float*); \
  declare void round_numbers(const float*, std::int64_t, bf16*);
DCS_ENTRIES_ONCE(DCS_HALF_ENTRIES)

namespace detail {
inline constexpr std::int64_t half_grain = 1 << 15;
}

/// `count` numbers that a kernel reads, as float: a widened copy, or null where there are none.
class widened_copy {
 public:
  template <half_number T>
  widened_copy(const T* from, std::int64_t count) {
    if (!from) return;
    copy_ = std::make_unique<scratch<float>>(count);
    parallel_chunks(count, detail::half_grain,
                    [from, to = copy_->data()](std::int64_t b, std::int64_t e) { widen_numbers(from + b, e - b, to + b); });
  }
  float* data() const { return copy_ ? copy_->data() : nullptr; }

 private:
  std::unique_ptr<scratch<float>> copy_;
};

/// Memory for `count` numbers that a kernel writes in float; deliver() rounds them. Null where `to` is.
template <half_number T>
class rounded_result {
 public:
  rounded_result(T* to, std::int64_t count) : to_(to), count_(count) {
    if (to) wide_ = std::make_unique<scratch<float>>(count);
  }
  float* data() const { return wide_ ? wide_->data() : nullptr; }
  void deliver() const {
    if (!to_) return;
    parallel_chunks(count_, detail::half_grain,
                    [to = to_, from = wide_->data()](std::int64_t b, std::int64_t e) { round_numbers(from + b, e - b, to + b); });
  }

 private:
  T* to_;
  std::int64_t count_;
  std::unique_ptr<scratch<float>> wide_;
};

/// The same for `arrays` arrays of `count` numbers each.
template <half_number T>
std::vector<widened_copy> widened_copies(const T* const* from, int arrays, std::int64_t count) {
  std::vector<widened_copy> copies;
  for (int i = 0; i < arrays; ++i) copies.emplace_back(from[i], count);
  return copies;
}
template <half_number T>
std::vector<rounded_result<T>> rounded_results(T* const* to, int arrays, std::int64_t count) {
  std::vector<rounded_result<T>> results;
  for (int i = 0; i < arrays; ++i) results.emplace_back(to[i], count);
  return results;
}
/// Where the memory of each is in float.
template <class Memory>
std::vector<float*> pointers(const std::vector<Memory>& memory) {
  std::vector<float*> p;
  for (const Memory& m : memory) p.push_back(m.data());
  return p;
}

/// The arguments of in_float: memory with its number of elements.
template <half_number T>
struct reads {
  const T* data;
  std::int64_t count;
};
template <half_number T>
struct writes {
  T* data;
  std::int64_t count;
};

namespace detail {
template <class Argument>
struct held_in_float;
template <class T>
struct held_in_float<reads<T>> : widened_copy {
  explicit held_in_float(const reads<T>& r) : widened_copy(r.data, r.count) {}
  void deliver() const {}
};
template <class T>
struct held_in_float<writes<T>> : rounded_result<T> {
  explicit held_in_float(const writes<T>& w) : rounded_result<T>(w.data, w.count) {}
};
}  // namespace detail

/// body(pointers to float…): of each `reads{p, n}` to a widened copy, of each `writes{p, n}` to memory that is rounded to p when body returns; null
/// where p is null.
template <class Body, class... Argument>
void in_float(const Body& body, const Argument&... argument) {
  const std::tuple<detail::held_in_float<Argument>...> held(argument...);
  std::apply(
      [&](const auto&... memory) {
        body(memory.data()...);
        (memory.deliver(), ...);
      },
      held);
}

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
