// An optimiser chosen by name when the program runs, so that what trains with it is compiled once.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/optim/adamw.hpp>
#include <dcs/optim/sgd.hpp>

#include <cstring>
#include <variant>

DCS_EXACT_MATH
namespace dcs {

/// The numbers of every optimiser that has a name; each takes those that are its own.
struct any_optimizer_options {
  std::string name = "adamw";  // one of optimizer_names
  double rate = 2e-4, weight_decay = 1e-4;
  double clip_norm = 1;                           // 0: no clipping
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  // AdamW's
  double momentum = 0.9;                          // SGD's
  bool nesterov = false;
  missing_gradients missing = missing_gradients::report;
  std::vector<parameter_group> groups{};

  adamw_options for_adamw() const { return {rate, beta1, beta2, eps, weight_decay, clip_norm, missing, groups}; }
  sgd_options for_sgd() const { return {rate, momentum, weight_decay, nesterov, clip_norm, missing, groups}; }
};

/// AdamW or SGD on device D, to the bits that each has by itself. Of `options`, rate and clip_norm may change between steps.
template <class D>
class any_optimizer {
 public:
  using device_type = D;
  /// Numbers of either rule, whose own stand at the beginning.
  struct numbers_type {
    alignas(double) std::byte bytes[std::max(sizeof(adamw_numbers), sizeof(sgd_numbers))] = {};
  };
  any_optimizer_options options;

  /// Throws dcs::error for a name that is none of optimizer_names, for numbers outside their range, and for a group without parameters.
  explicit any_optimizer(const std::vector<named_parameter>& parameters, const any_optimizer_options& o = {})
      : options(o), chosen_(made(parameters, o)) {}

  const std::vector<named_parameter>& parameters() const {
    return std::visit([](const auto& c) -> const std::vector<named_parameter>& { return c.parameters(); }, chosen_);
  }
  double gradient_norm() {
    return visit([](auto& c) { return c.gradient_norm(); });
  }
  double step() {
    return visit([](auto& c) { return c.step(); });
  }
  void launch_step() {
    visit([](auto& c) { c.launch_step(); });
  }
  void launch_step(const storage& numbers) requires(!std::is_same_v<D, cpu_device>) {
    visit([&](auto& c) { c.launch_step(numbers); });
  }
  numbers_type next_numbers() {
    return visit([](auto& c) {
      const auto own = c.next_numbers();
      numbers_type n;
      std::memcpy(n.bytes, &own, sizeof own);
      return n;
    });
  }
  double finish_step() {
    return visit([](auto& c) { return c.finish_step(); });
  }
  void clear_gradients() {
    visit([](auto& c) { c.clear_gradients(); });
  }
  void save(io::safetensors& file) const {
    std::visit([&](const auto& c) { c.save(file); }, chosen_);
  }
  void load(const io::safetensors& file) {
    visit([&](auto& c) { c.load(file); });
  }

 private:
  using choice = std::variant<basic_adamw<D>, basic_sgd<D>>;

  static choice made(const std::vector<named_parameter>& parameters, const any_optimizer_options& o) {
    if (o.name == adamw_rule::name) return basic_adamw<D>(parameters, o.for_adamw());
    expect(o.name == sgd_rule::name, "dcs::any_optimizer: ", printable(o.name), " is no optimiser; expected adamw or sgd");
    return basic_sgd<D>(parameters, o.for_sgd());
  }
  template <class F>
  auto visit(const F& f) {
    return std::visit(
        [&](auto& c) {
          c.options.rate = options.rate, c.options.clip_norm = options.clip_norm;
          return f(c);
        },
        chosen_);
  }

  choice chosen_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
