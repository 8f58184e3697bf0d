// SGD's kernel against its equations in double, and the optimiser on a device against the host's.
#include <dcs/optim/sgd.cuh>

#include "device_optimiser.hpp"

using namespace dcs;
using kernel_test::on_gpu;
using kernel_test::target;
using namespace optimiser_test;

namespace {

// The equations, element by element in double, for parameters of several chunks and of part of a packet. `there`: the step's numbers lie in the
// device's memory, and others beside the kernel.
template <class T, class G>
void check_update(const sgd_options& o, bool copies, bool there) {
  using kernel_test::on_host;
  using kernel_test::uploaded;
  const std::vector<std::int64_t> sizes{8193, 5, 64, 0, 3};
  struct one {
    std::vector<T> value, velocity;
    std::vector<G> gradient;
  };
  std::vector<one> before;
  double squares = 0;
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    const random_stream r{9, p};
    one x;
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(sizes[p]); ++i) {
      x.value.push_back(static_cast<T>(r.child(1).normal(i)));
      x.velocity.push_back(static_cast<T>(r.child(2).normal(i)));
      x.gradient.push_back(static_cast<G>(static_cast<float>(r.child(3).normal(i))));
      squares += static_cast<double>(x.gradient.back()) * static_cast<double>(x.gradient.back());
    }
    before.push_back(std::move(x));
  }
  const double norm = std::sqrt(squares), clip = o.clip_norm > 0 && norm > o.clip_norm ? o.clip_norm / (norm + 1e-6) : 1;
  for (int order = 1; order <= (on_gpu ? 1 : 2); ++order) {
    cuda::emulated::options().seed = static_cast<std::uint64_t>(order);
    std::vector<decltype(uploaded(before[0].value))> memory;
    std::vector<decltype(uploaded(before[0].gradient))> gradients;
    std::vector<decltype(uploaded(std::vector<bf16>()))> rounded;
    std::vector<sgd_parameter<T, G>> list;
    for (const one& x : before) {
      memory.push_back(uploaded(x.value)), memory.push_back(uploaded(x.velocity)), gradients.push_back(uploaded(x.gradient));
      rounded.push_back(uploaded(std::vector<bf16>(x.value.size())));
      list.push_back({memory[memory.size() - 2].data(),
                      gradients.back().data(),
                      {memory.back().data()},
                      copies ? rounded.back().data() : nullptr,
                      static_cast<std::int64_t>(x.value.size())});
    }
    optimizer_memory kept;
    const auto numbers = sgd_numbers::of(o, 1);
    measure_gradients(target{}, list, o.clip_norm, kept);
    if (there) {
      kept.numbers = storage::allocate<target>(sizeof numbers);
      target::copy_from_host(kept.numbers.data(), &numbers, sizeof numbers);
    }
    move_parameters(target{}, list, there ? sgd_numbers{7, 7, 7, 7, 7} : numbers, kept);
    double worst = 0;
    bool follows = true;
    for (std::size_t p = 0; p < before.size(); ++p) {
      const one& x = before[p];
      const auto n = static_cast<std::int64_t>(x.value.size());
      const auto value = on_host(list[p].value, n), velocity = on_host(list[p].moments[0], n);
      const auto copy = on_host(rounded[p].data(), n);
      for (std::size_t i = 0; i < x.value.size(); ++i) {
        const double g = static_cast<double>(x.gradient[i]) * clip + o.weight_decay * static_cast<double>(x.value[i]);
        const double v = o.momentum * static_cast<double>(x.velocity[i]) + g, direction = o.nesterov ? g + o.momentum * v : v;
        worst = std::max({worst, std::abs(static_cast<double>(velocity[i]) - v),
                          std::abs(static_cast<double>(value[i]) - (static_cast<double>(x.value[i]) - o.rate * direction))});
        follows = follows && copy[i].bits == (copies ? static_cast<bf16>(static_cast<float>(value[i])).bits : 0);
      }
    }
    CHECK(worst < (sizeof(T) == 8 ? 1e-12 : 2e-6));  // all are of the order of 1
    CHECK(follows);
  }
}

const sgd_options heavy{0.1, 0.9, 0.05, false, 1}, looks_ahead{0.1, 0.9, 0.05, true, 0}, plain{0.1, 0, 0, false, 1};

}  // namespace

TEST_CASE("kernel sgd_update: the equations, with and without a copy in bf16, with gradients of 16 bits; numbers that are read where they lie") {
  for (const auto& o : {heavy, looks_ahead, plain}) {
    if constexpr (!on_gpu) check_update<double, double>(o, false, false);
    check_update<float, float>(o, true, true);
    check_update<float, bf16>(o, true, false);
  }
}

TEST_CASE("SGD on a device moves parameters as the host's, through a checkpoint too") {
  compare_optimisers<sgd_rule, float>(looks_ahead);
  if constexpr (!on_gpu) compare_optimisers<sgd_rule, double>(heavy);
}

TEST_CASE("groups have their rates and weight decays on a device too") {
  auto o = heavy;
  o.groups = {{.prefix = "bias", .rate_scale = 0.3, .weight_decay = 0.0}, {.kind = parameter_kind::weights, .weight_decay = 0.4}};
  compare_optimisers<sgd_rule, float>(o);
  if constexpr (!on_gpu) compare_optimisers<sgd_rule, double>(o);
}
