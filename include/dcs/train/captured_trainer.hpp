// Epochs on a GPU: every step is a captured_step, whose batch was loaded and prepared on other threads and sent while the step before it ran. A
// captured step is of one size, so there is one for each size that occurs: the last batch of an epoch may be smaller, and an image may have more true
// boxes than any before it. Results depend neither on that nor on capture. A program whose network lies on a GPU includes this beside
// dcs/kernels.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/train/captured_step.hpp>
#include <dcs/train/loop.hpp>

#include <bit>
#include <map>

DCS_EXACT_MATH
namespace dcs {

/// Takes steps of fixed sizes with a network on a GPU; `capture`: as one graph each, otherwise as calls, to the same bits. Batch b of epoch e has the
/// random numbers of the eager_stepper's very first with the shift 2^32 · e + b: a run that is resumed goes on as if it had not stopped. Network,
/// optimiser and seam must outlive this object, and their memory stay where it is: a checkpoint is loaded before the first epoch.
template <class P, segmenter Net, repeatable_optimizer<typename P::device> Optimizer = basic_adamw<typename P::device>, step_seam Seam = no_seam>
class captured_stepper {
 public:
  using device = typename P::device;
  using element = typename P::element;
  using options_type = typename Net::options;
  struct prepared {
    std::array<extent_t, 4> fits;  // its sizes: images, height, width, and the most true boxes of an image
    staged_batch<element> arrays;
  };
  static constexpr bool runs_ahead = true;

  captured_stepper(Net& net, Optimizer& optimizer, bool capture = true, Seam* seam = nullptr)
      : net_(net), optimizer_(optimizer), seam_(seam), capture_(capture) {}

  /// Settings from the next step on. A graph contains them as constants, so that steps are captured anew where they change.
  void set(std::uint64_t seed, const options_type& o) {
    if (!(o == options_) || seed != seed_) steps_.clear();
    options_ = o, seed_ = seed;
  }
  void set_rate(double rate) { optimizer_.options.rate = rate; }
  prepared prepare(const batch& b) const {
    std::size_t most = 16;
    for (const auto& boxes : b.boxes) most = std::max(most, std::bit_ceil(boxes.size()));
    const auto places = static_cast<extent_t>(most);
    return {{b.images.sizes()[0], b.images.sizes()[1], b.images.sizes()[2], places}, staged<element>(b, places)};
  }
  void send(const prepared& b) {
    guarded([&] {
      next_ = &step_for(b);
      next_->send(b.arrays);
    });
  }
  void launch(int epoch, std::int64_t index) {
    guarded([&] { next_->launch((static_cast<std::uint64_t>(epoch) << 32) + static_cast<std::uint64_t>(index)); });
    running_ = next_;
  }
  step_losses losses() {
    step_losses l;
    guarded([&] { l = running_->losses(); });
    return l;
  }

 private:
  using step = captured_step<device, element, Net, Optimizer, Seam>;

  // After an error, a batch may have been sent that no step will use.
  template <class F>
  void guarded(const F& f) {
    try {
      f();
    } catch (...) {
      steps_.clear();
      throw;
    }
  }
  step& step_for(const prepared& b) {
    const auto [images, height, width, places] = b.fits;
    const random_stream random = random_stream{seed_, 0}.child(0).child(3).child(0);
    return steps_.try_emplace(b.fits, net_, optimizer_, images, height, width, options_, random, capture_, places, seam_).first->second;
  }

  Net& net_;
  Optimizer& optimizer_;
  Seam* seam_;
  bool capture_;
  options_type options_{};
  std::uint64_t seed_ = 0;
  std::map<std::array<extent_t, 4>, step> steps_;
  step *next_ = nullptr, *running_ = nullptr;
};

template <class P, class Net, class Optimizer, class Seam>
requires cuda::gpu<typename P::device> && fixed_size_segmenter<Net, typename P::device, typename P::element> &&
    repeatable_optimizer<Optimizer, typename P::device>
struct stepper_for<P, Net, Optimizer, Seam> {
  using type = captured_stepper<P, Net, Optimizer, Seam>;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
