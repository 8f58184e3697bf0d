// The accessors to memory of a block that the host executes, which check every access.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/emulated_state.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

/// The accessor that a thread of an emulated block has to memory.
template <class T>
class checked {
 public:
  using value_type = std::remove_const_t<T>;
  using arithmetic = arithmetic_t<T>;

  checked(T* data, std::int64_t size, memory_check* check, const moment* now) : data_(data), size_(size), check_(check), now_(now) {}

  arithmetic read(std::int64_t i) const {
    visit<access::read>(i, 1);
    return static_cast<arithmetic>(data_[i]);
  }
  template <int N>
  packet<arithmetic, N> read(std::int64_t i) const {
    expect_packet<N>();
    visit<access::read>(i, N);
    packet<arithmetic, N> p;
    for (int k = 0; k < N; ++k) p[k] = static_cast<arithmetic>(data_[i + k]);
    return p;
  }
  void write(std::int64_t i, arithmetic v) const requires(!std::is_const_v<T>) {
    visit<access::write>(i, 1);
    data_[i] = static_cast<value_type>(v);
  }
  template <int N>
  void write(std::int64_t i, const packet<arithmetic, N>& p) const requires(!std::is_const_v<T>) {
    expect_packet<N>();
    visit<access::write>(i, N);
    for (int k = 0; k < N; ++k) data_[i + k] = static_cast<value_type>(p[k]);
  }
  std::int64_t size() const { return size_; }
  T* data() const { return data_; }
  memory_check* check() const { return check_; }
  /// Notes and checks an access of the thread to n elements from i on.
  template <access Kind>
  void visit(std::int64_t i, std::int64_t n) const {
    if (!now_) return;
    expect_inside(i, n);
    if (check_)
      for (std::int64_t k = 0; k < n; ++k) check_->template visit<Kind>(i + k, *now_);
  }
  void expect_inside(std::int64_t i, std::int64_t n) const {
    if (!now_) return;
    if (!data_ || i < 0 || i + n > size_ || (n > 1 && reinterpret_cast<std::uintptr_t>(data_ + i) % (static_cast<std::size_t>(n) * sizeof(T)) != 0)) {
      if (check_) check_->expect_inside(i, n, *now_);
      fail("thread ", now_->thread, " of block ", now_->block, " is at element ", i, " (", n, " at once) of memory of ", data_ ? size_ : 0);
    }
  }

 private:
  template <int N>
  static constexpr void expect_packet() {
    static_assert(N * sizeof(T) <= 16 && (N & (N - 1)) == 0, "dcs::cuda: one access is of 1, 2, 4, … elements and at most 16 bytes");
  }

  T* data_;
  std::int64_t size_;
  memory_check* check_;
  const moment* now_;  // null: unchecked
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
