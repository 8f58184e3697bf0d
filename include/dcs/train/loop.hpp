// Epochs over a data set: training with augmentation, and validation, of any segmenter. The order of images, their augmentation, and every draw of a
// step are functions of (seed, epoch, position), so a resumed run continues as if it had not stopped; images are read, augmented and normalised on
// other threads ahead of the step, which does not change results.
//
// One loop runs an epoch, whatever a step is: eager (here), or captured once and repeated on a GPU (captured_trainer.hpp). A `stepper` carries out
// steps: it prepares a batch on a loading thread, receives it, launches the step, and returns the step's losses.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/parallel.hpp>
#include <dcs/data/copy_paste.hpp>
#include <dcs/data/lesion_sampling.hpp>
#include <dcs/data/loader.hpp>
#include <dcs/metrics/metrics.hpp>
#include <dcs/optim/optimizer.hpp>
#include <dcs/train/communicator/communicator.hpp>
#include <dcs/train/seam.hpp>
#include <dcs/train/step.hpp>

#include <functional>

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
  lesion_sampling lesions{};
  Options net{};
  rate_of_step rate{};  // of every step (optim/schedule.hpp); where none is given the optimiser's stays as it is
  int loaders = 0;      // threads that read and augment batches ahead of the steps, to the same results; 0: one, on a GPU threads(), up to 8
};

/// Called after each batch with (batches done, batches in all, losses of this batch).
using progress = std::function<void(std::int64_t, std::int64_t, const step_losses&)>;

/// A way of taking training steps. `launch(epoch, index)` takes the step of the batch that was sent, number `index` of its epoch, of which its random
/// numbers are a function, by the rate that was set last; `losses` waits for it. Where `runs_ahead`, a batch is sent while the step before it runs.
///
/// One that takes a part of each batch alone, as other processes take the rest, has `own(images)`, the first and the last but one position of its
/// part in a batch of so many images, and `send(p, images)`: the part, which may be empty, and how many images the batch has.
template <class S>
concept stepper = requires(S& s, const batch& b, const typename S::prepared& p, int epoch, std::int64_t index) {
  { S::runs_ahead } -> std::convertible_to<bool>;
  { s.prepare(b) } -> std::same_as<typename S::prepared>;
  s.set_rate(1.0);
  requires requires { s.send(p); } || requires {
    s.send(p, index), s.own(index);
  };
  s.launch(epoch, index);
  { s.losses() } -> std::same_as<step_losses>;
};

namespace detail {

// The random numbers of step `index` of an epoch.
inline random_stream random_of_step(std::uint64_t seed, int epoch, std::int64_t index) {
  return random_stream{seed, 0}.child(static_cast<std::uint64_t>(epoch)).child(3).child(static_cast<std::uint64_t>(index));
}
// A step: `gradients` computes them, then come the seam, the update, and the seam again. Nothing of the gradients stays.
template <class Optimizer, class Seam, class Gradients>
void take_step(Optimizer& optimizer, Seam* seam, const Gradients& gradients) {
  optimizer.clear_gradients();
  gradients();
  if (seam) seam->gradients(optimizer.parameters());
  optimizer.step();
  if (seam) seam->updated(optimizer.parameters());
  optimizer.clear_gradients();
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
    detail::take_step(optimizer_, seam_, [&] { losses_ = train_step<P>(net_, batch_, options_, detail::random_of_step(seed_, epoch, index)); });
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

namespace detail {
// Calls f, which works on batch `index` of an epoch; an error says so, and which images the batch has.
template <class Loader, class Data, class F>
void naming_images(const Loader& loader, const Data& data, int size, int epoch, std::int64_t index, const std::string& where, const F& f) {
  try {
    f();
  } catch (const error& e) {
    const auto order = loader.order(epoch);
    const auto count = static_cast<std::int64_t>(order.size());
    std::string names;
    for (std::int64_t i = index * size; i < std::min(count, (index + 1) * size); ++i)
      names += (names.empty() ? "" : ", ") + data.load(order[static_cast<std::size_t>(i)]).name;
    fail(e.what(), " (", where, ", images ", names, ")");
  }
}
// Pastes lesions of other images into those that the probability falls on, before they are augmented. A donor's stream is apart from augment's.
template <class Data>
void paste_lesions(std::vector<drawn<sample>>& samples, const Data& data, const lesion_sampling& lesions) {
  if (lesions.copy_paste == 0) return;
  for (auto& [number, s, random] : samples) {
    const random_stream r = random.child(40);
    if (static_cast<double>(r.uniform(0)) >= lesions.copy_paste) continue;
    const std::int64_t donor = lesions.donors[r.below(1, static_cast<std::uint32_t>(lesions.donors.size()))];
    if (donor != number) (void)copy_paste(s, data.load(donor), r.child(2));
  }
}
}  // namespace detail

/// Takes the steps of an epoch, number `epoch` from 0, from `state` on, which follows them. After each step go_on(steps of the whole epoch, losses of
/// the step) is asked, and at that moment network, optimiser and seam are as `state` says, also where a step runs ahead; where it answers false,
/// no further step is taken, and `steps` is not to be used again. Returns whether the epoch is at its end. An error of a step names the images of
/// its batch.
template <stepper Steps, dataset Data, class Options, class GoOn>
bool train_steps(Steps& steps, const Data& data, const epoch_options<Options>& o, int epoch, epoch_state& state, const GoOn& go_on) {
  // Several batches in advance where steps run on a GPU, as one thread may load images more slowly than the GPU trains on them.
  const int loading = o.loaders != 0 ? o.loaders : Steps::runs_ahead ? std::clamp(threads(), 1, 8) : 1;
  const to_batch collate{o.input, o.augmented ? std::optional(o.augment) : std::nullopt};
  loader_options options{.batch = o.batch, .seed = o.seed, .threads = loading, .ahead = loading, .weights = o.lesions.weights};
  constexpr bool takes_part = requires { steps.own(std::int64_t{1}); };
  if constexpr (takes_part) options.own = [&](std::int64_t images) { return steps.own(images); };
  const data_loader loader(data, options, [&](std::vector<drawn<sample>> samples) {
    detail::paste_lesions(samples, data, o.lesions);
    return steps.prepare(samples.empty() ? batch{} : collate(std::move(samples)));
  });
  const std::int64_t batches = loader.size();
  expect(state.steps <= batches, "dcs::train_steps: ", state.steps, " steps of the epoch are done, but it has ", batches);
  steps.set(o.seed, o.net);
  std::int64_t launched = state.steps;
  const auto in_step = [&](std::int64_t index, const auto& f) {
    const std::string where = "epoch " + std::to_string(epoch + 1) + ", step " + std::to_string(index + 1);
    detail::naming_images(loader, data, o.batch, epoch, index, where, f);
  };
  // Waits for the step that was launched, if there is one, and asks whether to go on.
  const auto finish = [&] {
    if (state.steps == launched) return true;
    step_losses l;
    in_step(state.steps, [&] { l = steps.losses(); });
    state.sums += l;
    ++state.steps;
    return static_cast<bool>(go_on(batches, l));
  };
  auto ahead = loader.epoch(epoch, state.steps);
  while (const auto b = ahead.next()) {
    in_step(launched, [&] {
      if constexpr (takes_part)
        steps.send(*b, std::min<std::int64_t>(o.batch, static_cast<std::int64_t>(data.size()) - launched * o.batch));
      else
        steps.send(*b);
    });
    if (!finish()) return false;
    if (o.rate) steps.set_rate(o.rate(launched, batches));
    in_step(launched, [&] { steps.launch(epoch, launched); });
    ++launched;
    if (!Steps::runs_ahead && !finish()) return state.steps == batches;
  }
  (void)finish();
  return true;
}

/// One epoch of training, number `epoch` from 0; returns the mean losses of its batches. Where a step runs ahead, its losses are reported before the
/// next is launched.
template <stepper Steps, dataset Data, class Options>
step_losses train_epoch(Steps& steps, const Data& data, const epoch_options<Options>& o, int epoch, const progress& report = {}) {
  epoch_state state;
  (void)train_steps(steps, data, o, epoch, state, [&](std::int64_t batches, const step_losses& l) {
    if (report) report(state.steps, batches, l);
    return true;
  });
  return state.mean();
}

/// Thrown by a `progress` that is told of a validation: it is left, in all processes that share it.
struct validation_left {};

namespace detail {
// Samples [first, first + count) of a data set.
template <class Data>
struct samples_of {
  const Data& data;
  std::int64_t first, count;
  std::int64_t size() const { return count; }
  auto load(std::int64_t i) const { return data.load(first + i); }
};

// Losses and measures of batches, in their order: those of one process, and of all.
struct validated_batches {
  std::vector<step_losses> losses;
  std::vector<segmentation_metrics> measures;
  bool left = false;

  // The losses become those of all processes, whose batches follow one another by rank. Throws validation_left where one of them has left.
  void gather(any_communicator& ranks, std::size_t terms, std::size_t counts) {
    std::vector<double> own{left ? 1.0 : 0.0};
    for (const step_losses& l : losses) {
      own.push_back(l.total);
      own.insert(own.end(), l.terms.begin(), l.terms.end()), own.insert(own.end(), l.counts.begin(), l.counts.end());
    }
    const auto numbers = gathered(ranks, own);
    const auto measured = gathered(ranks, measures);
    losses.clear(), measures.clear();
    for (std::size_t r = 0; r < numbers.size(); ++r) {
      if (numbers[r][0] != 0) throw validation_left();
      for (auto at = numbers[r].begin() + 1; at != numbers[r].end();) {
        step_losses l;
        l.total = *at++;
        for (std::size_t i = 0; i < terms; ++i) l.terms.push_back(*at++);
        for (std::size_t i = 0; i < counts; ++i) l.counts.push_back(*at++);
        losses.push_back(std::move(l));
      }
      measures.insert(measures.end(), measured[r].begin(), measured[r].end());
    }
  }
};
}  // namespace detail

/// Mean validation losses over a data set, and the metrics of its predictions. The network is on P's device. `report`, where there is one, is called
/// after each batch; what it throws ends the validation. An error about a batch names its images. The processes of `ranks` share the batches, and
/// each has the figures of one process; of them `report` may throw validation_left alone.
template <class P = precision<>, segmenter Net, dataset Data>
std::pair<step_losses, mean_metrics> validate(const Net& net, const Data& data, const epoch_options<typename Net::options>& o,
                                              const progress& report = {}, any_communicator ranks = {}) {
  struct made {
    batch arrays;
    std::vector<mask> truth;
  };
  const auto images = static_cast<std::int64_t>(data.size()), batches = (images + o.batch - 1) / o.batch;
  const std::int64_t first = batches * ranks.rank() / ranks.size(), last = batches * (ranks.rank() + 1) / ranks.size();
  const detail::samples_of<Data> share{data, first * o.batch, std::min(images, last * o.batch) - first * o.batch};
  const int loading = o.loaders != 0 ? o.loaders : 1;
  const loader_options options{.batch = o.batch, .shuffle = false, .threads = loading, .ahead = loading};
  const data_loader loader(share, options, [collate = to_batch{o.input}](std::vector<drawn<sample>> samples) {
    std::vector<mask> truth;
    for (const auto& s : samples) truth.push_back(s.value.truth);
    return made{collate(std::move(samples)), std::move(truth)};
  });
  detail::validated_batches all;
  try {
    for (const made& m : loader.epoch(0)) {
      std::pair<step_losses, std::vector<prediction>> r;
      const auto done = static_cast<std::int64_t>(all.losses.size());
      detail::naming_images(loader, share, o.batch, 0, done, "in validation", [&] { r = validate_batch<P>(net, m.arrays, o.net); });
      for (std::size_t i = 0; i < r.second.size(); ++i) all.measures.push_back(measure(r.second[i].above(), m.truth[i]));
      all.losses.push_back(r.first);
      if (report) report(done + 1, loader.size(), r.first);
    }
  } catch (const validation_left&) {
    if (ranks.size() == 1) throw;
    all.left = true;
  }
  if (ranks.size() > 1) all.gather(ranks, Net::loss_terms.size(), count_names_of<Net>().size());
  step_losses total;
  for (const step_losses& l : all.losses) total += l;
  return {total.scaled(1 / static_cast<double>(std::max<std::int64_t>(batches, 1))), mean_of(all.measures)};
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
