// Epochs over a data set: training with augmentation, validation, evaluation. The order of images, their augmentation, and every draw of a step are
// functions of (seed, epoch, position), so a run that is resumed goes on as if it had not stopped; loading happens ahead on other threads and
// changes nothing.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/metrics/metrics.hpp>
#include <dcs/optim/adamw.hpp>
#include <dcs/train/background.hpp>
#include <dcs/train/step.hpp>

#include <deque>
#include <functional>

DCS_EXACT_MATH
namespace dcs {

/// Numbers of a run.
struct epoch_options {
  int batch = 4;
  std::uint64_t seed = 0;
  bool augmented = true;
  normalisation input{};
  augment_options augment{};
  step_options step{};
};

/// Called after each batch with (batches done, batches in all, losses of this batch).
using progress = std::function<void(std::int64_t, std::int64_t, const step_losses&)>;

namespace detail {

inline std::vector<std::int64_t> shuffled(std::int64_t n, random_stream r) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[r.below(i, static_cast<std::uint32_t>(i))]);
  return order;
}

// Which images an epoch sees in which order, and how they are changed: functions of the epoch's stream.
inline std::vector<std::int64_t> order_of_epoch(std::int64_t n, random_stream epoch) { return shuffled(n, epoch.child(1)); }
inline auto augmentation_of_epoch(const epoch_options& o, random_stream epoch) {
  return [&o, epoch](sample& s, std::uint64_t i) {
    if (o.augmented) augment(o.augment, s.pixels, s.truth, epoch.child(2).child(i));
  };
}

// Loads batches up to `ahead` ahead, each on a thread of its own, where make(samples) happens too: body(made) for each in order.
template <dataset Data, class Change, class Make, class Body>
void for_batches(const Data& data, const std::vector<std::int64_t>& order, int size, std::size_t ahead, const Change& change, const Make& make,
                 const Body& body) {
  const auto step = static_cast<std::size_t>(size);
  auto load = [&](std::size_t begin) {
    std::vector<sample> samples;
    for (std::size_t i = begin; i < std::min(order.size(), begin + step); ++i) {
      samples.push_back(data.load(order[i]));
      change(samples.back(), static_cast<std::uint64_t>(order[i]));
    }
    return make(std::move(samples));
  };
  std::deque<decltype(start_making(load, std::size_t{0}))> coming;
  std::size_t begun = 0;
  const auto begin_until = [&](std::size_t end) {
    for (; begun < std::min(end, order.size()); begun += step) coming.push_back(start_making(load, begun));
  };
  for (std::size_t begin = 0; begin < order.size(); begin += step) {
    begin_until(begin + step);
    const auto made = coming.front().get();
    coming.pop_front();
    begin_until(begin + (1 + ahead) * step);
    body(made);
  }
}
// The same with the samples themselves, one batch ahead: whoever computes on the host has use for its other threads.
template <dataset Data, class Change, class Body>
void for_batches(const Data& data, const std::vector<std::int64_t>& order, int size, const Change& change, const Body& body) {
  for_batches(
      data, order, size, 1, change, [](std::vector<sample> samples) { return samples; }, body);
}

}  // namespace detail

/// One epoch of training; returns the mean losses of its batches. The network lies where its optimiser works; T: element type of its maps.
template <class T = float, class Net, class D, dataset Data>
step_losses train_epoch(Net& net, basic_adamw<D>& optimizer, const Data& data, const epoch_options& o, int epoch, const progress& report = {}) {
  const random_stream random = random_stream{o.seed, 0}.child(static_cast<std::uint64_t>(epoch));
  const std::int64_t batches = (data.size() + o.batch - 1) / o.batch;
  step_losses total;
  std::int64_t done = 0;
  detail::for_batches(
      data, detail::order_of_epoch(data.size(), random), o.batch, detail::augmentation_of_epoch(o, random), [&](const std::vector<sample>& samples) {
        optimizer.clear_gradients();
        const auto l = train_step<D, T>(net, make_batch(samples, o.input), o.step, random.child(3).child(static_cast<std::uint64_t>(done)));
        optimizer.step();
        total += l;
        if (report)
          report(++done, batches, l);
        else
          ++done;
      });
  optimizer.clear_gradients();
  return total.scaled(1 / static_cast<double>(std::max<std::int64_t>(batches, 1)));
}

/// Trains a network epoch after epoch. It lies on D, where its optimiser works; T: element type of its maps. On the host an epoch is train_epoch; on
/// a GPU the class is that of train/captured_trainer.hpp, which is to be included, and `capture` says whether a step is one graph.
template <class Net, class D = cpu_device, class T = float>
class trainer {
 public:
  static_assert(std::is_same_v<D, cpu_device>, "dcs::trainer: for a GPU, include dcs/train/captured_trainer.hpp");
  trainer(Net& net, basic_adamw<D>& optimizer, bool /*capture*/ = true) : net_(net), optimizer_(optimizer) {}
  /// Epoch number `epoch`, from 0; returns the mean losses of its batches.
  template <dataset Data>
  step_losses epoch(const Data& data, const epoch_options& o, int epoch, const progress& report = {}) {
    return train_epoch<T>(net_, optimizer_, data, o, epoch, report);
  }

 private:
  Net& net_;
  basic_adamw<D>& optimizer_;
};

/// Mean validation losses over a data set, and the metrics of its predictions. The network lies on device D.
template <class D = cpu_device, class T = float, class Net, dataset Data>
std::pair<step_losses, mean_metrics> validate(Net& net, const Data& data, const epoch_options& o) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(data.size()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  step_losses total;
  std::vector<segmentation_metrics> all;
  std::int64_t batches = 0;
  detail::for_batches(
      data, order, o.batch, [](sample&, std::uint64_t) {},
      [&](const std::vector<sample>& samples) {
        const auto b = make_batch(samples, o.input);
        total += validation_losses<D, T>(net, b, o.step);
        const auto found = predict<D, T>(net, b.images);
        for (std::size_t i = 0; i < samples.size(); ++i) all.push_back(measure(found[i].above(), samples[i].truth));
        ++batches;
      });
  return {total.scaled(1 / static_cast<double>(std::max<std::int64_t>(batches, 1))), mean_of(all)};
}

/// Dice of the best single grey threshold over all images of a set: what an intensity alone reaches. 0 to 255 in steps of 1, both directions.
template <dataset Data>
double best_threshold_dice(const Data& data) {
  std::vector<double> above(256, 0), below(256, 0);
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const sample s = data.load(i);
    std::array<std::int64_t, 256> all{}, object{};
    for (std::size_t p = 0; p < s.truth.pixels.size(); ++p) {
      const float grey = (s.pixels.pixels[3 * p] + s.pixels.pixels[3 * p + 1] + s.pixels.pixels[3 * p + 2]) / 3;
      const auto g = static_cast<std::size_t>(std::clamp(grey, 0.0f, 255.0f));
      ++all[g], object[g] += s.truth.pixels[p];
    }
    const auto lesion = static_cast<double>(s.truth.count());
    std::int64_t n = 0, hit = 0;
    for (std::size_t t = 256; t-- > 0;) {
      n += all[t], hit += object[t];
      above[t] += static_cast<double>(n) + lesion > 0 ? 2 * static_cast<double>(hit) / (static_cast<double>(n) + lesion) : 1;
    }
    n = hit = 0;
    for (std::size_t t = 0; t < 256; ++t) {
      n += all[t], hit += object[t];
      below[t] += static_cast<double>(n) + lesion > 0 ? 2 * static_cast<double>(hit) / (static_cast<double>(n) + lesion) : 1;
    }
  }
  return std::max(*std::max_element(above.begin(), above.end()), *std::max_element(below.begin(), below.end())) / static_cast<double>(data.size());
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
