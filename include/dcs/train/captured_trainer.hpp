// Epochs on a GPU: every step is a captured_step, whose batch was loaded and prepared on other threads and sent while the step before it ran. A
// captured step is of one size, so there is one for each size that is met: the last batch of an epoch may be smaller, and an image may have more true
// boxes than any before it. What is learned depends neither on that nor on capture. A program whose network lies on a GPU includes this beside
// kernels.cuh.
#pragma once

#include <dcs/train/captured_step.hpp>
#include <dcs/train/loop.hpp>

#include <bit>
#include <map>

namespace dcs {

/// Trains a network that lies on D, epoch after epoch, as train_epoch does, but with steps of fixed sizes; `capture`: as one graph each, otherwise as
/// calls, to the same bits. Images, their order and their augmentation are train_epoch's. Batch b of epoch e has the random numbers of train_epoch's
/// very first with the shift 2^32 · e + b: a run that is resumed goes on as if it had not stopped. Network and optimiser must outlive this object,
/// and their memory stay where it is: a checkpoint is loaded before the first epoch.
template <class Net, class D, class T>
requires cuda::gpu<D>
class trainer<Net, D, T> {
 public:
  trainer(Net& net, basic_adamw<D>& optimizer, bool capture = true) : net_(net), optimizer_(optimizer), capture_(capture) {}

  /// Epoch number `epoch`, from 0; returns the mean losses of its batches. Losses of a step are reported before the next is launched. Throws
  /// dcs::error where they, or the gradient's norm, are not finite.
  template <dataset Data>
  step_losses epoch(const Data& data, const epoch_options& o, int epoch, const progress& report = {}) {
    if (!(o.step == options_) || o.seed != seed_) steps_.clear();  // a graph holds them
    options_ = o.step, seed_ = o.seed;
    const random_stream random = random_stream{o.seed, 0}.child(static_cast<std::uint64_t>(epoch));
    const std::int64_t batches = (data.size() + o.batch - 1) / o.batch;
    step_losses total;
    std::int64_t done = 0;
    step* running = nullptr;
    const auto finish = [&] {
      if (!running) return;
      const auto l = std::exchange(running, nullptr)->losses();
      total += l;
      ++done;
      if (report) report(done, batches, l);
    };
    try {
      std::uint64_t shift = static_cast<std::uint64_t>(epoch) << 32;
      detail::for_batches(
          data, detail::order_of_epoch(data.size(), random), o.batch, ahead(), detail::augmentation_of_epoch(o, random),
          [&](const std::vector<sample>& samples) { return prepare(make_batch(samples, o.input)); },
          [&](const prepared& b) {
            step& next = step_for(b);
            next.send(b.arrays);  // while the step before runs
            finish();
            next.launch(shift++);
            running = &next;
          });
      finish();
    } catch (...) {
      steps_.clear();  // a batch may have been sent that no step will take
      throw;
    }
    return total.scaled(1 / static_cast<double>(std::max<std::int64_t>(batches, 1)));
  }

 private:
  using step = captured_step<D, T, Net>;
  using size = std::array<extent_t, 4>;  // images, height, width, true boxes of an image at most
  struct prepared {
    size fits;
    staged_batch<T> arrays;
  };

  // As one thread may read and augment images more slowly than a GPU trains on them.
  static std::size_t ahead() { return static_cast<std::size_t>(std::clamp(threads(), 1, 8)); }

  static prepared prepare(const batch& b) {
    std::size_t most = 16;
    for (const auto& boxes : b.boxes) most = std::max(most, std::bit_ceil(boxes.size()));
    const auto places = static_cast<extent_t>(most);
    return {{b.images.sizes()[0], b.images.sizes()[1], b.images.sizes()[2], places}, staged<T>(b, places)};
  }
  step& step_for(const prepared& b) {
    const auto [images, height, width, places] = b.fits;
    const random_stream random = random_stream{seed_, 0}.child(0).child(3).child(0);
    return steps_.try_emplace(b.fits, net_, optimizer_, images, height, width, options_, random, capture_, places).first->second;
  }

  Net& net_;
  basic_adamw<D>& optimizer_;
  bool capture_;
  step_options options_;
  std::uint64_t seed_ = 0;
  std::map<size, step> steps_;
};

}  // namespace dcs
