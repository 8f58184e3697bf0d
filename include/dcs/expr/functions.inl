// Values and derivatives of the pointwise functions, on vectors; see functions.hpp. partial<I>(F, g, y, x...) is g · ∂f/∂x_I where f(x...) = y.
namespace dcs::DCS_ISA {

template <class V>
DCS_INLINE V value_of(functions::add, V a, V b) {
  return a + b;
}
template <int I, class V>
DCS_INLINE V partial(functions::add, V g, V, V, V) {
  return g;
}

template <class V>
DCS_INLINE V value_of(functions::sub, V a, V b) {
  return a - b;
}
template <int I, class V>
DCS_INLINE V partial(functions::sub, V g, V, V, V) {
  if constexpr (I == 0)
    return g;
  else
    return -g;
}

template <class V>
DCS_INLINE V value_of(functions::mul, V a, V b) {
  return a * b;
}
template <int I, class V>
DCS_INLINE V partial(functions::mul, V g, V, V a, V b) {
  if constexpr (I == 0)
    return g * b;
  else
    return g * a;
}

template <class V>
DCS_INLINE V value_of(functions::div, V a, V b) {
  return a / b;
}
template <int I, class V>
DCS_INLINE V partial(functions::div, V g, V y, V, V b) {
  if constexpr (I == 0)
    return g / b;
  else
    return -g * y / b;
}

template <class V>
DCS_INLINE V value_of(functions::neg, V a) {
  return -a;
}
template <int I, class V>
DCS_INLINE V partial(functions::neg, V g, V, V) {
  return -g;
}

// NaN passes through, as it does in PyTorch; the derivative at 0 is 0.
template <class V>
DCS_INLINE V value_of(functions::relu, V a) {
  return a < V{} ? V{} : a;
}
template <int I, class V>
DCS_INLINE V partial(functions::relu, V g, V, V a) {
  return a > V{} ? g : V{};
}

template <class V>
DCS_INLINE V value_of(functions::exp, V a) {
  return exp(a);
}
template <int I, class V>
DCS_INLINE V partial(functions::exp, V g, V y, V) {
  return g * y;
}

template <class V>
DCS_INLINE V value_of(functions::log, V a) {
  return log(a);
}
template <int I, class V>
DCS_INLINE V partial(functions::log, V g, V, V a) {
  return g / a;
}

template <class V>
DCS_INLINE V value_of(functions::sqrt, V a) {
  return square_root(a);
}
template <int I, class V>
DCS_INLINE V partial(functions::sqrt, V g, V y, V) {
  return g / (y + y);
}

template <class V>
DCS_INLINE V value_of(functions::square, V a) {
  return a * a;
}
template <int I, class V>
DCS_INLINE V partial(functions::square, V g, V, V a) {
  return g * (a + a);
}

template <class V>
DCS_INLINE V value_of(functions::abs, V a) {
  return a < V{} ? -a : a;
}
template <int I, class V>
DCS_INLINE V partial(functions::abs, V g, V, V a) {
  return a < V{} ? -g : a > V{} ? g : V{};
}

// exp of −|x| never overflows.
template <class V>
DCS_INLINE V value_of(functions::sigmoid, V a) {
  const V e = exp(a < V{} ? a : -a);
  return (a < V{} ? e : V{} + 1) / (e + 1);
}
template <int I, class V>
DCS_INLINE V partial(functions::sigmoid, V g, V y, V) {
  return g * y * (1 - y);
}

template <class V>
DCS_INLINE V value_of(functions::tanh, V a) {
  const V size = a < V{} ? -a : a, e = exp(size * -2), t = (1 - e) / (1 + e), s = a * a;
  // Near 0, where 1 − e cancels, the Padé approximant of order 7 / 6.
  const V near = a * (135135 + s * (17325 + s * (378 + s))) / (135135 + s * (62370 + s * (3150 + s * 28)));
  return size * 5 < V{} + 2 ? near : a < V{} ? -t : t;
}
template <int I, class V>
DCS_INLINE V partial(functions::tanh, V g, V y, V) {
  return g * (1 - y * y);
}

// Where both are equal each gets half, and NaN passes through from either side, as in PyTorch.
template <class V>
DCS_INLINE V value_of(functions::maximum, V a, V b) {
  return a != a ? a : a > b ? a : b;
}
template <int I, class V>
DCS_INLINE V partial(functions::maximum, V g, V, V a, V b) {
  if constexpr (I == 0)
    return a > b ? g : a < b ? V{} : g / 2;
  else
    return b > a ? g : b < a ? V{} : g / 2;
}
template <class V>
DCS_INLINE V value_of(functions::minimum, V a, V b) {
  return a != a ? a : a < b ? a : b;
}
template <int I, class V>
DCS_INLINE V partial(functions::minimum, V g, V, V a, V b) {
  if constexpr (I == 0)
    return a < b ? g : a > b ? V{} : g / 2;
  else
    return b < a ? g : b > a ? V{} : g / 2;
}

// A user's function works on scalars: element by element.
template <class F, class V, class... Vs>
requires functions::scalar_function<F, V, Vs...> DCS_INLINE V value_of(F, V a, Vs... rest) {
  if constexpr (std::is_arithmetic_v<V>) {
    return F::f(a, rest...);
  } else {
    V y{};
    for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(a[0])); ++i) y[i] = F::f(a[i], rest[i]...);
    return y;
  }
}
template <int I, class F, class V, class... Vs>
requires functions::scalar_function<F, Vs...> DCS_INLINE V partial(F, V g, V y, Vs... x) {
  if constexpr (std::is_arithmetic_v<V>) {
    return g * F::template df<I>(y, x...);
  } else {
    V d{};
    for (int i = 0; i < static_cast<int>(sizeof(V) / sizeof(g[0])); ++i) d[i] = g[i] * F::template df<I>(y[i], x[i]...);
    return d;
  }
}

}  // namespace dcs::DCS_ISA
