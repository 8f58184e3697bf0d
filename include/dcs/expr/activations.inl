// Values and derivatives of the functions that networks use between their layers, on vectors; see functions.hpp and functions.inl. A derivative where
// a function has a corner is PyTorch's.
namespace dcs::DCS_ISA {

// A number as an operand of V's arithmetic: an element for a vector, as a double would not convert.
template <class V>
DCS_INLINE constexpr auto number_of(double c) {
  if constexpr (std::is_arithmetic_v<V>)
    return static_cast<V>(c);
  else
    return static_cast<std::remove_cvref_t<decltype(std::declval<V>()[0])>>(c);
}

// d erf(x) / dx = 2 / √π · e^(−x²).
template <class V>
DCS_INLINE V value_of(functions::erf, V a) {
  return erf(a);
}
template <int I, class V>
DCS_INLINE V partial(functions::erf, V g, V, V a) {
  return g * number_of<V>(1.12837916709551257390) * exp(-a * a);
}

// x · Φ(x), Φ the distribution function of the normal distribution; its derivative is Φ(x) + x · e^(−x² / 2) / √(2π).
template <class V>
DCS_INLINE V normal_distribution(V a) {
  return (erf(a * number_of<V>(0.70710678118654752440)) + 1) / 2;
}
template <class V>
DCS_INLINE V value_of(functions::gelu, V a) {
  return a * normal_distribution(a);
}
template <int I, class V>
DCS_INLINE V partial(functions::gelu, V g, V, V a) {
  return g * (normal_distribution(a) + a * number_of<V>(0.39894228040143267794) * exp(-a * a / 2));
}

// x / 2 · (1 + tanh u), u = √(2/π) · (x + 0.044715 x³).
template <class V>
DCS_INLINE V gelu_argument(V a) {
  return number_of<V>(0.79788456080286535588) * a * (a * a * number_of<V>(0.044715) + 1);
}
template <class V>
DCS_INLINE V value_of(functions::gelu_tanh, V a) {
  return a / 2 * (value_of(functions::tanh{}, gelu_argument(a)) + 1);
}
template <int I, class V>
DCS_INLINE V partial(functions::gelu_tanh, V g, V, V a) {
  const V t = value_of(functions::tanh{}, gelu_argument(a));
  const V slope = number_of<V>(0.79788456080286535588) * (a * a * number_of<V>(3 * 0.044715) + 1);
  return g * ((t + 1) + a * (1 - t * t) * slope) / 2;
}

template <class V>
DCS_INLINE V value_of(functions::silu, V a) {
  return a * value_of(functions::sigmoid{}, a);
}
template <int I, class V>
DCS_INLINE V partial(functions::silu, V g, V y, V a) {
  const V s = value_of(functions::sigmoid{}, a);
  return g * (s + y * (1 - s));
}

template <class V>
DCS_INLINE V value_of(functions::hard_sigmoid, V a) {
  const V s = a + 3;
  return (s < V{} ? V{} : s > V{} + 6 ? V{} + 6 : s) / 6;
}
template <int I, class V>
DCS_INLINE V partial(functions::hard_sigmoid, V g, V, V a) {
  return a > V{} - 3 ? (a < V{} + 3 ? g / 6 : V{}) : V{};
}

template <class V>
DCS_INLINE V value_of(functions::hard_swish, V a) {
  return a * value_of(functions::hard_sigmoid{}, a);
}
template <int I, class V>
DCS_INLINE V partial(functions::hard_swish, V g, V, V a) {
  return a > V{} - 3 ? (a < V{} + 3 ? g * (a / 3 + number_of<V>(0.5)) : g) : V{};
}

// log(1 + e^x) = max(x, 0) + log(1 + e^(−|x|)), which neither overflows nor cancels.
template <class V>
DCS_INLINE V value_of(functions::softplus, V a) {
  return (a < V{} ? V{} : a) + log1p(exp(a < V{} ? a : -a));
}
template <int I, class V>
DCS_INLINE V partial(functions::softplus, V g, V, V a) {
  return g * value_of(functions::sigmoid{}, a);
}

// tanh(softplus(x)) = w / (w + 2), w = e^x (e^x + 2). From x = 20 on it is 1, and w would overflow later.
template <class V>
DCS_INLINE V mish_exponential(V a) {
  const V e = exp(a > V{} + 20 ? V{} + 20 : a);
  return e * (e + 2);
}
template <class V>
DCS_INLINE V value_of(functions::mish, V a) {
  const V w = mish_exponential(a);
  return a * (w / (w + 2));
}
template <int I, class V>
DCS_INLINE V partial(functions::mish, V g, V, V a) {
  const V w = mish_exponential(a), t = w / (w + 2);
  const V slope = t + a * (1 + t) * (2 / (w + 2)) * value_of(functions::sigmoid{}, a);
  return a > V{} + 20 ? g : g * slope;
}

// x where it is above 0, else slope · x.
template <class V>
DCS_INLINE V value_of(functions::prelu, V a, V slope) {
  return a > V{} ? a : a * slope;
}
template <int I, class V>
DCS_INLINE V partial(functions::prelu, V g, V, V a, V slope) {
  if constexpr (I == 0)
    return a > V{} ? g : g * slope;
  else
    return a > V{} ? V{} : g * a;
}

// x where it is above 0, else scale · (e^x − 1); e^x − 1 = 2t / (1 − t) for t = tanh(x / 2), without cancellation near 0.
template <class V>
DCS_INLINE V exponential_less_1(V a) {
  const V t = value_of(functions::tanh{}, a / 2);
  return (t + t) / (1 - t);
}
template <class V>
DCS_INLINE V value_of(functions::elu, V a, V scale) {
  return a > V{} ? a : scale * exponential_less_1(a > V{} ? V{} : a);
}
template <int I, class V>
DCS_INLINE V partial(functions::elu, V g, V, V a, V scale) {
  if constexpr (I == 0)
    return a > V{} ? g : g * scale * exp(a);
  else
    return a > V{} ? V{} : g * exponential_less_1(a);
}

// min(max(x, low), high): NaN passes through, and where the bounds are the wrong way round it is `high`. On a bound the
// gradient is 0, as PyTorch's is where the bounds are numbers.
template <class V>
DCS_INLINE V value_of(functions::clip, V a, V low, V high) {
  const V raised = a < low ? low : a;
  return raised > high ? high : raised;
}
template <int I, class V>
DCS_INLINE V partial(functions::clip, V g, V, V a, V low, V high) {
  if constexpr (I == 0)
    return a > low ? (a < high ? g : V{}) : V{};
  else if constexpr (I == 1)
    return low < high ? (a < low ? g : V{}) : V{};
  else
    return high < low ? g : a > high ? g : V{};
}

// ∂x^p/∂x = p x^(p−1), 0 for p = 0 whatever x is; ∂x^p/∂p = x^p log x, 0 for x = 0.
template <class V>
DCS_INLINE V value_of(functions::pow, V a, V p) {
  return power(a, p);
}
template <int I, class V>
DCS_INLINE V partial(functions::pow, V g, V y, V a, V p) {
  if constexpr (I == 0)
    return p == V{} ? V{} : g * p * power(a, p - 1);
  else
    return a == V{} ? V{} : g * y * log(a);
}

// a where the condition is not 0, else b. What is not selected has no gradient, NaN included; the condition has none.
template <class V>
DCS_INLINE V value_of(functions::select, V condition, V a, V b) {
  return condition != V{} ? a : b;
}
template <int I, class V>
DCS_INLINE V partial(functions::select, V g, V, V condition, V, V) {
  if constexpr (I == 1)
    return condition != V{} ? g : V{};
  else
    return condition != V{} ? V{} : g;
}

// 1 where it is so, else 0; without a derivative (functions::has_derivative).
#define DCS_COMPARISON(function, op)                     \
  template <class V>                                     \
  DCS_INLINE V value_of(functions::function, V a, V b) { \
    return a op b ? V{} + 1 : V{};                       \
  }
DCS_COMPARISON(greater, >)
DCS_COMPARISON(greater_equal, >=)
DCS_COMPARISON(less, <)
DCS_COMPARISON(less_equal, <=)
DCS_COMPARISON(equal, ==)
DCS_COMPARISON(not_equal, !=)
#undef DCS_COMPARISON

}  // namespace dcs::DCS_ISA
