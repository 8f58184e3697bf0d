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
