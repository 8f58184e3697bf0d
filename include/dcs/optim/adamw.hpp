// AdamW (Loshchilov & Hutter 2019) over all trained parameters of a network, with the gradient clipped to a global norm, and the rules for its rate:
// plateau, cosine. Moments are kept by the parameter's name, so that a checkpoint can hold them.
#pragma once

#include <dcs/cpu/math.hpp>
#include <dcs/io/safetensors.hpp>
#include <dcs/nn/module.hpp>

#include <numbers>

#define DCS_KERNELS <dcs/optim/adamw.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

struct adamw_options {
  double rate = 2e-4, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-4;
  double clip_norm = 1;  // 0: no clipping
};

class adamw {
 public:
  adamw_options options;

  explicit adamw(std::vector<named_parameter> parameters, adamw_options o = {}) : options(o) {
    for (auto& p : parameters)
      if (p.parameter->trained()) entries_.push_back({p.name, p.parameter, {}, {}});
  }

  /// Norm of all gradients together, in a fixed order of summation.
  double gradient_norm() const {
    double total = 0;
    for (const auto& e : entries_)
      if (const storage g = e.parameter->gradient()) {
        const extent_t n = e.parameter->size(), grain = 1 << 16, chunks = (n + grain - 1) / grain;
        std::vector<double> part(static_cast<std::size_t>(chunks));
        cpu::parallel_for(chunks, [&](extent_t c) {
          const extent_t begin = c * grain, count = std::min(n - begin, grain);
          part[static_cast<std::size_t>(c)] = e.parameter->type() == dtype::f64 ? squares<double>(g, begin, count) : squares<float>(g, begin, count);
        });
        for (double p : part) total += p;
      }
    return std::sqrt(total);
  }

  /// One step; parameters without a gradient stay. Returns the norm before clipping; a norm that is not finite is a dcs::error and nothing moves.
  double step() {
    const double norm = gradient_norm();
    expect(std::isfinite(norm), "dcs::adamw: the gradient's norm is ", norm);
    const double clip = options.clip_norm > 0 && norm > options.clip_norm ? options.clip_norm / (norm + 1e-6) : 1;
    ++steps_;
    const double rate = options.rate / (1 - std::pow(options.beta1, static_cast<double>(steps_)));
    const double root = 1 / std::sqrt(1 - std::pow(options.beta2, static_cast<double>(steps_)));
    for (auto& e : entries_) {
      if (!e.parameter->gradient()) continue;
      if (e.parameter->type() == dtype::f64)
        update<double>(e, clip, rate, root);
      else
        update<float>(e, clip, rate, root);
    }
    return norm;
  }

  void clear_gradients() {
    for (auto& e : entries_) e.parameter->clear_gradient();
  }

  /// The state, for a checkpoint: optimizer/NAME/m, optimizer/NAME/v and the number of steps.
  void save(io::safetensors& file) const {
    file.metadata["optimizer_steps"] = std::to_string(steps_);
    for (const auto& e : entries_)
      if (e.first) {
        file.put("optimizer/" + e.name + "/m", {e.parameter->size()}, static_cast<const float*>(e.first.data()));
        file.put("optimizer/" + e.name + "/v", {e.parameter->size()}, static_cast<const float*>(e.second.data()));
      }
  }
  void load(const io::safetensors& file) {
    const auto steps = file.metadata.find("optimizer_steps");
    expect(steps != file.metadata.end(), "dcs::adamw: the checkpoint has no optimiser in it");
    steps_ = std::stoll(steps->second);
    for (auto& e : entries_)
      if (file.contains("optimizer/" + e.name + "/m")) {
        e.first = filled(file.at("optimizer/" + e.name + "/m"), e.parameter->size());
        e.second = filled(file.at("optimizer/" + e.name + "/v"), e.parameter->size());
      }
  }

 private:
  struct entry {
    std::string name;
    parameter_base* parameter;
    storage first, second;
  };

  template <class T>
  static double squares(const storage& g, extent_t begin, extent_t n) {
    return DCS_DISPATCH(sum_of_squares, static_cast<const T*>(g.data()) + begin, n);
  }
  static storage filled(const io::stored_tensor& t, extent_t n) {
    const auto v = t.as<float>();
    expect(static_cast<extent_t>(v.size()) == n, "dcs::adamw: ", v.size(), " moments for a parameter of ", n);
    storage s = storage::allocate<cpu_device>(n * 4);
    std::copy(v.begin(), v.end(), static_cast<float*>(s.data()));
    return s;
  }

  template <class T>
  void update(entry& e, double clip, double rate, double root) {
    const extent_t n = e.parameter->size(), bytes = n * static_cast<extent_t>(sizeof(T));
    if (!e.first) {
      e.first = storage::allocate<cpu_device>(bytes), e.second = storage::allocate<cpu_device>(bytes);
      cpu_device::zero(e.first.data(), bytes), cpu_device::zero(e.second.data(), bytes);
    }
    T* p = e.parameter->data<T>();
    const storage gradient = e.parameter->gradient();
    const T* g = static_cast<const T*>(gradient.data());
    T *m = static_cast<T*>(e.first.data()), *v = static_cast<T*>(e.second.data());
    cpu::parallel_chunks(n, 1 << 15, [&](extent_t begin, extent_t end) {
      DCS_DISPATCH(adamw_update, p + begin, g + begin, m + begin, v + begin, end - begin, static_cast<T>(clip), static_cast<T>(options.beta1),
                   static_cast<T>(options.beta2), static_cast<T>(rate), static_cast<T>(root), static_cast<T>(options.eps),
                   static_cast<T>(1 - options.rate * options.weight_decay));
    });
  }

  std::vector<entry> entries_;
  std::int64_t steps_ = 0;
};

/// Halves a rate after `patience` epochs without a better validation loss, down to a floor; says when to stop.
struct plateau {
  int patience = 5, stop_after = 20;
  double factor = 0.5, floor = 1e-7;
  double best = std::numeric_limits<double>::infinity();
  int since_best = 0, since_change = 0;

  /// The rate for the next epoch. `improved` after it says whether this epoch was the best.
  double next(double rate, double loss) {
    if (loss < best) {
      best = loss, since_best = since_change = 0;
      return rate;
    }
    ++since_best;
    if (++since_change > patience) {
      since_change = 0;
      return std::max(floor, rate * factor);
    }
    return rate;
  }
  bool improved() const { return since_best == 0; }
  bool exhausted() const { return since_best >= stop_after; }
};

/// Cosine annealing (Loshchilov & Hutter 2017, no restart): the rate of `epoch` (from 0) of `epochs`, from `rate` down to almost 0. For runs of known
/// length.
inline double cosine_rate(double rate, int epoch, int epochs) { return rate * 0.5 * (1 + std::cos(std::numbers::pi * epoch / epochs)); }

}  // namespace dcs
