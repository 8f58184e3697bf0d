// Elementary functions on vectors; see math.hpp. exp of floats is a polynomial (2 ulp); what no hot loop needs calls the C library by element.
namespace dcs::DCS_ISA {

template <class V>
using element = std::remove_cvref_t<decltype(std::declval<V>()[0])>;

/// e^x. Cody and Waite's reduction to |r| ≤ ln 2 / 2, then a polynomial; 0 below −87.33 and infinity above 88.72.
template <class V>
DCS_INLINE V exp(V x) {
  if constexpr (std::is_same_v<element<V>, float>) {
    typedef std::int32_t I __attribute__((vector_size(sizeof(V))));
    const V bounded = x < -88.0f ? V{} - 88.0f : x > 89.0f ? V{} + 89.0f : x;
    const V shifted = bounded * 1.44269504088896341f + 12582912.0f;  // rounds to nearest: 1.5 · 2^23
    const V n = shifted - 12582912.0f;
    const V r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
    V p = V{} + 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    I bits;
    __builtin_memcpy(&bits, &shifted, sizeof bits);
    const I half = (bits - 0x4B400000) >> 1, rest = (bits - 0x4B400000) - half;  // 2^n in two factors: n reaches 128
    const I e1 = (half + 127) << 23, e2 = (rest + 127) << 23;
    V s1, s2;
    __builtin_memcpy(&s1, &e1, sizeof s1);
    __builtin_memcpy(&s2, &e2, sizeof s2);
    const V y = p * s1 * s2;
    return x < -87.3365448f ? V{} : x == x ? y : x;
  } else {
    V y{};
    for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(x[0])); ++i) y[i] = std::exp(x[i]);
    return y;
  }
}

template <class V>
DCS_INLINE V log(V x) {
  V y{};
  for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(x[0])); ++i) y[i] = std::log(x[i]);
  return y;
}

// The C library's sqrt reports errors, which keeps compilers from using the instruction: named here.
template <class V>
DCS_INLINE V square_root(V x) {
#if DCS_ISA_BYTES == 64
  if constexpr (std::is_same_v<element<V>, float>) return reinterpret_cast<V>(_mm512_maskz_sqrt_ps(__mmask16(-1), reinterpret_cast<__m512>(x)));
  else return reinterpret_cast<V>(_mm512_maskz_sqrt_pd(__mmask8(-1), reinterpret_cast<__m512d>(x)));
#elif DCS_ISA_BYTES == 32
  if constexpr (std::is_same_v<element<V>, float>) return reinterpret_cast<V>(_mm256_sqrt_ps(reinterpret_cast<__m256>(x)));
  else return reinterpret_cast<V>(_mm256_sqrt_pd(reinterpret_cast<__m256d>(x)));
#else
  V y{};
  for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(x[0])); ++i) y[i] = std::sqrt(x[i]);
  return y;
#endif
}

}  // namespace dcs::DCS_ISA
