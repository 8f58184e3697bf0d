// Conversions between bf16 and float, a vector at a time; see half.hpp.
namespace dcs::DCS_ISA {

DCS_TARGET inline void widen_numbers(const bf16* from, std::int64_t n, float* to) {
  std::int64_t i = 0;
  for (; i + lanes<float> <= n; i += lanes<float>) store(to + i, load_wide(from + i));
  for (; i < n; ++i) to[i] = from[i];
}

DCS_TARGET inline void round_numbers(const float* from, std::int64_t n, bf16* to) {
  std::int64_t i = 0;
  for (; i + lanes<float> <= n; i += lanes<float>) store_wide(to + i, load(from + i));
  for (; i < n; ++i) to[i] = bf16(from[i]);
}

}  // namespace dcs::DCS_ISA
