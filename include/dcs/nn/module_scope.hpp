// Where in a network an error arises. Parameters know their names (parameter_base::name), and a layer that runs says so on its thread: whatever then
// throws dcs::error (or gives a notice) writes the layer's path before the message,
//
//   decoder.2.conv: dcs::conv2d: an image of 2 × 2 is smaller than the 3 × 3 kernel
//
// The layers of nn/ do that; what a module of one's own computes beside them, such as a concatenation, has no place of its own unless the module
// opens a scope too. Nothing is built while nothing fails: a scope is a few pointers on the stack, linked to that of the module around it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/module.hpp>

#include <algorithm>

DCS_EXACT_MATH
namespace dcs {

/// While it lives, on its thread, errors say where in a network they arose. To be the first line of a module's call:
///
///     const module_scope here(*this);
///
/// Where no layer of the module runs at the moment of the error, the message names the layer that ran last in the scope: "decoder, after
/// decoder.up: dcs::concat: ...". Names are those of the state dict; a network that was never initialised or loaded has none.
class module_scope : private detail::running_module {
 public:
  /// The scope of a whole network, or of anything without parameters: it names the layer that ran last.
  constexpr module_scope() { enter(&path_after); }
  /// The scope of a layer that has this parameter as a member.
  constexpr explicit module_scope(const parameter_base& member) : member_(&member) { enter(&path_of_layer); }
  /// The scope of a module.
  template <module M>
  requires(!std::is_base_of_v<parameter_base, M>) constexpr explicit module_scope(const M& m) : module_(&m) { enter(&path_of_module<M>); }
  module_scope(const module_scope&) = delete;
  module_scope& operator=(const module_scope&) = delete;
  constexpr ~module_scope() {
    if (!std::is_constant_evaluated()) leave();
  }

 private:
  constexpr void enter(std::string (*path_now)(const running_module&)) {
    if (std::is_constant_evaluated()) return;
    path = path_now;
    push();
  }
  void push() {
    outer = detail::innermost_module;
    detail::innermost_module = this;
  }
  void leave() noexcept {
    detail::innermost_module = outer;
    if (const std::string* ran = member_ ? member_->kept_name() : last_; ran && outer) static_cast<module_scope*>(outer)->last_ = ran;
  }

  // A layer's path is the name of its parameter without the last part.
  static std::string layer_of(std::string_view parameter) {
    return std::string(parameter.substr(0, std::min(parameter.rfind('.'), parameter.size())));
  }
  static std::string path_of_layer(const running_module& r) {
    const std::string_view name = static_cast<const module_scope&>(r).member_->name();
    return name.find('.') == name.npos ? std::string() : layer_of(name);
  }
  static std::string path_after(const running_module& r) {
    const std::string* last = static_cast<const module_scope&>(r).last_;
    return last && last->find('.') != last->npos ? "after " + layer_of(*last) : std::string();
  }
  // A module's path is what stands in the name of its first parameter before the parameter's name within the module.
  struct first_parameter {
    std::string within;
    const parameter_base* parameter = nullptr;
    void operator()(const std::string& name, const parameter_base& p) {
      if (!parameter) within = name, parameter = &p;
    }
  };
  template <class M>
  static std::string path_of_module(const running_module& r) {
    first_parameter first;
    detail::visit_named(*static_cast<const M*>(static_cast<const module_scope&>(r).module_), std::string(), first);
    return module_path(r, first);
  }
  static std::string module_path(const running_module& r, const first_parameter& first) {
    const std::string after = path_after(r);
    const std::string_view name = first.parameter ? first.parameter->name() : std::string_view();
    if (name.size() <= first.within.size() || !name.ends_with(first.within)) return after;
    const std::string own(name.substr(0, name.size() - first.within.size() - 1));
    return after.empty() ? own : own + ", " + after;
  }

  const parameter_base* member_ = nullptr;
  const void* module_ = nullptr;
  const std::string* last_ = nullptr;  // the name of a parameter of the layer that ran last in this scope
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
