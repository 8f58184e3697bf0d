// A plan: the numbers of a run from what its training set looks like and from what a step takes on this machine, each with its reason. Every rule
// stands here once; docs/training.md repeats them in a table.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/data/set_statistics.hpp>
#include <dcs/train/run/step_cost.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// A number of a plan: an option of dcs_train without its dashes, its value, and why.
struct plan_entry {
  std::string option, value, reason;
};

/// A number, and why.
template <class T>
struct reasoned {
  T value;
  std::string reason;
};

/// What a plan's numbers depend on beside the training set: this machine, and what is asked of it.
struct plan_conditions {
  double minutes = 60;                                                   ///< that the run may take
  std::int64_t validation = 0;                                           ///< images to validate with
  std::int64_t memory = 0;                                               ///< bytes that are available; 0: not known
  int loaders = 1;                                                       ///< threads that load batches, ahead of the steps
  std::function<step_memory(int side)> memory_of_step{};                 ///< at a side of images, measured
  std::function<batch_seconds(int side, int batch)> seconds_of_batch{};  ///< likewise
};

namespace detail {

template <class... Parts>
std::string plan_text(const Parts&... parts) {
  std::ostringstream s;
  s.precision(4);
  (s << ... << parts);
  return s.str();
}
// The least multiple of 32 that is not below a side, which sides of images are.
inline int side_above(double side) { return static_cast<int>(std::ceil(side / 32) * 32); }

inline constexpr int fewest_epochs = 10, most_epochs = 300, most_side = 1024, usual_side = 128, most_batch = 16;

}  // namespace detail

/// The least side that images are resized to: 128, or what the images have, if that is less.
inline int least_side(const set_statistics& s) {
  return std::max(64, std::min(detail::usual_side, detail::side_above(static_cast<double>(s.image_side(50)))));
}

/// The side that images are resized to: the least multiple of 32 at which nine of ten lesions have a side (√area) of 8 pixels, two of the finest map
/// of a pyramid; but no more than the images' own (median) or 1024, and no less than least_side(). Throws dcs::error where no image has a lesion.
inline reasoned<int> side_for(const set_statistics& s) {
  expect(s.objects() > 0, "dcs::plan: no image of the training set has a lesion; expected one at least");
  const double smallest = s.object_side(10);
  const int wanted = smallest > 0 ? detail::side_above(std::min(8 / smallest, 1e6)) : detail::most_side;
  const int own = detail::side_above(static_cast<double>(s.image_side(50))), least = least_side(s);
  const int side = std::max(std::min({wanted, own, detail::most_side}), least);
  std::string reason =
      detail::plan_text("nine of ten lesions have sides of at least ", 100 * smallest, " % of the image's, which are 8 pixels at ", wanted);
  if (side < wanted && own <= detail::most_side) reason += detail::plan_text("; but the images' own side is ", s.image_side(50), " pixels");
  if (side < wanted && own > detail::most_side) reason += detail::plan_text("; but ", detail::most_side, " is the most that is taken");
  if (side > wanted) reason += detail::plan_text("; ", least, " is the least that is taken");
  return {side, reason};
}

/// H, the side of crops from P2, of those that there are, in ascending order: the smallest that holds the box of three of four lesions, √area and a
/// margin of 5 pixels to each side at 1/4 of the image's side; the largest where none does. `boxes_side`: that side in pixels of the image.
inline reasoned<int> crop_for(const std::vector<int>& crops, double boxes_side) {
  expect(!crops.empty(), "dcs::plan: no network crops; expected one");
  const auto at = std::find_if(crops.begin(), crops.end(), [&](int h) { return h >= boxes_side / 4; });
  const int crop = at == crops.end() ? crops.back() : *at;
  return {crop, detail::plan_text("three of four boxes have sides of at most ", boxes_side, " pixels, ", boxes_side / 4, " on P2; H = ", crop,
                                  at == crops.end() ? " is the largest that is compiled in" : " is the smallest compiled in that holds them")};
}

/// Images of a step: the largest power of two that leaves an epoch 20 steps, 2 to 16, and that fits into half of the memory.
inline reasoned<int> batch_for(std::int64_t images, const step_memory& step, std::int64_t memory) {
  std::int64_t batch = 2;
  while (batch * 2 <= std::min<std::int64_t>(detail::most_batch, images / 20)) batch *= 2;
  std::string reason = detail::plan_text(images, " images: the largest power of two, 2 to ", detail::most_batch, ", that leaves 20 steps an epoch");
  if (batch > images) batch = 1, reason = "there is one image";
  const std::int64_t fit = step.images_in(memory / 2);
  constexpr double mega = 1e6;
  if (memory > 0) {
    while (batch > 1 && batch > fit) batch /= 2;
    reason += detail::plan_text("; a step takes ", static_cast<double>(step.fixed + step.gradients) / mega, " MB and ",
                                static_cast<double>(step.an_image) / mega, " MB an image, by a step that was measured, of ",
                                static_cast<double>(memory) / mega, " MB that are available, of which half is used");
    expect(fit >= 1, "dcs::plan: a step of one image does not fit into half of the memory: ", reason);
  }
  return {static_cast<int>(batch), reason};
}

/// Epochs that fit into the time: nine tenths of it over what the steps and the validation of an epoch take; 1 to 300. A batch is loaded while
/// another is computed, so that the longer of the two counts.
inline reasoned<int> epochs_for(std::int64_t images, int batch, const batch_seconds& seconds, const plan_conditions& c) {
  const auto batches = [&](std::int64_t n) { return static_cast<double>((n + batch - 1) / batch); };
  const double load = seconds.load / c.loaders;
  const double epoch = batches(images) * std::max(seconds.train, load) + batches(c.validation) * std::max(seconds.validate, load);
  const double fit = 0.9 * 60 * c.minutes / std::max(epoch, 1e-9);
  const int epochs = static_cast<int>(std::clamp(std::floor(fit), 1.0, static_cast<double>(detail::most_epochs)));
  std::string reason =
      detail::plan_text("an epoch takes ", epoch, " s: ", batches(images), " steps of ", seconds.train, " s, measured, and ", batches(c.validation),
                        " batches to validate of ", seconds.validate, " s, or ", load, " s where loading a batch takes longer; ", c.minutes,
                        " minutes less a tenth for files and pictures hold ", std::floor(fit));
  if (load > seconds.train) reason += "; the steps wait for images, which more threads of --loaders read sooner";
  if (fit < 1) reason += ", less than one epoch: this run takes longer";
  if (fit > detail::most_epochs) reason += detail::plan_text("; ", detail::most_epochs, " are the most that are taken");
  return {epochs, reason};
}

/// Side, batch and epochs together. Where a step of one image does not fit into half of the memory, or fewer than 10 epochs fit into the time, the
/// side is made smaller, as a step's memory and time go with the side's square, down to least_side(). Memory is measured at that side, where a step
/// takes least. Throws dcs::error where it is too little for that.
inline std::vector<plan_entry> plan_of_costs(const set_statistics& train, const plan_conditions& c) {
  reasoned<int> side = side_for(train);
  const int least = least_side(train);
  const step_memory measured = c.memory_of_step(least);
  const auto fits = [&](int s) { return c.memory == 0 || measured.at_side(s, least).images_in(c.memory / 2) >= 1; };
  int fitting = side.value;
  while (fitting > least && !fits(fitting)) fitting -= 32;
  if (fitting < side.value) side.reason += detail::plan_text("; at ", side.value, " a step of one image does not fit into half of the memory");
  side.value = fitting;
  for (;;) {
    const reasoned<int> batch = batch_for(train.images(), measured.at_side(side.value, least), c.memory);
    const reasoned<int> epochs = epochs_for(train.images(), batch.value, c.seconds_of_batch(side.value, batch.value), c);
    if (epochs.value >= detail::fewest_epochs || side.value <= least)
      return {{"size", std::to_string(side.value), side.reason},
              {"batch", std::to_string(batch.value), batch.reason},
              {"epochs", std::to_string(epochs.value), epochs.reason}};
    const double scaled = side.value * std::sqrt(static_cast<double>(epochs.value) / detail::fewest_epochs);
    const int smaller = std::max(least, static_cast<int>(scaled / 32) * 32);
    side.reason += detail::plan_text("; at ", side.value, " only ", epochs.value, " epochs fit into the time, expected ", detail::fewest_epochs);
    side.value = std::min(smaller, side.value - 32);
  }
}

/// Schedule and augmentation, which depend on the training set alone.
inline std::vector<plan_entry> plan_of_augmentation(const set_statistics& s) {
  const double median = s.object_side(50), smallest = s.object_side(10);
  const std::int64_t with_lesion = s.images() - s.empty();
  constexpr std::int64_t few = 200;
  return {
      {"rate-schedule", "cosine", "the number of epochs is known, so that the rate can fall to 0 with the last of them"},
      {"no-augment", "false", "flips, turns, small maps and changes of grey: no set is so large that they do harm"},
      {"oversample-small", smallest <= median / 2 ? "0.5" : "0",
       detail::plan_text("a tenth of the lesions have sides of at most ", 100 * smallest, " % of the image's, the median is ", 100 * median,
                         " %; 0.5 where that is twice as much, so that the small ones are seen as often")},
      {"copy-paste", with_lesion < few ? "0.5" : "0", detail::plan_text(with_lesion, " images have a lesion; 0.5 where they are fewer than ", few)}};
}

/// A plan as the file that dcs_train --plan reads: OPTION = VALUE, each below its reason. `head` is a comment above all.
inline std::string plan_file(const std::string& head, const std::vector<plan_entry>& entries) {
  std::string text = "# " + head + "\n";
  for (const auto& e : entries) text += "\n# " + e.reason + "\n" + e.option + " = " + e.value + "\n";
  return text;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
