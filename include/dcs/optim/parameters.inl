// The sum of squares that an optimiser clips by; see parameters.hpp.
namespace dcs::DCS_ISA {

template <class G>
DCS_TARGET double sum_of_squares(const G* x, std::int64_t n) {
  using T = compute_type<G>;
  double total = 0;
  for (std::int64_t begin = 0; begin < n; begin += 4096) {
    const std::int64_t end = std::min(n, begin + 4096);
    vec<T> sum{};
    std::int64_t i = begin;
    for (; i + lanes<T> <= end; i += lanes<T>) sum += load_wide(x + i) * load_wide(x + i);
    T rest = 0;
    for (; i < end; ++i) rest += x[i] * x[i];
    total += static_cast<double>(dcs::DCS_ISA::sum<T>(sum) + rest);
  }
  return total;
}

}  // namespace dcs::DCS_ISA
