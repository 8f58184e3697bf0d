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

/// c[0] + c[1] x + c[2] x² + ... by Horner's rule.
template <std::size_t N, class V>
DCS_INLINE V polynomial(V x, const element<V> (&c)[N]) {
  V y = V{} + c[N - 1];
  for (std::size_t i = N - 1; i > 0; --i) y = y * x + c[i - 1];
  return y;
}

/// erf(x) within 2e-7 (float) or 4e-16 (double) of a value near it, relative up to |x| = 1. Up to 1 it is x · P(x²), beyond it
/// 1 − e^(−x²) · Q(t) with t = (|x| − 2) / (|x| + 2), with polynomials through the values at Chebyshev's nodes; it is ±1 from the bound on, where
/// erfc is under half a unit in the last place.
template <class V>
DCS_INLINE V erf(V x) {
  const V s = x * x, size = x < V{} ? -x : x;
  V near, far, bounded;
  if constexpr (std::is_same_v<element<V>, float>) {
    constexpr float p[]{1.128379166f, -0.3761262667f, 0.1128359472f, -0.02685421201f, 0.005189087423f, -0.0008016864287f, 7.875875063e-5f};
    constexpr float q[]{0.2553956763f,   -0.4271858476f,  0.2416582111f,     -0.07897852327f,
                        0.003732141351f, 0.006994855414f, -0.0008365899736f, -0.0009441596341f};
    bounded = size > 4.0f ? V{} + 4.0f : size;
    near = x * polynomial(s, p), far = polynomial((bounded - 2.0f) / (bounded + 2.0f), q);
  } else {
    constexpr double p[]{1.128379167095512567,    -0.3761263890318354044,    0.1128379167094500627,    -0.02686617064323777036,
                         0.005223977607116422732, -0.0008548325975389692081, 0.0001205529490483970792, -1.492473690741966034e-5,
                         1.644742470331736241e-6, -1.62084838018717059e-7,   1.37200645467776856e-8,   -7.795898827002142242e-10};
    constexpr double q[]{0.2553956763105057445,   -0.4271858474139584861,   0.2416581942424658465,     -0.078978581015706104,
                         0.003732892404397833773, 0.006997461736971578745,  -0.0008471432529919500476, -0.0009819769411038642652,
                         4.355558686575481596e-5, 0.0001743594740020515756, 2.752717555722724734e-5,   -2.756220916112935301e-5,
                         -1.39982837277849769e-5, 1.305857712227801648e-6,  4.011749647325066927e-6,   1.272567661840228019e-6,
                         -1.135257147727362645e-6};
    bounded = size > 6.0 ? V{} + 6.0 : size;
    near = x * polynomial(s, p), far = polynomial((bounded - 2.0) / (bounded + 2.0), q);
  }
  const V rest = 1 - exp(-bounded * bounded) * far;
  return size < V{} + 1 ? near : x < V{} ? -rest : rest;
}

/// log(1 + x) for 0 ≤ x ≤ 1, without the cancellation of forming 1 + x: 2 artanh(x / (2 + x)).
template <class V>
DCS_INLINE V log1p(V x) {
  const V u = x / (x + 2), s = u * u;
  if constexpr (std::is_same_v<element<V>, float>) {
    constexpr float c[]{1.000000004f, 0.3333316082f, 0.2001229762f, 0.1398257887f, 0.1407888918f};
    return (u + u) * polynomial(s, c);
  } else {
    constexpr double c[]{0.9999999999999999558,  0.3333333333334128716,  0.199999999976438,      0.1428571455582858011, 0.1111109543067314202,
                         0.09091429900236955479, 0.07681838124445817129, 0.06795652742789946918, 0.0494039452438239312, 0.08890381913056651447};
    return (u + u) * polynomial(s, c);
  }
}

template <class V>
DCS_INLINE V power(V x, V p) {
  V y{};
  for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(x[0])); ++i) y[i] = std::pow(x[i], p[i]);
  return y;
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
