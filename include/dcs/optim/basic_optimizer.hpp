// An optimiser over the trained parameters of a network, made from a rule: what moves a parameter by its gradient (adamw.hpp, sgd.hpp). Moments are
// kept by the parameter's name, so that a checkpoint can hold them. A step is two entry points of the device, measure_gradients and move_parameters:
// the norm of all gradients and the clipping factor, which stay on it, then the moves.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/core/parse.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/core/warning.hpp>
#include <dcs/io/safetensors.hpp>
#include <dcs/optim/optimizer.hpp>
#include <dcs/optim/parameters.hpp>

#include <algorithm>
#include <array>
#include <utility>

DCS_EXACT_MATH
namespace dcs {

/// What a rule keeps of earlier gradients for each parameter: its name in a checkpoint, and whether it is a mean of squares, never negative.
struct moment_description {
  const char* name;
  bool of_squares;
};

namespace detail {
inline void expect_option(const char* optimizer, const char* option, double found, bool valid, const char* expected) {
  expect(valid && is_finite(found), "dcs::", optimizer, ": ", option, " is ", found, "; expected a number ", expected);
}
}  // namespace detail

/// The optimiser by `Rule` of parameters on device D; those that have a gradient hold one element type. On a GPU (optim/adamw.cuh, optim/sgd.cuh) a
/// step is three launches for all of them, and parameters with a copy in bf16 have their gradients in it, their values and moments in f32.
template <class Rule, class D>
class basic_optimizer {
 public:
  using device_type = D;
  using rule = Rule;
  using numbers_type = typename Rule::numbers_type;  // what a step's moves go by
  typename Rule::options_type options;

  /// Throws dcs::error where a number of the options is outside its range, or one of their groups means no trained parameter.
  explicit basic_optimizer(const std::vector<named_parameter>& parameters, const typename Rule::options_type& o = {}) : options(o) {
    o.check();
    for (const auto& p : parameters)
      if (p.parameter->trained()) parameters_.push_back(p);
    moments_.resize(parameters_.size());
    groups_.resize(parameters_.size());
    if constexpr (requires { o.groups; }) groups_ = detail::numbers_of_groups(Rule::name, parameters_, o.groups);
  }

  /// The parameters that are trained, in the order of the network's members.
  const std::vector<named_parameter>& parameters() const { return parameters_; }

  /// Norm of all gradients together.
  double gradient_norm() {
    with_parameters([&](const auto& list) { measure_gradients(D{}, list, options.clip_norm, memory_); });
    return measured_norm();
  }

  /// One step; parameters without a gradient stay, of which the first step gives a notice (options.missing). Returns the norm before clipping, for
  /// which it waits for a GPU; a norm that is not finite is a dcs::error and nothing moves, and so is a step in which no parameter has a gradient.
  double step() {
    launch_step();
    return finish_step();
  }
  /// `step` in two parts: the work of the GPU, which reads norm and clipping factor itself, and the wait for the norm.
  void launch_step() { launch(next_numbers()); }
  /// The launches alone, by numbers that the GPU reads in its own memory when they run (a numbers_type; what is clipped is constant): a captured step
  /// repeats them. Such a step is counted by next_numbers.
  void launch_step(const storage& numbers) requires(!std::is_same_v<D, cpu_device>) {
    memory_.numbers = numbers;
    launch(numbers_type::of(options, std::max<std::int64_t>(steps_, 1)));
    memory_.numbers = {};
  }
  /// Counts a step and says its numbers.
  numbers_type next_numbers() { return numbers_type::of(options, ++steps_); }
  double finish_step() {
    const double norm = measured_norm();
    if (!is_finite(norm)) --steps_;
    require(is_finite(norm), "the gradient's norm is ", norm);
    return norm;
  }

  void clear_gradients() {
    for (const auto& p : parameters_) p.parameter->clear_gradient();
  }

  /// The state, for a checkpoint: optimizer/NAME/MOMENT for each moment of the rule, and as metadata the rule (optimizer), the number of steps
  /// (optimizer_steps) and of parameters that have moments (optimizer_moments). Before the first step there are none.
  void save(io::safetensors& file) const {
    std::int64_t saved = 0;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (!moments_[i][0] || steps_ == 0) continue;
      const parameter_base& p = *parameters_[i].parameter;
      const auto put = p.type() == dtype::f64 ? &put_moment<double> : &put_moment<float>;
      for (std::size_t k = 0; k < kept; ++k) put(file, moment_name(i, k), moments_[i][k], p.size());
      ++saved;
    }
    file.metadata["optimizer"] = Rule::name;
    file.metadata["optimizer_steps"] = std::to_string(steps_);
    file.metadata["optimizer_moments"] = std::to_string(saved);
  }
  /// What save() wrote, in place of what there was. Throws dcs::error, and changes nothing, where another rule wrote it, a number is none, a moment
  /// is missing, belongs to no parameter, has another size, is not finite, or is a negative mean of squares.
  void load(const io::safetensors& file) {
    const auto writer = file.metadata.find("optimizer");
    require(writer == file.metadata.end() || writer->second == Rule::name, "the optimiser in the checkpoint is ",
            writer == file.metadata.end() ? "" : printable(writer->second), "; expected ", Rule::name);
    const std::int64_t steps = number_in(file, "optimizer_steps"), saved = number_in(file, "optimizer_moments");
    require(saved == 0 || steps > 0, "optimizer_steps is 0, and there are moments; expected at least 1");
    std::vector<moments> read(parameters_.size());
    std::map<std::string, bool> known;
    std::int64_t found = 0;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      bool any = false;
      for (std::size_t k = 0; k < kept; ++k) any = any || file.contains(moment_name(i, k));
      if (!any) continue;
      for (std::size_t k = 0; k < kept; ++k) {
        const parameter_base& p = *parameters_[i].parameter;
        const auto read_one = p.type() == dtype::f64 ? &moment<double> : &moment<float>;
        read[i][k] = read_one(file, moment_name(i, k), p.size(), Rule::moments[k].of_squares);
        known[moment_name(i, k)] = true;
      }
      ++found;
    }
    for (const auto& [name, t] : file.tensors)
      require(name.rfind("optimizer/", 0) != 0 || known.count(name) != 0, name, " belongs to no parameter that is trained");
    require(found == saved, "there are moments of ", found, " parameters; expected ", saved, " (optimizer_moments)");
    steps_ = steps;
    moments_ = std::move(read);
  }

 private:
  static constexpr std::size_t kept = Rule::moments.size();
  using moments = std::array<storage, kept>;  // of one parameter; none before its first gradient

  // dcs::expect, whose message begins with the rule's name.
  template <class... Parts>
  static void require(bool ok, const Parts&... parts) {
    expect(ok, "dcs::", Rule::name, ": ", parts...);
  }

  void launch(const numbers_type& numbers) {
    examine_gradients();
    with_parameters([&](const auto& list) {
      measure_gradients(D{}, list, options.clip_norm, memory_);
      move_parameters(D{}, list, numbers, memory_);
    });
  }
  // Every step needs a gradient; on the first one every parameter does.
  void examine_gradients() {
    if (parameters_.empty()) return;
    const auto has_gradient = [](const named_parameter& p) { return p.parameter->has_gradient(); };
    require(std::any_of(parameters_.begin(), parameters_.end(), has_gradient), "none of ", parameters_.size(),
            " trained parameters has a gradient; expected backward(loss) before, of a loss that was computed from a var");
    if (std::exchange(examined_, true)) return;
    std::string names;
    int missing = 0;
    for (const auto& p : parameters_) {
      if (p.parameter->optional() || has_gradient(p)) continue;
      if (++missing <= 8) names += (names.empty() ? "" : ", ") + p.name;
    }
    if (missing == 0) return;
    const std::string text = std::to_string(missing) + " of " + std::to_string(parameters_.size()) +
                             " trained parameters have no gradient in the first step, and do not move: " + names + (missing > 8 ? ", ..." : "");
    require(options.missing != missing_gradients::refuse, text);
    notice(std::string("dcs::") + Rule::name + ": " + text);
  }
  double measured_norm() const {
    double norm = 0;
    if (memory_.result) D::copy_to_host(&norm, memory_.result.data(), sizeof norm);
    return norm;
  }

  std::string moment_name(std::size_t i, std::size_t k) const { return "optimizer/" + parameters_[i].name + "/" + Rule::moments[k].name; }
  template <class T>
  static void put_moment(io::safetensors& file, const std::string& name, const storage& s, extent_t n) {
    std::vector<T> host(static_cast<std::size_t>(n));
    D::copy_to_host(host.data(), s.data(), n * static_cast<extent_t>(sizeof(T)));
    file.put(name, {n}, host.data());
  }
  static std::int64_t number_in(const io::safetensors& file, const char* key) {
    const auto it = file.metadata.find(key);
    require(it != file.metadata.end(), "there is no optimiser in the checkpoint: its metadata lacks ", key);
    const auto n = parse_whole(it->second);
    require(n && *n >= 0, key, " is ", printable(it->second), "; expected a whole number from 0");
    return *n;
  }
  template <class T>
  static storage moment(const io::safetensors& file, const std::string& name, extent_t n, bool of_squares) {
    const auto v = file.at(name).as<T>();
    require(static_cast<extent_t>(v.size()) == n, name, " has ", v.size(), " moments for a parameter of ", n);
    for (T x : v) require(is_finite(x) && (!of_squares || x >= 0), name, " contains ", x, "; expected finite numbers", of_squares ? " from 0" : "");
    storage s = storage::allocate<D>(n * static_cast<extent_t>(sizeof(T)));
    D::copy_from_host(s.data(), v.data(), n * static_cast<extent_t>(sizeof(T)));
    return s;
  }

  // Calls body with the parameters that have a gradient.
  template <class Body>
  void with_parameters(const Body& body) {
    const named_parameter* first = nullptr;
    for (const auto& p : parameters_)
      if (p.parameter->has_gradient()) {
        if (!first) first = &p;
        require(p.parameter->type() == first->parameter->type(), first->name, " holds ", dcs::name(first->parameter->type()), ", ", p.name, " ",
                dcs::name(p.parameter->type()), "; expected one type");
      }
    if (first && first->parameter->type() == dtype::f64) return body(list_of<double, double>());
    if (first && first->parameter->half()) return body(list_of<float, bf16>());
    body(list_of<float, float>());
  }
  template <class T, class G>
  std::vector<optimizer_parameter<T, G, kept>> list_of() {
    std::vector<optimizer_parameter<T, G, kept>> list;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const auto& [name, p] = parameters_[i];
      if (!p->has_gradient()) continue;
      const storage gradient = p->gradient();
      const extent_t n = p->size(), bytes = n * static_cast<extent_t>(sizeof(T));
      require(gradient.bytes() == n * static_cast<extent_t>(sizeof(G)), "the gradient of ", name, " has ", gradient.bytes(), " bytes; expected ",
              n * static_cast<extent_t>(sizeof(G)), ": one element type for all");
      optimizer_parameter<T, G, kept> row{p->template data<T>(),
                                          static_cast<const G*>(gradient.data()),
                                          {},
                                          static_cast<bf16*>(p->half().data()),
                                          n,
                                          static_cast<const T*>(p->condition().data()),
                                          groups_[i]};
      for (std::size_t k = 0; k < kept; ++k) {
        storage& s = moments_[i][k];
        if (!s) {
          s = storage::allocate<D>(bytes);
          D::zero(s.data(), bytes);
        }
        row.moments[k] = static_cast<T*>(s.data());
      }
      list.push_back(row);
    }
    return list;
  }

  std::vector<named_parameter> parameters_;
  std::vector<moments> moments_;  // of each of them
  std::vector<group_numbers> groups_;
  std::int64_t steps_ = 0;
  bool examined_ = false;  // whether a step has looked for missing gradients
  optimizer_memory memory_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
