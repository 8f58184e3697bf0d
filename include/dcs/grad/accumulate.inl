// Adding gradients, per instruction set.
namespace dcs::DCS_ISA {

template <class T>
DCS_TARGET void add_into(T* to, const T* from, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) store(to + i, load(to + i) + load(from + i));
  for (; i < n; ++i) to[i] += from[i];
}

}  // namespace dcs::DCS_ISA
