// Epochs over a data set: training with augmentation, and validation, of any segmenter. The order of images, their augmentation, and every draw of a
// step are functions of (seed, epoch, position), so a resumed run continues as if it had not stopped; images are read, augmented and normalised on
// other threads ahead of the step, which does not change results.
//
// One loop runs an epoch, whatever a step is: eager (here), or captured once and repeated on a GPU (captured_trainer.hpp). A `stepper` carries out
// steps: it prepares a batch on a loading thread, receives it, launches the step, and returns the step's losses.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/parallel.hpp>
#include <dcs/data/augment.hpp>
#include <dcs/metrics/metrics.hpp>
#include <dcs/optim/optimizer.hpp>
#include <dcs/train/background.hpp>
#include <dcs/train/seam.hpp>
#include <dcs/train/step.hpp>

#include <deque>
#include <functional>
#include <future>

DCS_EXACT_MATH
namespace dcs {

/// The learning rate of step `step`, from 0, of `steps` in an epoch.
using rate_of_step = std::function<double(std::int64_t step, std::int64_t steps)>;

/// Numbers of a run: the trainer's, and the network's own.
template <class Options>
struct epoch_options {
  int batch = 4;
  std::uint64_t seed = 0;
  bool augmented = true;
  normalisation input{};
  augment_options augment{};
  Options net{};
  rate_of_step rate{};  // of every step (optim/schedule.hpp); where none is given the optimiser's stays as it is
};

/// Called after each batch with (batches done, batches in all, losses of this batch).
using progress = std::function<void(std::int64_t, std::int64_t, const step_losses&)>;

/// A way of taking training steps. `launch(epoch, index)` takes the step of the batch that was sent, number `index` of its epoch, of which its random
/// numbers are a function, by the rate that was set last; `losses` waits for it. Where `runs_ahead`, a batch is sent while the step before it runs.
template <class S>
concept stepper = requires(S& s, const batch& b, const typename S::prepared& p, int epoch, std::int64_t index) {
  { S::runs_ahead } -> std::convertible_to<bool>;
  { s.prepare(b) } -> std::same_as<typename S::prepared>;
  s.set_rate(1.0);
  s.send(p);
  s.launch(epoch, index);
  { s.losses() } -> std::same_as<step_losses>;
};

namespace detail {

inline std::vector<std::int64_t> shuffled(std::int64_t n, random_stream r) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[r.below(i, static_cast<std::uint32_t>(i))]);
  return order;
}

// Calls body(make(samples)) for each batch in order. Samples are loaded, and make is called, on other threads, up to `ahead` batches in advance.
template <dataset Data, class Make, class Body>
void for_batches(const Data& data, const std::vector<std::int64_t>& order, int size, std::size_t ahead, const Make& make, const Body& body) {
  const auto step = static_cast<std::size_t>(size);
  auto load = [&](std::size_t begin) {
    std::vector<std::pair<std::int64_t, sample>> samples;
    for (std::size_t i = begin; i < std::min(order.size(), begin + step); ++i) samples.emplace_back(order[i], data.load(order[i]));
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

}  // namespace detail

/// Takes steps one after the other, on the host or on a GPU by a launch for each kernel. Random numbers of step `index` of an epoch are those of the
/// stream (seed, epoch, index). Network, optimiser and seam must outlive this object.
template <class P, segmenter Net, optimizer Optimizer, step_seam Seam = no_seam>
class eager_stepper {
 public:
  using options_type = typename Net::options;
  using prepared = batch;
  static constexpr bool runs_ahead = false;
  /// Where there is no seam, nothing happens at it.
  eager_stepper(Net& net, Optimizer& optimizer, bool /*capture*/ = false, Seam* seam = nullptr) : net_(net), optimizer_(optimizer), seam_(seam) {}

  /// Settings from the next step on.
  void set(std::uint64_t seed, const options_type& o) { seed_ = seed, options_ = o; }
  void set_rate(double rate) { optimizer_.options.rate = rate; }
  batch prepare(const batch& b) const { return b; }
  void send(const batch& b) { batch_ = b; }
  void launch(int epoch, std::int64_t index) {
    const random_stream random = random_stream{seed_, 0}.child(static_cast<std::uint64_t>(epoch)).child(3).child(static_cast<std::uint64_t>(index));
    optimizer_.clear_gradients();
    losses_ = train_step<P>(net_, batch_, options_, random);
    if (seam_) seam_->gradients(optimizer_.parameters());
    optimizer_.step();
    if (seam_) seam_->updated(optimizer_.parameters());
    optimizer_.clear_gradients();
  }
  step_losses losses() const { return losses_; }

 private:
  Net& net_;
  Optimizer& optimizer_;
  Seam* seam_;
  std::uint64_t seed_ = 0;
  options_type options_{};
  batch batch_;
  step_losses losses_;
};

/// How training takes steps: eager_stepper, but on a GPU as captured_trainer.hpp says, which is then included.
template <class P, class Net, class Optimizer, class Seam = no_seam>
struct stepper_for {
  using type = eager_stepper<P, Net, Optimizer, Seam>;
};

/// One epoch of training, number `epoch` from 0; returns the mean losses of its batches. Where a step runs ahead, its losses are reported before the
/// next is launched.
template <stepper Steps, dataset Data, class Options>
step_losses train_epoch(Steps& steps, const Data& data, const epoch_options<Options>& o, int epoch, const progress& report = {}) {
  const random_stream random = random_stream{o.seed, 0}.child(static_cast<std::uint64_t>(epoch));
  const std::int64_t batches = (data.size() + o.batch - 1) / o.batch;
  steps.set(o.seed, o.net);
  step_losses total;
  std::int64_t launched = 0, done = 0;
  const auto finish = [&] {
    if (done == launched) return;
    const step_losses l = steps.losses();
    total += l;
    ++done;
    if (report) report(done, batches, l);
  };
  // Several batches in advance where steps run on a GPU, as one thread may load images more slowly than the GPU trains on them.
  const std::size_t ahead = Steps::runs_ahead ? static_cast<std::size_t>(std::clamp(threads(), 1, 8)) : 1;
  detail::for_batches(
      data, detail::shuffled(data.size(), random.child(1)), o.batch, ahead,
      [&](std::vector<std::pair<std::int64_t, sample>> numbered) {
        std::vector<sample> samples;
        for (auto& [i, s] : numbered) {
          if (o.augmented) augment(o.augment, s.pixels, s.truth, random.child(2).child(static_cast<std::uint64_t>(i)), &s.objects);
          samples.push_back(std::move(s));
        }
        return steps.prepare(make_batch(samples, o.input));
      },
      [&](const typename Steps::prepared& b) {
        steps.send(b);
        finish();
        if (o.rate) steps.set_rate(o.rate(launched, batches));
        steps.launch(epoch, launched++);
        if (!Steps::runs_ahead) finish();
      });
  finish();
  return total.scaled(1 / static_cast<double>(std::max<std::int64_t>(batches, 1)));
}

/// Mean validation losses over a data set, and the metrics of its predictions. The network is on P's device.
template <class P = precision<>, segmenter Net, dataset Data>
std::pair<step_losses, mean_metrics> validate(const Net& net, const Data& data, const epoch_options<typename Net::options>& o) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(data.size()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  step_losses total;
  std::vector<segmentation_metrics> all;
  std::int64_t batches = 0;
  struct made {
    batch arrays;
    std::vector<mask> truth;
  };
  detail::for_batches(
      data, order, o.batch, 1,
      [&](std::vector<std::pair<std::int64_t, sample>> numbered) {
        std::vector<sample> samples;
        for (auto& [i, s] : numbered) samples.push_back(std::move(s));
        made m{make_batch(samples, o.input), {}};
        for (auto& s : samples) m.truth.push_back(std::move(s.truth));
        return m;
      },
      [&](const made& m) {
        const auto [losses, found] = validate_batch<P>(net, m.arrays, o.net);
        total += losses;
        for (std::size_t i = 0; i < found.size(); ++i) all.push_back(measure(found[i].above(), m.truth[i]));
        ++batches;
      });
  return {total.scaled(1 / static_cast<double>(std::max<std::int64_t>(batches, 1))), mean_of(all)};
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
