// The kernel of averaged weights against its equation, and averages on a device against the host's.
#include <dcs/nn/layers.hpp>
#include <dcs/optim/ema.cuh>

#include "../cuda/compare.hpp"

using namespace dcs;
using kernel_test::on_gpu;
using kernel_test::target;

namespace {

template <class T>
void check_update() {
  using kernel_test::on_host;
  using kernel_test::uploaded;
  const std::vector<std::int64_t> sizes{8193, 5, 64, 0, 16384, 3};
  for (int order = 1; order <= (on_gpu ? 1 : 2); ++order) {
    cuda::emulated::options().seed = static_cast<std::uint64_t>(order);
    std::vector<std::vector<T>> average, value;
    std::vector<decltype(uploaded(std::vector<T>()))> memory;
    std::vector<average_row<T>> rows;
    for (std::size_t p = 0; p < sizes.size(); ++p) {
      average.emplace_back(), value.emplace_back();
      for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(sizes[p]); ++i) {
        average.back().push_back(static_cast<T>(random_stream{3, p}.normal(i)));
        value.back().push_back(static_cast<T>(random_stream{4, p}.normal(i)));
      }
      memory.push_back(uploaded(average.back())), memory.push_back(uploaded(value.back()));
      rows.push_back({memory[memory.size() - 2].data(), memory.back().data(), sizes[p]});
    }
    chunk_tables tables;
    update_averages(target{}, rows, 0.125, tables);
    double worst = 0;
    for (std::size_t p = 0; p < sizes.size(); ++p) {
      const auto found = on_host(rows[p].average, sizes[p]);
      CHECK(on_host(rows[p].value, sizes[p]) == value[p]);
      for (std::size_t i = 0; i < found.size(); ++i)
        worst = std::max(
            worst, std::abs(static_cast<double>(found[i]) - (0.875 * static_cast<double>(average[p][i]) + 0.125 * static_cast<double>(value[p][i]))));
    }
    CHECK(worst < (sizeof(T) == 8 ? 1e-14 : 1e-6));
  }
}

struct net {
  nn::conv2d<2, 3, 3> conv;
  nn::batch_norm<3> norm;
  DCS_MEMBERS(conv, norm)
};

// The weights of step k, on both.
void set_weights(net& host, net& there, std::uint64_t k) {
  const auto a = named_parameters(host), b = named_parameters(there);
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (extent_t e = 0; e < a[i].parameter->size(); ++e)
      a[i].parameter->data<float>()[e] = random_stream{k, i}.uniform(static_cast<std::uint64_t>(e));
    target::copy_from_host(b[i].parameter->memory().data(), a[i].parameter->memory().data(), a[i].parameter->memory().bytes());
    if (b[i].parameter->half()) detail::copy_half<target>(*b[i].parameter);
  }
}
std::vector<float> weights_of(net& there) {
  std::vector<float> all;
  for (const auto& p : named_parameters(there)) {
    const auto v = kernel_test::on_host(p.parameter->data<float>(), p.parameter->size());
    all.insert(all.end(), v.begin(), v.end());
  }
  return all;
}
bool half_follows(net& there) {
  for (const auto& p : named_parameters(there)) {
    const auto v = kernel_test::on_host(p.parameter->data<float>(), p.parameter->size());
    const auto h = kernel_test::on_host(static_cast<const bf16*>(p.parameter->half().data()), p.parameter->size());
    for (std::size_t i = 0; i < v.size(); ++i)
      if (h[i].bits != static_cast<bf16>(v[i]).bits) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("kernel ema_update: a share of the way from averages to values, for arrays of any size") {
  if constexpr (!on_gpu) check_update<double>();
  check_update<float>();
}

TEST_CASE("averages on a device are the host's; in the network's place they come with their copies in bf16, through a checkpoint too") {
  net host, there;
  initialize(host, 1), initialize(there, 1);
  to_device<target>(there), mix_precision<target>(there);
  basic_ema<cpu_device> a(named_parameters(host), 0.9);
  auto b = std::make_unique<basic_ema<target>>(named_parameters(there), 0.9);
  for (std::uint64_t k = 1; k <= 4; ++k) {
    set_weights(host, there, k);
    a.update(), b->update();
    if (k != 2) continue;
    io::safetensors file;
    b->save(file);
    b = std::make_unique<basic_ema<target>>(named_parameters(there), 0.9);
    b->load(file);
  }
  const auto before = weights_of(there);
  {
    const averaged_weights<cpu_device> on_host(a);
    const averaged_weights<target> in_place(*b);
    const auto found = weights_of(there);
    std::size_t at = 0;
    for (const auto& p : named_parameters(host))
      for (extent_t i = 0; i < p.parameter->size(); ++i) CHECK(std::abs(found.at(at++) - p.parameter->data<float>()[i]) < 1e-6f);
    CHECK(found != before);
    CHECK(half_follows(there));
  }
  CHECK(weights_of(there) == before);
  CHECK(half_follows(there));
}
