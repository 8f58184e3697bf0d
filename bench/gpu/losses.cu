// The losses over maps of 1024 regions, and those of a detector.
#include "measure.cuh"

#include <dcs/loss/detection.cuh>
#include <dcs/loss/detection.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/ops/laplacian_edges/cuda.cuh>
#include <dcs/ops/pool/cuda.cuh>

namespace gpu_bench {

namespace {

using namespace dcs;

// Discs; peer.py has the same.
template <class T, class S>
tensor<T, S, device> discs(std::int64_t regions, std::int64_t side) {
  std::vector<T> t;
  for (std::int64_t n = 0; n < regions; ++n)
    for (std::int64_t i = 0; i < side; ++i)
      for (std::int64_t j = 0; j < side; ++j) {
        const std::int64_t y = i - side / 2, x = j - side / 2, r = 8 + n % 20;
        t.push_back(static_cast<T>(y * y + x * x < r * r ? 1.0f : 0.0f));
      }
  return tensor<T, S, device>::adopt(buffer<T>(t).memory(), {regions, side, side, 1});
}

template <class T>
void segmentation(meter& m) {
  using map = shape<dyn<"roi">, 64, 64, 1>;
  const auto logits = [] { return numbers<T, map>({1024, 64, 64, 1}); };
  const auto x = logits();
  const auto t = discs<T, map>(1024, 64);
  const double bytes = static_cast<double>(x.bytes());
  const auto against_target = [&](const std::string& name, const auto& f) { both_ways(m, name, 2 * bytes, 3 * bytes, f, x); };
  against_target("dice", [&](const auto& z) { return loss::dice(sigmoid(z), t); });
  against_target("focal", [&](const auto& z) { return loss::focal(z, t); });
  against_target("boundary", [&](const auto& z) { return loss::boundary(sigmoid(z), t); });
  against_target("segmentation", [&](const auto& z) { return loss::segmentation(z, t); });
  against_target("edge", [&](const auto& z) { return loss::edge(z, t); });
  against_target("binary_cross_entropy", [&](const auto& z) { return loss::binary_cross_entropy(z, t); });
  both_ways(
      m, "consistency", 4 * bytes, 8 * bytes,
      [](const auto& a, const auto& b, const auto& c, const auto& d) {
        return loss::consistency(std::array{a, b, c, d});
      },
      x, logits(), logits(), logits());
  const auto e = numbers<T, map>({1024, 64, 64, 1});
  m.run<T>("laplacian_edges", 2 * bytes, 0, [&] { cuda::laplacian_edges_forward(device{}, t.data(), 1024, 64, 64, e.data()); });
}

template <class T>
void detection(meter& m) {
  using deltas = shape<dyn<"sample">, 4>;
  const auto x = numbers<T, deltas>({1 << 20, 4}), target = numbers<T, deltas>({1 << 20, 4});
  const double bytes = static_cast<double>(x.bytes());
  both_ways(
      m, "smooth_l1", 2 * bytes, 3 * bytes, [&](const auto& z) { return loss::smooth_l1_sum(z, target); }, x);
  const std::int64_t n = 2048, classes = 2;
  std::vector<std::int32_t> label;
  for (std::int32_t i = 0; i < n; ++i) label.push_back(i % 4 == 0);
  const buffer<std::int32_t> labels(label);
  const buffer<T> scores(n * classes), dscores(n * classes), one(1);
  const double rows = static_cast<double>(scores.bytes()), names = static_cast<double>(labels.bytes());
  m.run<T>("cross_entropy_forward", rows + names, 0,
           [&] { cuda::cross_entropy_forward(device{}, scores.data(), labels.data(), n, classes, one.data()); });
  m.run<T>("cross_entropy_backward", 2 * rows + names, 0,
           [&] { cuda::cross_entropy_backward(device{}, scores.data(), labels.data(), one.data(), n, classes, dscores.data()); });
}

template <class T>
void cases(meter& m) {
  segmentation<T>(m);
  detection<T>(m);
}

}  // namespace

void loss_cases(meter& m) { cases<float>(m), cases<bf16>(m); }

}  // namespace gpu_bench
