// A pointwise expression as a type made of call<F, ...>, leaf<I> and constant<I>, applied to the values of its leaves: the result, and the gradients
// of the leaves. Intermediate values are recomputed. V is a vector of an instruction set, or a number.
namespace dcs::DCS_ISA {

template <class Node>
struct chain;

template <int I>
struct chain<expr::leaf<I>> {
  template <class V>
  DCS_INLINE static V value(const V* x, const V*) {
    return x[I];
  }
  template <class V>
  DCS_INLINE static void spread(V g, const V*, const V*, V* dx) {
    dx[I] += g;
  }
};

template <int I>
struct chain<expr::constant<I>> {
  template <class V>
  DCS_INLINE static V value(const V*, const V* c) {
    return c[I];
  }
  template <class V>
  DCS_INLINE static void spread(V, const V*, const V*, V*) {}
};

template <class F, class A>
struct chain<expr::call<F, A>> {
  template <class V>
  DCS_INLINE static V value(const V* x, const V* c) {
    return value_of(F{}, chain<A>::value(x, c));
  }
  template <class V>
  DCS_INLINE static void spread(V g, const V* x, const V* c, V* dx) {
    const V a = chain<A>::value(x, c);
    if constexpr (functions::has_derivative<F, 0>) chain<A>::spread(partial<0>(F{}, g, value_of(F{}, a), a), x, c, dx);
  }
};

template <class F, class A, class B>
struct chain<expr::call<F, A, B>> {
  template <class V>
  DCS_INLINE static V value(const V* x, const V* c) {
    return value_of(F{}, chain<A>::value(x, c), chain<B>::value(x, c));
  }
  template <class V>
  DCS_INLINE static void spread(V g, const V* x, const V* c, V* dx) {
    const V a = chain<A>::value(x, c), b = chain<B>::value(x, c), y = value_of(F{}, a, b);
    if constexpr (functions::has_derivative<F, 0>) chain<A>::spread(partial<0>(F{}, g, y, a, b), x, c, dx);
    if constexpr (functions::has_derivative<F, 1>) chain<B>::spread(partial<1>(F{}, g, y, a, b), x, c, dx);
  }
};

template <class F, class A, class B, class C>
struct chain<expr::call<F, A, B, C>> {
  template <class V>
  DCS_INLINE static V value(const V* x, const V* c) {
    return value_of(F{}, chain<A>::value(x, c), chain<B>::value(x, c), chain<C>::value(x, c));
  }
  template <class V>
  DCS_INLINE static void spread(V g, const V* x, const V* c, V* dx) {
    const V p = chain<A>::value(x, c), q = chain<B>::value(x, c), r = chain<C>::value(x, c), y = value_of(F{}, p, q, r);
    if constexpr (functions::has_derivative<F, 0>) chain<A>::spread(partial<0>(F{}, g, y, p, q, r), x, c, dx);
    if constexpr (functions::has_derivative<F, 1>) chain<B>::spread(partial<1>(F{}, g, y, p, q, r), x, c, dx);
    if constexpr (functions::has_derivative<F, 2>) chain<C>::spread(partial<2>(F{}, g, y, p, q, r), x, c, dx);
  }
};

}  // namespace dcs::DCS_ISA
