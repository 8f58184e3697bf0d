// Vectors of one instruction set; see simd.hpp.
namespace dcs::DCS_ISA {

template <class T>
using vec = typename cpu::vector_of<T, DCS_ISA_BYTES>::type;

/// Elements of T in a vector.
template <class T>
inline constexpr int lanes = DCS_ISA_BYTES / static_cast<int>(sizeof(T));

template <class T>
DCS_SIMD_INLINE vec<T> load(const T* p) {
  vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
DCS_SIMD_INLINE void store(T* p, vec<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}
/// Copies as many elements as a vector has bytes for, of any type.
template <class T>
DCS_SIMD_INLINE void copy_vector(T* to, const T* from) {
  store(reinterpret_cast<std::uint8_t*>(to), load(reinterpret_cast<const std::uint8_t*>(from)));
}
template <class T>
DCS_SIMD_INLINE void clear_vector(T* to) {
  store(reinterpret_cast<std::uint8_t*>(to), vec<std::uint8_t>{});
}
template <class T>
DCS_SIMD_INLINE vec<T> broadcast(T x) {
  return vec<T>{} + x;
}
/// The first n elements (n < lanes), zeros behind them.
template <class T>
DCS_SIMD_INLINE vec<T> load_part(const T* p, long n) {
  vec<T> v{};
  for (long i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
template <class T>
DCS_SIMD_INLINE void store_part(T* p, vec<T> v, long n) {
  for (long i = 0; i < n; ++i) p[i] = v[i];
}
/// Numbers of 16 bits, each in the lower half of one of 32.
DCS_SIMD_INLINE vec<std::uint32_t> load_halves(const void* p) {
  typedef std::uint16_t halves __attribute__((vector_size(DCS_ISA_BYTES / 2)));
  halves h;
  __builtin_memcpy(&h, p, sizeof h);
  return __builtin_convertvector(h, vec<std::uint32_t>);
}
/// Elements in the type that their arithmetic is done in: `lanes` of compute_type<T>.
template <class T>
DCS_SIMD_INLINE vec<compute_type<T>> load_wide(const T* p) {
  if constexpr (std::is_same_v<T, bf16>) {
    const vec<std::uint32_t> bits = load_halves(p) << 16;
    vec<float> v;
    __builtin_memcpy(&v, &bits, sizeof v);
    return v;
  } else {
    return load(p);
  }
}
/// The same values as the conversions of core/dtype.hpp give.
template <class T>
DCS_SIMD_INLINE void store_wide(T* p, vec<compute_type<T>> v) {
  if constexpr (std::is_same_v<T, bf16>) {
    typedef std::uint16_t halves __attribute__((vector_size(DCS_ISA_BYTES / 2)));
    vec<std::uint32_t> bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    const vec<std::uint32_t> rounded = (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16, nan = bits >> 16 | 0x40u;
    const auto h = __builtin_convertvector(v != v ? nan : rounded, halves);
    __builtin_memcpy(static_cast<void*>(p), &h, sizeof h);
  } else {
    store(p, v);
  }
}
template <class T>
DCS_SIMD_INLINE vec<T> max(vec<T> a, vec<T> b) {
  return a > b ? a : b;
}
template <class T>
DCS_SIMD_INLINE vec<T> min(vec<T> a, vec<T> b) {
  return a < b ? a : b;
}
/// The first half of a and of b, alternating: a0 b0 a1 b1 …; interleave_back takes the second halves. (The indices are literals: nvcc's front end
/// does not expand a pack of them here.)
template <class T>
DCS_SIMD_INLINE vec<T> interleave_front(vec<T> a, vec<T> b) {
  if constexpr (lanes<T> == 2)
    return __builtin_shufflevector(a, b, 0, 2);
  else if constexpr (lanes<T> == 4)
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
  else if constexpr (lanes<T> == 8)
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  else if constexpr (lanes<T> == 16)
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
template <class T>
DCS_SIMD_INLINE vec<T> interleave_back(vec<T> a, vec<T> b) {
  if constexpr (lanes<T> == 2)
    return __builtin_shufflevector(a, b, 1, 3);
  else if constexpr (lanes<T> == 4)
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
  else if constexpr (lanes<T> == 8)
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  else if constexpr (lanes<T> == 16)
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
/// Sum of the elements, always in the same order: halves are added to halves.
template <class T>
DCS_SIMD_INLINE T sum(vec<T> v) {
  T a[lanes<T>];
  store(a, v);
  for (int n = lanes<T> / 2; n > 0; n /= 2)
    for (int i = 0; i < n; ++i) a[i] += a[i + n];
  return a[0];
}

}  // namespace dcs::DCS_ISA
