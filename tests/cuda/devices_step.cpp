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
      const models::dcsnet::segmentation<decltype(widened(main))> out{widened(main), widened(edge), {widened(a), widened(b), widened(c), widened(d)}};
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

// Two parameters of three chunks, a step that is clipped; in bf16 gradients and copies are.
template <int Moments, class Numbers>
auto step_of(const Numbers& now) {
  return [now]<class T, class D>(T, D) {
    using A = cuda::arithmetic_t<T>;
    using line = shape<dyn<"n">>;
    std::vector<double> out;
    std::vector<tensor<A, line, D>> held_values;
    std::vector<tensor<T, line, D>> gradients;
    std::vector<tensor<bf16, line, D>> copies;
    std::vector<optimizer_parameter<A, T, Moments>> list;
    for (std::uint64_t p = 0; p < 2; ++p) {
      const sizes<1> n{p == 0 ? 8195 : 5};
      optimizer_parameter<A, T, Moments> row{};
      held_values.push_back(to<D>(held<A>(normal<line>(10 + p, n))).clone());
      row.value = held_values.back().data();
      for (int k = 0; k < Moments; ++k) {
        auto moment = normal<line>(20 + p + 10 * static_cast<std::uint64_t>(k), n);
        if (k == 1)
          for (double& v : moment.values()) v = v * v;
        held_values.push_back(to<D>(held<A>(moment)).clone());
        row.moments[k] = held_values.back().data();
      }
      gradients.push_back(to<D>(held<T>(normal<line>(40 + p, n))));
      copies.push_back(tensor<bf16, line, D>::zeros(n));
      row.gradient = gradients.back().data(), row.copy = copies.back().data(), row.size = n[0];
      list.push_back(row);
    }
    optimizer_memory memory;
    measure_gradients(D{}, list, 1.0, memory), move_parameters(D{}, list, now, memory);
    for (const auto& v : held_values) append(out, v);
    for (std::size_t p = 0; p < copies.size(); ++p) {
      const auto value = to<cpu_device>(held_values[(1 + Moments) * p]);
      const auto copy = to<cpu_device>(copies[p]);
      for (extent_t i = 0; i < value.size(); ++i)
        if (copy.data()[i].bits != static_cast<bf16>(static_cast<float>(value.data()[i])).bits) out.push_back(HUGE_VAL);
    }
    return out;
  };
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
  const words in = wide_in_bf16("step", "step of f32, gradients and copies in bf16");
  t.numbers("AdamW", in, step_of<2>(adamw_numbers::of({0.01, 0.9, 0.999, 1e-8, 0.1, 1.0}, 3)));
  t.numbers("SGD with momentum", in, step_of<1>(sgd_numbers::of({0.01, 0.9, 0.1, true, 1.0}, 3)));
  t.numbers("averages of weights", wide_in_bf16("step", "step of f32"), []<class T, class D>(T, D) {
    using A = cuda::arithmetic_t<T>;
    using line = shape<dyn<"n">>;
    const auto average = to<D>(held<A>(normal<line>(50, {8195}))).clone(), value = to<D>(held<A>(normal<line>(51, {8195})));
    chunk_tables tables;
    update_averages(D{}, std::vector<average_row<A>>{{average.data(), value.data(), 8195}}, 0.1, tables);
    std::vector<double> out;
    append(out, average);
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
