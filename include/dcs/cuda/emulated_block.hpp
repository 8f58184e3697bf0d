// A block of the block interface (block.hpp) that the host executes (emulate.hpp says in which order). Every access is checked (memory_check.hpp).
// Shared memory starts as NaN. An error of the kernel ends the launch with a dcs::error that names kernel, thread and array.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/emulated_memory.hpp>
#include <dcs/cuda/tf32.hpp>

#include <cstring>
#include <utility>

DCS_EXACT_MATH
namespace dcs::cuda {

/// The block as one of its threads uses it.
class emulated_block {
 public:
  emulated_block(detail::block_state& s, int thread) : s_(&s), thread_(thread) {}

  int thread() const { return thread_; }
  int threads() const { return s_->launch->kernel.threads; }
  std::int64_t block() const { return s_->number; }
  std::int64_t blocks() const { return s_->launch->kernel.blocks; }
  std::int64_t index() const { return block() * threads() + thread(); }
  int lane() const { return thread_ % warp_size; }
  int warp() const { return thread_ / warp_size; }
  int warps() const { return threads() / warp_size; }

  template <class T>
  checked<T> global(device_span<T> span, const char* name) {
    if (!s_->launch->options.check) return {span.data, span.size, nullptr, nullptr};
    memory_check* check = nullptr;
    if (span.data) check = &s_->launch->global.of(name, span.data, span.size, sizeof(T), !std::is_const_v<T>);
    return {span.data, span.size, check, &current().now};
  }
  template <class T>
  checked<T> shared(std::int64_t count, const char* name) {
    const std::size_t k = current().shared_arrays++;
    if (k == s_->arrays.size()) {
      const std::int64_t offset = (s_->used + 15) / 16 * 16, bytes = count * static_cast<std::int64_t>(sizeof(T));
      if (offset + bytes > s_->launch->kernel.shared_bytes)
        fail("shared memory: ", name, " ends at byte ", offset + bytes, ", the launch has ", s_->launch->kernel.shared_bytes);
      s_->used = offset + bytes;
      s_->arrays.push_back(std::make_unique<detail::shared_array>(detail::shared_array{
          offset, count, sizeof(T), memory_check(name, s_->memory.data() + offset, s_->launch->options.check ? count : 0, sizeof(T), false)}));
    }
    auto& a = *s_->arrays[k];
    if (a.count != count || a.element != sizeof(T))
      fail("shared memory: thread ", thread_, " asks for ", count, " elements of ", name, ", another for ", a.count, " of ", a.check.array());
    const bool check = s_->launch->options.check;
    return {reinterpret_cast<T*>(s_->memory.data() + a.offset), count, check ? &a.check : nullptr, check ? &current().now : nullptr};
  }

  void barrier() {
    wait(detail::waits_for::block);
    ++current().now.phase;
  }
  void warp_barrier() {
    exchange(1, nullptr, 0);
    ++current().now.warp_phase;
  }

  template <class V>
  V shuffle(V v, int lane) {
    const auto* all = exchange(2, &v, sizeof v);
    return value_of<V>(all, lane % warp_size);
  }
  template <class V>
  V shuffle_xor(V v, int mask) {
    const auto* all = exchange(3, &v, sizeof v);
    return value_of<V>(all, lane() ^ mask);
  }
  std::uint32_t ballot(bool predicate) {
    const auto* all = exchange(4, &predicate, sizeof predicate);
    std::uint32_t bits = 0;
    for (int i = 0; i < warp_size; ++i) bits |= static_cast<std::uint32_t>(value_of<bool>(all, i)) << i;
    return bits;
  }

  template <int N, class To, class From>
  void copy_async(const checked<To>& to, std::int64_t i, const checked<From>& from, std::int64_t j, bool valid = true) {
    static_assert(std::is_same_v<To, std::remove_const_t<From>>, "dcs::cuda: copy_async does not convert");
    constexpr std::int64_t bytes = N * static_cast<std::int64_t>(sizeof(To));
    static_assert(bytes == 4 || bytes == 8 || bytes == 16, "dcs::cuda: an asynchronous copy is of 4, 8 or 16 bytes");
    to.expect_inside(i, N);
    if (valid) from.template visit<access::read>(j, N);
    if (to.check())
      for (int k = 0; k < N; ++k) to.check()->set_pending(i + k, true, current().now);
    current().open.push_back({reinterpret_cast<std::byte*>(to.data() + i), valid ? reinterpret_cast<const std::byte*>(from.data() + j) : nullptr,
                              bytes, to.check(), valid ? from.check() : nullptr, i, j, N});
  }
  void commit_copies() { current().groups.push_back(std::exchange(current().open, {})); }
  template <int Pending>
  void wait_copies() {
    auto& groups = current().groups;
    while (groups.size() > Pending) {
      for (const auto& c : groups.front()) {
        if (c.check)
          for (std::int64_t k = 0; k < c.elements; ++k) c.check->set_pending(c.element + k, false, current().now);
        if (c.from_check)  // the source counts as read now: the copy may have read it at any time since it began
          for (std::int64_t k = 0; k < c.elements; ++k) c.from_check->visit<access::read>(c.from_element + k, current().now);
        if (c.from)
          std::memcpy(c.to, c.from, static_cast<std::size_t>(c.bytes));
        else
          std::memset(c.to, 0, static_cast<std::size_t>(c.bytes));
      }
      groups.erase(groups.begin());
    }
  }

  template <class T>
  struct fragment_a {
    arithmetic_t<T> x[8] = {};
    /// Elements 2p and 2p + 1, rounded to T.
    void set(int p, arithmetic_t<T> low, arithmetic_t<T> high) {
      x[2 * p] = static_cast<arithmetic_t<T>>(static_cast<T>(low)), x[2 * p + 1] = static_cast<arithmetic_t<T>>(static_cast<T>(high));
    }
  };
  template <class T>
  struct fragment_b {
    arithmetic_t<T> x[4] = {};
  };
  template <class T>
  struct fragment_c {
    arithmetic_t<T> x[4] = {};
  };

  /// Element (i, j) of the 16 × 16 tile at s[(row + i) · stride + column + j].
  template <class T>
  fragment_a<T> load_a(const checked<T>& s, std::int64_t row, std::int64_t column, std::int64_t stride) {
    expect_row_alignment(s, row * stride + column, stride, 8);
    fragment_a<T> a;
    for (int p = 0; p < 4; ++p)
      for (int e = 0; e < 2; ++e) a.x[2 * p + e] = s.read((row + group() + 8 * (p % 2)) * stride + column + 2 * quad() + e + 8 * (p / 2));
    return a;
  }
  /// Element (i, j) of the 16 × 16 tile at s[(row + j) · stride + column + i].
  template <class T>
  fragment_a<T> load_a_transposed(const checked<T>& s, std::int64_t row, std::int64_t column, std::int64_t stride) {
    expect_row_alignment(s, row * stride + column, stride, sizeof(T));
    fragment_a<T> a;
    for (int p = 0; p < 4; ++p)
      for (int e = 0; e < 2; ++e) a.x[2 * p + e] = s.read((row + 2 * quad() + e + 8 * (p / 2)) * stride + column + group() + 8 * (p % 2));
    return a;
  }
  /// Element (k, n) of the 16 × 8 tile at s[(row + n) · stride + column + k].
  template <class T>
  fragment_b<T> load_b(const checked<T>& s, std::int64_t row, std::int64_t column, std::int64_t stride) {
    expect_row_alignment(s, row * stride + column, stride, 8);
    fragment_b<T> b;
    for (int p = 0; p < 2; ++p)
      for (int e = 0; e < 2; ++e) b.x[2 * p + e] = s.read((row + group()) * stride + column + 2 * quad() + e + 8 * p);
    return b;
  }
  /// Element (k, n) of the 16 × 8 tile at s[(row + k) · stride + column + n].
  template <class T>
  fragment_b<T> load_b_transposed(const checked<T>& s, std::int64_t row, std::int64_t column, std::int64_t stride) {
    expect_row_alignment(s, row * stride + column, stride, sizeof(T));
    fragment_b<T> b;
    for (int p = 0; p < 2; ++p)
      for (int e = 0; e < 2; ++e) b.x[2 * p + e] = s.read((row + 2 * quad() + e + 8 * p) * stride + column + group());
    return b;
  }
  /// Floats are split as for a GPU's matrix units (tf32.hpp), so that the result has a GPU's accuracy.
  template <mma_precision P = mma_precision::full>
  void mma(fragment_c<float>& c, const fragment_a<float>& a, const fragment_b<float>& b) {
    using halves = detail::tf32_operands<P>[2];
    const halves own = {detail::split_floats<P>(a.x, b.x, 0), detail::split_floats<P>(a.x, b.x, 1)};
    const auto* all = exchange(5, &own, sizeof own);
    for (int h = 0; h < 2; ++h) {
      const auto of_lane = [&](int lane) -> const detail::tf32_operands<P>& { return (*reinterpret_cast<const halves*>(all[lane]))[h]; };
      detail::for_tf32_products<P>([&](int i, int j) {
        for (int e = 0; e < 4; ++e) {
          const int row = group() + 8 * (e / 2), column = 2 * quad() + e % 2;
          for (int k = 0; k < 8; ++k) c.x[e] += of_lane(row % 8 * 4 + k % 4).a[i][row / 8 + 2 * (k / 4)] * of_lane(column * 4 + k % 4).b[j][k / 4];
        }
      });
    }
  }
  template <mma_precision = mma_precision::full, class T>
  void mma(fragment_c<T>& c, const fragment_a<T>& a, const fragment_b<T>& b) {
    struct pair {
      fragment_a<T> a;
      fragment_b<T> b;
    };
    const pair own{a, b};
    const auto* all = exchange(5, &own, sizeof own);
    const auto lane_of = [all](int lane) -> const pair& { return *reinterpret_cast<const pair*>(all[lane]); };
    for (int e = 0; e < 4; ++e) {
      const int row = group() + 8 * (e / 2), column = 2 * quad() + e % 2;
      arithmetic_t<T> sum = c.x[e];
      for (int k = 0; k < 16; ++k) {
        const int t = k % 8 / 2, p = k / 8, half = k % 2;
        sum += lane_of(row % 8 * 4 + t).a.x[2 * (row / 8 + 2 * p) + half] * lane_of(column * 4 + t).b.x[2 * p + half];
      }
      c.x[e] = sum;
    }
  }

  template <class T>
  T atomic_add(const checked<T>& a, std::int64_t i, T v) {
    static_assert(std::is_integral_v<T>, "dcs::cuda: atomics are of integers");
    a.template visit<access::atomic>(i, 1);
    return std::exchange(a.data()[i], a.data()[i] + v);
  }

 private:
  using lane_values = std::byte[detail::exchange_bytes];

  detail::thread_state& current() const { return s_->threads[static_cast<std::size_t>(thread_)]; }
  int group() const { return lane() / 4; }
  int quad() const { return lane() % 4; }
  // The alignment that a GPU requires of the rows of a fragment in memory: ldmatrix takes 16 bytes of elements of 16 bits; floats are read `bytes` at
  // once.
  template <class T>
  static void expect_row_alignment(const checked<T>& s, std::int64_t first, std::int64_t stride, std::size_t bytes) {
    if (!s.check() || sizeof(T) == 8) return;
    const std::size_t wanted = sizeof(T) == 2 ? 16 : bytes;
    if (reinterpret_cast<std::uintptr_t>(s.data() + first) % wanted != 0 || static_cast<std::size_t>(stride) * sizeof(T) % wanted != 0)
      fail("a fragment at element ", first, " of ", s.check()->array(), ", rows ", stride, " elements apart: rows must begin at multiples of ",
           wanted, " bytes");
  }
  void wait(detail::waits_for w) {
    current().state = w;
    s_->threads_of->wait();
  }
  // Publishes `bytes` to the other lanes and waits until all lanes have done so. The result is valid until the exchange after the next.
  const lane_values* exchange(int kind, const void* value, std::size_t bytes) {
    auto& w = s_->warps[static_cast<std::size_t>(warp())].values[turn_ ^= 1];
    if (bytes > 0) std::memcpy(w[lane()], value, bytes);
    current().exchange = kind;
    wait(detail::waits_for::warp);
    return w;
  }
  template <class V>
  static V value_of(const lane_values* all, int lane) {
    static_assert(std::is_trivially_copyable_v<V> && sizeof(V) <= detail::exchange_bytes);
    V v;
    std::memcpy(&v, all[lane], sizeof v);
    return v;
  }

  detail::block_state* s_;
  int thread_;
  int turn_ = 0;
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
