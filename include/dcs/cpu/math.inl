// Elementary functions on vectors; see math.hpp. exp is a polynomial (float) or a rational function (double), within 2 ulp; functions that are not in
// a hot loop call the C library for each element.
namespace dcs::DCS_ISA {

template <class V>
using element = std::remove_cvref_t<decltype(std::declval<V>()[0])>;

/// e^x. Cody and Waite's reduction to |r| ≤ ln 2 / 2, then a polynomial; Floats: 0 below −87.33, infinity above
/// 88.72; doubles: to the smallest subnormal, infinity above 709.78.
template <class V>
DCS_INLINE V exp(V x) {
  if constexpr (std::is_same_v<element<V>, float>) {
    typedef std::int32_t I __attribute__((vector_size(sizeof(V))));
    const V bounded = x < -88.0f ? V{} - 88.0f : x > 89.0f ? V{} + 89.0f : x;
    const V shifted = bounded * 1.44269504088896341f + 12582912.0f;  // rounds to nearest: 1.5 · 2^23
    const V n = shifted - 12582912.0f;
    const V r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
    V p = 1.9875691500e-4f * r + 1.3981999507e-3f;  // a scalar: nvcc 13 crashes at 16 floats of a constant with many digits
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
    typedef std::int64_t I __attribute__((vector_size(sizeof(V))));
    const V bounded = x < -746.0 ? V{} - 746.0 : x > 710.0 ? V{} + 710.0 : x;
    const V shifted = bounded * 1.4426950408889634074 + 6755399441055744.0;  // rounds to nearest: 1.5 · 2^52
    const V n = shifted - 6755399441055744.0;
    const V r = (bounded - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6, rr = r * r;
    // 1 + 2 p / (q − p), the rational approximation of Cephes.
    const V p = r * ((rr * 1.26177193074810590878e-4 + 3.02994407707441961300e-2) * rr + 1.0);
    const V q = ((rr * 3.00198505138664455042e-6 + 2.52448340349684104192e-3) * rr + 2.27265548208155028766e-1) * rr + 2.0;
    const V e = 1.0 + 2.0 * (p / (q - p));
    I bits;
    __builtin_memcpy(&bits, &shifted, sizeof bits);
    const I power = bits - 0x4338000000000000, half = power >> 1, rest = power - half;
    const I e1 = (half + 1023) << 52, e2 = (rest + 1023) << 52;
    V s1, s2;
    __builtin_memcpy(&s1, &e1, sizeof s1);
    __builtin_memcpy(&s2, &e2, sizeof s2);
    const V y = e * s1 * s2;
    return x == x ? y : x;
  }
}

template <class V>
DCS_INLINE V log(V x) {
  V y{};
  for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(x[0])); ++i) y[i] = std::log(x[i]);
  return y;
}

// The C library's sqrt sets errno, which keeps compilers from using the instruction, so that it is written explicitly: by the compilers' own
// functions, as <immintrin.h> takes a third of the time in which dcs.hpp is compiled. 4: rounding as the processor is set.
template <class V>
DCS_INLINE V square_root(V x) {
#if DCS_ISA_BYTES == 64 && defined(__clang__)
  if constexpr (std::is_same_v<element<V>, float>)
    return __builtin_ia32_sqrtps512(x, 4);
  else
    return __builtin_ia32_sqrtpd512(x, 4);
#elif DCS_ISA_BYTES == 64
  unsigned short all = 0xFFFF;  // elements; a variable, as nvcc's front end takes the mask for signed and would warn of a constant
  if constexpr (std::is_same_v<element<V>, float>)
    return __builtin_ia32_sqrtps512_mask(x, x, all, 4);
  else
    return __builtin_ia32_sqrtpd512_mask(x, x, static_cast<unsigned char>(all), 4);
#elif DCS_ISA_BYTES == 32
  if constexpr (std::is_same_v<element<V>, float>)
    return __builtin_ia32_sqrtps256(x);
  else
    return __builtin_ia32_sqrtpd256(x);
#else
  V y{};
  for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(x[0])); ++i) y[i] = std::sqrt(x[i]);
  return y;
#endif
}

}  // namespace dcs::DCS_ISA
