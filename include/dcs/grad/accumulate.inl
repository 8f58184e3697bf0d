// Adding gradients, per instruction set.
namespace dcs::DCS_ISA {

template <class T>
DCS_TARGET void add_into(T* to, const T* from, std::int64_t n) {
  std::int64_t i = 0;
  constexpr int step = lanes<compute_type<T>>;
  for (; i + step <= n; i += step) store_wide(to + i, load_wide(to + i) + load_wide(from + i));
  for (; i < n; ++i) to[i] = static_cast<T>(to[i] + from[i]);
}

}  // namespace dcs::DCS_ISA
