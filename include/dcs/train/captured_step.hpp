// Training by a step that is captured once and repeated: fixed_train_step and the optimiser's moves in one piece of repeated work (on the GPU a
// graph, cuda/graph.cuh; elsewhere, or where it is so wanted, calls). What changes from step to step lies in the device's memory: the batch, the
// step's shift of every random stream, and the optimiser's numbers. The first step runs as calls: plans are tuned, workspaces and moments allocated.
// While a step runs the batch after it is sent.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/repeat.hpp>
#include <dcs/optim/adamw.hpp>
#include <dcs/train/fixed_step.hpp>
#include <dcs/train/seam.hpp>

#include <optional>

DCS_EXACT_MATH
namespace dcs {

/// Trains `net`, which lies on D, on batches of n images of h × w with at most `most_truth` true boxes each: a step is fixed_train_step, then a step
/// of `optimizer`, with `seam`, where there is one, between the two and behind. They must outlive this object, and their memory stay where it is:
/// what is loaded into them is loaded before. This object must not move.
template <cuda::gpu D, class T, class Net, repeatable_optimizer<D> Optimizer = basic_adamw<D>, step_seam Seam = no_seam>
class captured_step {
 public:
  captured_step(Net& net, Optimizer& optimizer, extent_t n, extent_t h, extent_t w, const typename Net::options& o, random_stream random,
                bool capture = true, extent_t most_truth = 16, Seam* seam = nullptr)
      : net_(net), optimizer_(optimizer), seam_(seam), options_(o), random_(random), capture_(capture), batch_(n, h, w, most_truth) {
    random_.shift_at = static_cast<const std::uint64_t*>(shift_.data());
  }
  captured_step(const captured_step&) = delete;
  captured_step& operator=(const captured_step&) = delete;

  /// Sends the batch of the next step. Throws dcs::error where it does not fit.
  void send(const batch& b) { send(staged<T>(b, batch_.known.boxes.corners.sizes()[1])); }
  /// The same with a batch that `staged` has prepared for the same number of true boxes.
  void send(const staged_batch<T>& s) {
    expect(!sent_, "dcs::captured_step: a batch was sent already that no step has taken");
    places_.clear();
    for_each_array(batch_, s, [&](void* on_device, const void* on_host, std::int64_t bytes) {
      arrivals_.send(on_host, bytes);
      places_.emplace_back(on_device, bytes);
    });
    sent_ = true;
  }
  /// Launches a step with the batch that was sent, without waiting. In step k of this object, counted from 1, random numbers have the shift k.
  void launch() { launch(steps_ + 1); }
  /// The same with another shift.
  void launch(std::uint64_t shift) {
    expect(sent_, "dcs::captured_step: no batch was sent for this step");
    sent_ = false;
    arrivals_.close();
    for (const auto& [on_device, bytes] : places_) arrivals_.receive(on_device, bytes);
    arrivals_.done();
    ++steps_;
    const auto numbers = optimizer_.next_numbers();
    D::copy_from_host(shift_.data(), &shift, sizeof shift);
    D::copy_from_host(numbers_.data(), &numbers, sizeof numbers);
    if (steps_ == 1 || !capture_) {
      run();
    } else {
      if (!work_) work_.emplace([this] { run(); });
      work_->launch();
    }
    if (seam_) seam_->updated(optimizer_.parameters());
  }
  /// Waits for the last step and returns the terms of its loss. Throws dcs::error where the gradient's norm is not finite (parameters are then
  /// unchanged) or the loss is not.
  step_losses losses() {
    try {
      (void)optimizer_.finish_step();  // first, as it throws for a step that changed nothing, which is then not counted
    } catch (const error&) {
      (void)losses_.read();  // where the loss is not finite either, its error says more: it names the term
      throw;
    }
    return losses_.read();
  }

 private:
  void run() {
    optimizer_.clear_gradients();
    fixed_train_step(net_, batch_, options_, random_, losses_);
    if (seam_) seam_->gradients(optimizer_.parameters());
    optimizer_.launch_step(numbers_);
    optimizer_.clear_gradients();
  }

  Net& net_;
  Optimizer& optimizer_;
  Seam* seam_;
  typename Net::options options_;
  random_stream random_;
  bool capture_, sent_ = false;
  std::uint64_t steps_ = 0;
  fixed_batch<D, T> batch_;
  fixed_losses<D, compute_type<T>, Net> losses_;
  storage shift_ = storage::allocate<D>(sizeof(std::uint64_t)), numbers_ = storage::allocate<D>(sizeof(typename Optimizer::numbers_type));
  std::vector<std::pair<void*, std::int64_t>> places_;  // what arrives goes there, in order
  cuda::arrivals<D> arrivals_;
  std::optional<cuda::repeated_work<D>> work_;  // the last member: destroyed before the memory that it uses
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
