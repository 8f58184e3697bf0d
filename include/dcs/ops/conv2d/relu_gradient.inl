// dy where y > 0, the gradient of ReLU.
namespace dcs::DCS_ISA {

template <class T>
DCS_TARGET void relu_gradient(const T* y, const T* dy, T* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) store(out + i, load(y + i) > vec<T>{} ? load(dy + i) : vec<T>{});
  for (; i < n; ++i) out[i] = y[i] > T(0) ? dy[i] : T(0);
}

}  // namespace dcs::DCS_ISA
