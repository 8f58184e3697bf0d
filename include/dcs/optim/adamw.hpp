// AdamW (Loshchilov & Hutter 2019) over all trained parameters of a network, with the gradient clipped to a global norm; the rules for its rate are
// in optim/rate.hpp. Moments are kept by the parameter's name, so that a checkpoint can hold them. A step is two entry points of the device: the norm
// of all gradients and the clipping factor, which stay on it, then the moves.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/core/parse.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/cpu/math.hpp>
#include <dcs/io/safetensors.hpp>
#include <dcs/nn/module.hpp>
#include <dcs/optim/rate.hpp>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/optim/adamw.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

struct adamw_options {
  double rate = 2e-4, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-4;
  double clip_norm = 1;  // 0: no clipping
};

/// A parameter as a step sees it: memory of `size` elements each, aligned to 16 bytes. G: type of the gradient. `copy`, where there is one, receives
/// the parameter in bf16. `condition`, where there is one, is a number that is 0 where the parameter shall stay as it is.
template <class T, class G = T>
struct adamw_parameter {
  T* value;
  const G* gradient;
  T *first, *second;
  bf16* copy;
  std::int64_t size;
  const T* condition = nullptr;
};

/// The numbers of a step; rate and root hold the corrections of the moments' bias.
struct adamw_numbers {
  double clip_norm, beta1, beta2, rate, root, eps, decay;

  /// Of step `step`, counted from 1.
  static adamw_numbers of(const adamw_options& o, std::int64_t step) {
    const auto n = static_cast<double>(step);
    return {o.clip_norm,
            o.beta1,
            o.beta2,
            o.rate / (1 - std::pow(o.beta1, n)),
            1 / std::sqrt(1 - std::pow(o.beta2, n)),
            o.eps,
            1 - o.rate * o.weight_decay};
  }
  double clip_factor(double norm) const { return clip_norm > 0 && norm > clip_norm ? clip_norm / (norm + 1e-6) : 1; }
};

/// What steps keep between them, on the device. `result`: two doubles, the norm of all gradients and the factor that clips them. The rest are a GPU's
/// tables, of which `sizes` and `listed` are what the host knows: the parameters' sizes, and the bytes at `parameters`, which are never written over.
/// `numbers`, where it is set: the adamw_numbers that a GPU's moves go by, in its memory. Empty at first.
struct adamw_memory {
  storage result, parameters, chunks, partial, numbers;
  std::vector<std::int64_t> sizes;
  std::vector<std::byte> listed;
};

namespace cpu {

/// The norm of all gradients together, in a fixed order of summation, and the clipping factor, into memory.result.
template <class T>
void adamw_measure(device, const std::vector<adamw_parameter<T>>& parameters, const adamw_numbers& o, adamw_memory& memory) {
  if (!memory.result) memory.result = storage::allocate<device>(2 * sizeof(double));
  double total = 0;
  for (const auto& p : parameters) {
    const std::int64_t grain = 1 << 16, chunks = (p.size + grain - 1) / grain;
    std::vector<double> part(static_cast<std::size_t>(chunks));
    parallel_for(chunks, [&](std::int64_t c) {
      part[static_cast<std::size_t>(c)] = DCS_DISPATCH(sum_of_squares, p.gradient + c * grain, std::min(p.size - c * grain, grain));
    });
    for (double s : part) total += s;
  }
  auto* result = static_cast<double*>(memory.result.data());
  result[0] = std::sqrt(total);
  result[1] = o.clip_factor(result[0]);
}

/// Moves the parameters by their gradients, clipped by what was measured; nothing moves if the norm is not finite.
template <class T>
void adamw_move(device, const std::vector<adamw_parameter<T>>& parameters, const adamw_numbers& o, const adamw_memory& memory) {
  const auto* result = static_cast<const double*>(memory.result.data());
  if (!is_finite(result[0])) return;
  for (const auto& p : parameters) {
    if (p.condition && *p.condition == 0) continue;
    parallel_chunks(p.size, 1 << 15, [&](std::int64_t begin, std::int64_t end) {
      DCS_DISPATCH(adamw_update, p.value + begin, p.gradient + begin, p.first + begin, p.second + begin, end - begin, static_cast<T>(result[1]),
                   static_cast<T>(o.beta1), static_cast<T>(o.beta2), static_cast<T>(o.rate), static_cast<T>(o.root), static_cast<T>(o.eps),
                   static_cast<T>(o.decay));
      if (p.copy)
        for (std::int64_t i = begin; i < end; ++i) p.copy[i] = static_cast<bf16>(static_cast<float>(p.value[i]));
    });
  }
}

// What dcs::compiled has of these (core/compiled.hpp).
#define DCS_ADAMW_ENTRIES(declare, T)                                                                              \
  declare void adamw_measure(device, const std::vector<adamw_parameter<T>>&, const adamw_numbers&, adamw_memory&); \
  declare void adamw_move(device, const std::vector<adamw_parameter<T>>&, const adamw_numbers&, const adamw_memory&);
DCS_ENTRIES(DCS_ADAMW_ENTRIES)

}  // namespace cpu

/// The optimiser of parameters on device D; those that have a gradient hold one element type. On a GPU (optim/adamw.cuh) a step is three launches
/// for all of them, and parameters with a copy in bf16 have their gradients in it, their values and moments in f32.
template <class D>
class basic_adamw {
 public:
  using device_type = D;
  adamw_options options;

  explicit basic_adamw(std::vector<named_parameter> parameters, adamw_options o = {}) : options(o) {
    for (auto& p : parameters)
      if (p.parameter->trained()) entries_.push_back({p.name, p.parameter, {}, {}});
  }

  /// Norm of all gradients together.
  double gradient_norm() {
    with_parameters([&](const auto& list) { adamw_measure(D{}, list, adamw_numbers::of(options, steps_ + 1), memory_); });
    return measured_norm();
  }

  /// One step; parameters without a gradient stay. Returns the norm before clipping, for which it waits for a GPU; a norm that is not finite is a
  /// dcs::error and nothing moves.
  double step() {
    launch_step();
    return finish_step();
  }
  /// `step` in two parts: the work of the GPU, which reads norm and clipping factor itself, and the wait for the norm.
  void launch_step() { launch(next_numbers()); }
  /// The launches alone, by numbers that the GPU reads in its own memory when they run (an adamw_numbers; what is clipped is constant): a captured
  /// step repeats them. Such a step is counted by next_numbers.
  void launch_step(const storage& numbers) requires(!std::is_same_v<D, cpu_device>) {
    memory_.numbers = numbers;
    launch(adamw_numbers::of(options, std::max<std::int64_t>(steps_, 1)));
    memory_.numbers = {};
  }
  /// Counts a step and says its numbers.
  adamw_numbers next_numbers() { return adamw_numbers::of(options, ++steps_); }
  double finish_step() {
    const double norm = measured_norm();
    if (!is_finite(norm)) --steps_;
    expect(is_finite(norm), "dcs::adamw: the gradient's norm is ", norm);
    return norm;
  }

  void clear_gradients() {
    for (auto& e : entries_) e.parameter->clear_gradient();
  }

  /// The state, for a checkpoint: optimizer/NAME/m, optimizer/NAME/v, the number of steps (metadata optimizer_steps) and of parameters that have
  /// moments (optimizer_moments). Before the first step there are none.
  void save(io::safetensors& file) const {
    std::int64_t saved = 0;
    for (const auto& e : entries_) {
      if (!e.first || steps_ == 0) continue;
      const auto put = e.parameter->type() == dtype::f64 ? &put_moment<double> : &put_moment<float>;
      put(file, first_name(e), e.first, e.parameter->size());
      put(file, second_name(e), e.second, e.parameter->size());
      ++saved;
    }
    file.metadata["optimizer_steps"] = std::to_string(steps_);
    file.metadata["optimizer_moments"] = std::to_string(saved);
  }
  /// What save() wrote, in place of what there was. Throws dcs::error, and changes nothing, where a number is none, a moment is missing, belongs to
  /// no parameter, has another size, is not finite, or is a negative mean of squares.
  void load(const io::safetensors& file) {
    const std::int64_t steps = number_in(file, "optimizer_steps"), saved = number_in(file, "optimizer_moments");
    expect(saved == 0 || steps > 0, "dcs::adamw: optimizer_steps is 0, and there are moments; expected at least 1");
    std::vector<std::pair<storage, storage>> moments(entries_.size());
    std::map<std::string, bool> known;
    std::int64_t found = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const auto& e = entries_[i];
      const std::string first = first_name(e), second = second_name(e);
      if (!file.contains(first) && !file.contains(second)) continue;
      const auto read = e.parameter->type() == dtype::f64 ? &moment<double> : &moment<float>;
      moments[i] = {read(file, first, e.parameter->size(), false), read(file, second, e.parameter->size(), true)};
      known[first] = known[second] = true;
      ++found;
    }
    for (const auto& [name, t] : file.tensors)
      expect(name.rfind("optimizer/", 0) != 0 || known.count(name) != 0, "dcs::adamw: ", name, " belongs to no parameter that is trained");
    expect(found == saved, "dcs::adamw: there are moments of ", found, " parameters; expected ", saved, " (optimizer_moments)");
    steps_ = steps;
    for (std::size_t i = 0; i < entries_.size(); ++i) std::tie(entries_[i].first, entries_[i].second) = std::move(moments[i]);
  }

 private:
  void launch(const adamw_numbers& numbers) {
    with_parameters([&](const auto& list) {
      adamw_measure(D{}, list, numbers, memory_);
      adamw_move(D{}, list, numbers, memory_);
    });
  }
  struct entry {
    std::string name;
    parameter_base* parameter;
    storage first, second;
  };

  template <class T>
  static void put_moment(io::safetensors& file, const std::string& name, const storage& s, extent_t n) {
    std::vector<T> host(static_cast<std::size_t>(n));
    D::copy_to_host(host.data(), s.data(), n * static_cast<extent_t>(sizeof(T)));
    file.put(name, {n}, host.data());
  }
  static std::string first_name(const entry& e) { return "optimizer/" + e.name + "/m"; }
  static std::string second_name(const entry& e) { return "optimizer/" + e.name + "/v"; }
  static std::int64_t number_in(const io::safetensors& file, const char* key) {
    const auto it = file.metadata.find(key);
    expect(it != file.metadata.end(), "dcs::adamw: there is no optimiser in the checkpoint: its metadata lacks ", key);
    const auto n = parse_whole(it->second);
    expect(n && *n >= 0, "dcs::adamw: ", key, " is ", printable(it->second), "; expected a whole number from 0");
    return *n;
  }
  template <class T>
  static storage moment(const io::safetensors& file, const std::string& name, extent_t n, bool of_squares) {
    const auto v = file.at(name).as<T>();
    expect(static_cast<extent_t>(v.size()) == n, "dcs::adamw: ", name, " has ", v.size(), " moments for a parameter of ", n);
    for (T x : v)
      expect(is_finite(x) && (!of_squares || x >= 0), "dcs::adamw: ", name, " contains ", x, "; expected finite numbers",
             of_squares ? " from 0" : "");
    storage s = storage::allocate<D>(n * static_cast<extent_t>(sizeof(T)));
    D::copy_from_host(s.data(), v.data(), n * static_cast<extent_t>(sizeof(T)));
    return s;
  }

  double measured_norm() const {
    double norm = 0;
    if (memory_.result) D::copy_to_host(&norm, memory_.result.data(), sizeof norm);
    return norm;
  }

  // Calls body with the parameters that have a gradient.
  template <class Body>
  void with_parameters(const Body& body) {
    const entry* first = nullptr;
    for (const auto& e : entries_)
      if (e.parameter->gradient()) {
        if (!first) first = &e;
        expect(e.parameter->type() == first->parameter->type(), "dcs::adamw: ", first->name, " holds ", dcs::name(first->parameter->type()), ", ",
               e.name, " ", dcs::name(e.parameter->type()), "; expected one type");
      }
    if (first && first->parameter->type() == dtype::f64) return body(list_of<double, double>());
    if constexpr (!std::is_same_v<D, cpu_device>)
      if (first && first->parameter->half()) return body(list_of<float, bf16>());
    body(list_of<float, float>());
  }
  template <class T, class G>
  std::vector<adamw_parameter<T, G>> list_of() {
    std::vector<adamw_parameter<T, G>> list;
    for (auto& e : entries_) {
      const storage gradient = e.parameter->gradient();
      if (!gradient) continue;
      const extent_t n = e.parameter->size(), bytes = n * static_cast<extent_t>(sizeof(T));
      expect(gradient.bytes() == n * static_cast<extent_t>(sizeof(G)), "dcs::adamw: the gradient of ", e.name, " has ", gradient.bytes(),
             " bytes; expected ", n * static_cast<extent_t>(sizeof(G)), ": one element type for all");
      if (!e.first) {
        e.first = storage::allocate<D>(bytes), e.second = storage::allocate<D>(bytes);
        D::zero(e.first.data(), bytes), D::zero(e.second.data(), bytes);
      }
      list.push_back({e.parameter->template data<T>(), static_cast<const G*>(gradient.data()), static_cast<T*>(e.first.data()),
                      static_cast<T*>(e.second.data()), static_cast<bf16*>(e.parameter->half().data()), n,
                      static_cast<const T*>(e.parameter->condition().data())});
    }
    return list;
  }

  std::vector<entry> entries_;
  std::int64_t steps_ = 0;
  adamw_memory memory_;
};

using adamw = basic_adamw<cpu_device>;

}  // namespace dcs

#include <dcs/core/header_end.inl>
