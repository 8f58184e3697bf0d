// AdamW's kernels against its equations in double, and the optimiser on a device against the host's.
#include <dcs/optim/adamw.cuh>

#include "device_optimiser.hpp"

using namespace dcs;
using kernel_test::on_gpu;
using kernel_test::target;
using namespace optimiser_test;

namespace {

// Parameters as the host sees them.
template <class T, class G>
struct leaves {
  struct one {
    std::vector<T> value, first, second;
    std::vector<G> gradient;
    std::vector<bf16> copy;
  };
  explicit leaves(const std::vector<std::int64_t>& sizes, double scale = 1) {
    for (std::size_t p = 0; p < sizes.size(); ++p) {
      one o;
      const random_stream r{9, p};
      for (std::int64_t i = 0; i < sizes[p]; ++i) {
        const auto at = static_cast<std::uint64_t>(i);
        o.value.push_back(static_cast<T>(r.child(1).normal(at)));
        o.first.push_back(static_cast<T>(0.1 * r.child(2).normal(at)));
        o.second.push_back(static_cast<T>(0.1 * r.child(3).uniform(at)));
        o.gradient.push_back(static_cast<G>(static_cast<float>(scale * r.child(4).normal(at))));
      }
      o.copy.resize(o.value.size());
      all.push_back(std::move(o));
    }
  }
  double norm() const {
    double sum = 0;
    for (const auto& o : all)
      for (const G& g : o.gradient) sum += static_cast<double>(g) * static_cast<double>(g);
    return std::sqrt(sum);
  }
  std::vector<one> all;
};

// And as steps see them, in the device's memory.
template <class T, class G>
class on_device {
 public:
  explicit on_device(const leaves<T, G>& from) {
    using kernel_test::uploaded;
    for (const auto& o : from.all) all_.push_back({uploaded(o.value), uploaded(o.first), uploaded(o.second), uploaded(o.gradient), uploaded(o.copy)});
  }
  std::vector<adamw_parameter<T, G>> list(bool copies = false) const {
    std::vector<adamw_parameter<T, G>> l;
    for (const auto& o : all_)
      l.push_back({o.value.data(), o.gradient.data(), {o.first.data(), o.second.data()}, copies ? o.copy.data() : nullptr, o.value.span().size});
    return l;
  }
  std::vector<typename leaves<T, G>::one> download() const {
    using kernel_test::on_host;
    std::vector<typename leaves<T, G>::one> all;
    for (const auto& o : all_) {
      const auto n = o.value.span().size;
      all.push_back({on_host(o.value.data(), n), on_host(o.first.data(), n), on_host(o.second.data(), n), on_host(o.gradient.data(), n),
                     on_host(o.copy.data(), n)});
    }
    return all;
  }

 private:
  template <class U>
  using memory = cuda::device_scratch<U, target>;
  struct one {
    memory<T> value, first, second;
    memory<G> gradient;
    memory<bf16> copy;
  };
  std::vector<one> all_;
};
std::vector<double> result_of(const optimizer_memory& memory) { return kernel_test::on_host(static_cast<const double*>(memory.result.data()), 2); }

const std::vector<std::vector<std::int64_t>> all_sizes{{0}, {1}, {3, 0, 4}, {7, 8192, 1}, {8193, 16384, 5, 20003, 64}};
const adamw_options options{0.01, 0.9, 0.999, 1e-8, 0.1, 1.0};

template <class T, class G>
void check_norm() {
  for (const auto& sizes : all_sizes)
    for (double scale : {1e-3, 1.0}) {
      const leaves<T, G> p(sizes, scale);
      const on_device<T, G> there(p);
      double first = 0;
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        cuda::emulated::options().seed = seed;
        optimizer_memory memory;
        measure_gradients(target{}, there.list(), options.clip_norm, memory);
        const auto result = result_of(memory);
        CHECK(near<T>(result[0], p.norm()));
        CHECK(near<T>(result[1], p.norm() > 1 ? 1 / (p.norm() + 1e-6) : 1));
        if (seed == 1) first = result[0];
        CHECK(result[0] == first);
      }
    }
}

// The equations, element by element in double.
template <class T, class G>
void check_update(bool copies, bool there = false) {
  for (const auto& sizes : all_sizes) {
    for (int order = 0; order < (on_gpu ? 1 : 3); ++order) {
      const leaves<T, G> before(sizes);
      const on_device<T, G> moved(before);
      const double norm = before.norm(), clip = norm > 1 ? 1 / (norm + 1e-6) : 1;
      optimizer_memory memory;
      const auto numbers = adamw_numbers::of(options, 3);
      measure_gradients(target{}, moved.list(copies), options.clip_norm, memory);
      if (there) {  // in the device's memory, and others beside the kernel
        memory.numbers = storage::allocate<target>(sizeof numbers);
        target::copy_from_host(memory.numbers.data(), &numbers, sizeof numbers);
        auto others = options;
        others.rate = 7, others.weight_decay = 0.5;
        move_parameters(target{}, moved.list(copies), adamw_numbers::of(others, 1), memory);
      } else {
        move_parameters(target{}, moved.list(copies), numbers, memory);
      }
      const auto after = moved.download();
      double worst = 0;
      bool rounded = true;
      for (std::size_t p = 0; p < sizes.size(); ++p)
        for (std::size_t i = 0; i < before.all[p].value.size(); ++i) {
          const auto &b = before.all[p], &a = after[p];
          const double g = static_cast<double>(b.gradient[i]) * clip, m = 0.9 * b.first[i] + 0.1 * g, v = 0.999 * b.second[i] + 0.001 * g * g;
          const double unbiased_m = m / (1 - std::pow(0.9, 3)), unbiased_v = v / (1 - std::pow(0.999, 3));
          const double x = b.value[i] - 0.01 * 0.1 * b.value[i] - 0.01 * unbiased_m / (std::sqrt(unbiased_v) + 1e-8);
          worst = std::max({worst, std::abs(a.first[i] - m), std::abs(a.second[i] - v), std::abs(a.value[i] - x)});
          rounded = rounded && a.copy[i].bits == (copies ? static_cast<bf16>(static_cast<float>(a.value[i])).bits : 0);
        }
      CHECK(worst < (sizeof(T) == 8 ? 1e-12 : 1e-6));  // all are of the order of 1
      CHECK(rounded);
    }
  }
}

}  // namespace

TEST_CASE("kernel gradient_squares: the norm of all gradients, whatever their sizes, in the same bits for every order") {
  if constexpr (!on_gpu) check_norm<double, double>();
  check_norm<float, float>();
  check_norm<float, bf16>();
}

TEST_CASE("kernel gradient_norm: sums beyond one pass of the block; without a limit nothing is clipped; infinity marks the step") {
  std::vector<std::int64_t> sizes(1100, 2);
  leaves<float, float> p(sizes);
  optimizer_memory memory;
  auto no_clip = options;
  no_clip.clip_norm = 0;
  const on_device<float, float> finite(p);
  for (const auto& o : {options, no_clip, options, no_clip}) {
    measure_gradients(target{}, finite.list(), o.clip_norm, memory);
    const auto result = result_of(memory);
    CHECK(near<float>(result[0], p.norm()));
    CHECK(near<float>(result[1], o.clip_norm > 0 ? 1 / (p.norm() + 1e-6) : 1));
  }
  p.all[1050].gradient[1] = HUGE_VALF;
  const auto numbers = adamw_numbers::of(options, 1);
  const on_device<float, float> infinite(p);
  measure_gradients(target{}, infinite.list(), options.clip_norm, memory);
  CHECK(std::isnan(result_of(memory)[1]));
  move_parameters(target{}, infinite.list(), numbers, memory);
  const auto after = infinite.download();
  for (std::size_t i = 0; i < after.size(); ++i) CHECK(after[i].value == p.all[i].value);
}

TEST_CASE("kernel adamw_update: the equations, with and without a copy in bf16, with gradients of 16 bits; rates that are read where they lie") {
  if constexpr (!on_gpu) check_update<double, double>(false);
  check_update<float, float>(true);
  check_update<float, bf16>(true);
  if constexpr (!on_gpu) check_update<double, double>(false, true);
  check_update<float, float>(true, true);
}

TEST_CASE("the table of parameters is sent anew only for other parameters, and never written over") {
  const leaves<float, float> a({5, 8200}), b({5, 8200}, 2.0), c({3});
  const on_device<float, float> first(a), second(b), other(c);
  const auto numbers = adamw_numbers::of(options, 1);
  using row = adamw_parameter<float>;
  const auto lists = [](const storage& table, const std::vector<row>& wanted) {
    const auto n = static_cast<std::int64_t>(wanted.size() * sizeof(row));
    const auto found = kernel_test::on_host(static_cast<const std::byte*>(table.data()), table.bytes());
    return table.bytes() == n && std::memcmp(found.data(), wanted.data(), found.size()) == 0;
  };
  optimizer_memory memory;
  measure_gradients(target{}, first.list(), options.clip_norm, memory);
  const storage table = memory.tables.rows, result = memory.result, chunks = memory.tables.places;
  CHECK(lists(table, first.list()));
  measure_gradients(target{}, first.list(), options.clip_norm, memory);
  CHECK(memory.tables.rows == table);
  measure_gradients(target{}, second.list(), options.clip_norm, memory);  // as many elements elsewhere
  CHECK(near<float>(result_of(memory)[0], b.norm()));
  CHECK(lists(memory.tables.rows, second.list()));
  CHECK(memory.tables.places == chunks);
  measure_gradients(target{}, other.list(), options.clip_norm, memory);
  CHECK(near<float>(result_of(memory)[0], c.norm()));
  move_parameters(target{}, other.list(), numbers, memory);
  CHECK(other.download()[0].value != c.all[0].value);
  CHECK(second.download()[1].value == b.all[1].value);
  CHECK(lists(memory.tables.rows, other.list()));
  CHECK(lists(table, first.list()));  // whoever was captured with it reads it still
  CHECK(memory.result == result);
}

TEST_CASE("the optimiser on a device moves parameters as the host's, through a checkpoint too") {
  compare_optimisers<adamw_rule, float>(options);
  if constexpr (!on_gpu) compare_optimisers<adamw_rule, double>(options);
}

TEST_CASE("groups have their rates and weight decays on a device too") {
  auto o = options;
  o.groups = {{.prefix = "bias", .rate_scale = 0.3, .weight_decay = 0.0}, {.kind = parameter_kind::weights, .weight_decay = 0.4}};
  compare_optimisers<adamw_rule, float>(o);
  if constexpr (!on_gpu) compare_optimisers<adamw_rule, double>(o);
}

namespace {

template <class D>
void check_condition() {
  net n, from;
  initialize<float>(from, 5), initialize<float>(n, 5);
  if constexpr (!std::is_same_v<D, cpu_device>) put_on_device<float>(n, from);
  basic_adamw<D> optimizer(named_parameters(n), options);
  const storage number = storage::allocate<D>(sizeof(float));
  for (const float value : {1.0f, 0.0f, 2.0f}) {
    optimizer.clear_gradients();
    CHECK(!n.bias.condition());
    give_gradients<D, float>(n, 0.01);
    D::copy_from_host(number.data(), &value, sizeof value);
    n.bias.set_condition(number);
    const auto bias = host_values<D, float>(n.bias), weight = host_values<D, float>(n.weight);
    CHECK(optimizer.step() > 0);
    CHECK((host_values<D, float>(n.bias) == bias) == (value == 0));
    CHECK(host_values<D, float>(n.weight) != weight);
  }
}

}  // namespace

TEST_CASE("a parameter whose condition is 0 is not moved, by its decay or by its moments") {
  check_condition<cpu_device>();
  check_condition<target>();
}
