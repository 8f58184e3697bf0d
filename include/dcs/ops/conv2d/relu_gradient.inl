// dy where y > 0, the gradient of ReLU.
namespace dcs::DCS_ISA {

template <class T>
DCS_TARGET void relu_gradient(const T* y, const T* dy, T* out, std::int64_t n) {
  std::int64_t i = 0;
  using S = compute_type<T>;
  for (; i + lanes<S> <= n; i += lanes<S>) store_wide(out + i, load_wide(y + i) > vec<S>{} ? load_wide(dy + i) : vec<S>{});
  for (; i < n; ++i) out[i] = y[i] > S(0) ? dy[i] : T{};
}

}  // namespace dcs::DCS_ISA
