// Lack of memory in training: whether an error is of that kind, and which batch would fit.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/allocator.hpp>
#include <dcs/train/loop.hpp>
#include <dcs/train/run/step_cost.hpp>

#include <exception>
#include <new>
#include <string_view>

DCS_EXACT_MATH
namespace dcs {

/// Whether an exception says that there is no memory: the standard library's, or the refusal of one of the library's allocators, which is a
/// dcs::error like others with these words.
inline bool is_lack_of_memory(const std::exception& e) {
  return dynamic_cast<const std::bad_alloc*>(&e) != nullptr || std::string_view(e.what()).find("no memory for ") != std::string_view::npos;
}

/// Calls f; where it lacks memory, once more after the allocator has given up the blocks that it keeps for later.
template <class F>
void with_freed_cache(const F& f) {
  try {
    f();
  } catch (const std::bad_alloc&) {
    host_allocator::get().release_cache();
    f();
  }
}

namespace detail {
// The first `images` samples as a batch, or nothing where there are fewer.
template <class Data, class Options>
std::optional<batch> first_batch(const Data& data, const epoch_options<Options>& o, std::int64_t images) {
  if (data.size() < images) return std::nullopt;
  std::vector<sample> samples;
  for (std::int64_t i = 0; i < images; ++i) samples.push_back(data.load(i));
  return make_batch(samples, o.input);
}
}  // namespace detail

/// What step(), a step of one image that sets gradients, takes on the host. It is taken twice: what it allocates once and for all, as an optimiser's
/// moments, counts as fixed. `clear` gives the gradients back.
template <class Step, class Clear>
step_memory memory_of_step(const Step& step, const Clear& clear) {
  auto& memory = host_allocator::get();
  step(), clear();
  memory.reset_statistics();
  step_memory m;
  m.fixed = memory.statistics().live_bytes;
  step();
  m.gradients = memory.statistics().live_bytes - m.fixed;
  m.an_image = std::max<std::int64_t>(memory.statistics().peak_bytes - m.fixed - m.gradients, 1);
  return m;
}

/// After a step of o.batch images lacked memory on the host: a number of images, fewer than those, of which a step was tried and did not lack memory;
/// 0 where none is found. A larger one may fit too. The first guess is measured: what a step of one image adds to what network and optimiser take is
/// set against the most that was in use before. The steps that are tried move the network, which is not to be used afterwards. Other errors than lack
/// of memory are thrown.
template <class P, segmenter Net, optimizer Optimizer, dataset Data>
int fitting_batch(Net& net, Optimizer& steps_by, const Data& data, const epoch_options<typename Net::options>& o) {
  auto& memory = host_allocator::get();
  const std::int64_t most = memory.statistics().peak_bytes;
  const auto fits = [&](std::int64_t images) {
    steps_by.clear_gradients();
    memory.release_cache();  // blocks of other sizes than those that are needed now
    try {
      const auto b = detail::first_batch(data, o, images), loaded_ahead = detail::first_batch(data, o, images);
      if (!b) return false;
      (void)train_step<P>(net, *b, o.net, random_stream{o.seed, 0});
      (void)steps_by.step();
    } catch (const std::exception& e) {
      if (!is_lack_of_memory(e)) throw;
      return false;
    }
    return true;
  };
  bool one_fits = o.batch > 1;
  const step_memory measured = memory_of_step([&] { one_fits = one_fits && fits(1); }, [&] { steps_by.clear_gradients(); });
  if (!one_fits) return 0;
  auto guess = std::clamp<std::int64_t>(measured.images_in(most), 1, o.batch - 1);
  while (guess > 1 && !fits(guess)) guess = guess * 9 / 10;
  return static_cast<int>(guess);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
