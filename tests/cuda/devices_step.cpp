// The third table of docs/devices.md: the parts of a training step besides its ops: casts, sums of gradients, regions under a mask, the loss, the
// optimiser.
#include "devices.hpp"

#include "masked.hpp"

#include <dcs/models/dcsnet/loss.hpp>

using namespace dcs;
using namespace device_table;

namespace {

// Four regions of which the first and the last are padded on a device; the host takes the valid alone.
void masked_rows(table& t) {
  const masked_test::mask_values mask{0, 1, 1, 0};
  t.row(
      "batch_norm_training of valid regions",
      [&](const auto& a, const auto& scale, const auto& shift) {
        using X = std::remove_cvref_t<decltype(a)>;
        const auto mean = wide_beside(a, tensor<double, shape<8>>::zeros()), variance = wide_beside(a, tensor<double, shape<8>>::zeros());
        if constexpr (is_host<device_t<X>>) {
          return eval(relu(batch_norm_training(eval(slice<0, 1, 2>(a)), scale, shift, mean, variance)));
        } else {
          const auto there = masked_test::mask_on<device_t<X>, compute_type<value_t<X>>>(mask);
          const row_mask_scope scope(there);
          return eval(slice<0, 1, 2>(eval(relu(batch_norm_training(a, scale, shift, mean, variance)))));
        }
      },
      normal<shape<4, 6, 7, 8>>(1, {4, 6, 7, 8}), normal<shape<8>>(2, {8}), normal<shape<8>>(3, {8}));
  using maps = shape<dyn<"roi">, 8, 8, 1>;
  const sizes<4> n{4, 8, 8, 1};
  const auto target = binary<maps>(4, n);
  const auto total = [&](bool masked) {
    return [&, masked](const auto& main, const auto& edge, const auto& a, const auto& b, const auto& c, const auto& d) {
      using X = std::remove_cvref_t<decltype(main)>;
      const segmentation<decltype(widened(main))> out{widened(main), widened(edge), {widened(a), widened(b), widened(c), widened(d)}};
      const auto truth = wide_beside(main, target);
      return masked ? models::dcsnet::total_loss(out, truth, masked_test::mask_on<device_t<X>, compute_type<value_t<X>>>(mask)).total
                    : models::dcsnet::total_loss(out, truth).total;
    };
  };
  const auto row = [&](const char* op, const auto& f) {
    t.row(op, f, normal<maps>(5, n), normal<maps>(6, n), normal<maps>(7, n), normal<maps>(8, n), normal<maps>(9, n), normal<maps>(10, n));
  };
  row("loss::total", total(false));
  row("loss::total of valid regions", total(true));
}

void memory_rows(table& t) {
  const auto x = normal<map>(1, {2, 6, 7, 8});
  t.row(
      "cast to f32", [](const auto& a) { return cast<float>(a); }, x);
  t.row(
      "cast to bf16", [](const auto& a) { return cast<bf16>(a); }, x);
  t.row(
      "cast to f64", [](const auto& a) { return cast<double>(a); }, x);
  t.row(
      "a value used twice", [](const auto& a) { return concat<channel>(a, a); }, x);
  t.numbers("full", no_gradient, []<class T, class D>(T, D) {
    std::vector<double> out;
    append(out, tensor<T, map, D>::full({2, 6, 7, 8}, static_cast<T>(1.5f)));
    return out;
  });
  // Two parameters of three chunks, a step that is clipped; in bf16 gradients and copies are.
  t.numbers("AdamW", {"step", "step", "step", "step of f32, gradients and copies in bf16", "step"}, []<class T, class D>(T, D) {
    using A = cuda::arithmetic_t<T>;
    using line = shape<dyn<"n">>;
    std::vector<double> out;
    std::vector<tensor<A, line, D>> held_values;
    std::vector<tensor<T, line, D>> gradients;
    std::vector<tensor<bf16, line, D>> copies;
    std::vector<adamw_parameter<A, T>> list;
    for (std::uint64_t p = 0; p < 2; ++p) {
      const sizes<1> n{p == 0 ? 8195 : 5};
      auto second = normal<line>(30 + p, n);
      for (double& v : second.values()) v = v * v;
      for (const auto& v : {normal<line>(10 + p, n), normal<line>(20 + p, n), second}) held_values.push_back(to<D>(held<A>(v)).clone());
      gradients.push_back(to<D>(held<T>(normal<line>(40 + p, n))));
      copies.push_back(tensor<bf16, line, D>::zeros(n));
      const auto* v = &held_values[3 * p];
      list.push_back({v[0].data(), gradients[p].data(), v[1].data(), v[2].data(), copies[p].data(), n[0]});
    }
    adamw_memory memory;
    const auto now = adamw_numbers::of({0.01, 0.9, 0.999, 1e-8, 0.1, 1.0}, 3);
    adamw_measure(D{}, list, now, memory), adamw_move(D{}, list, now, memory);
    for (const auto& v : held_values) append(out, v);
    for (std::size_t p = 0; p < copies.size(); ++p) {
      const auto value = to<cpu_device>(held_values[3 * p]);
      const auto copy = to<cpu_device>(copies[p]);
      for (extent_t i = 0; i < value.size(); ++i)
        if (copy.data()[i].bits != static_cast<bf16>(static_cast<float>(value.data()[i])).bits) out.push_back(HUGE_VAL);
    }
    return out;
  });
}

}  // namespace

TEST_CASE("docs/devices.md says what else of a training step runs where") {
  table t;
  masked_rows(t);
  memory_rows(t);
  t.compare_section("Types, masks, optimiser", "Made by `test_cuda_devices_step`.");
}
