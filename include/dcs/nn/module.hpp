// A module is a plain struct with named members and one templated call. DCS_MEMBERS(a, b) names them; walking a network visits its parameters with
// the names that a state dict gives them: members joined by dots, elements of std::array and std::tuple by their number. Nothing is registered and
// there is no base class.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/members.hpp>

#include <string>
#include <string_view>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// As a variable, because a compiler tells at length why a concept is not satisfied.
template <class M>
inline constexpr bool is_module_v = module<M>;

// Adds up the sizes of parameters: usable in a constant expression. A named function object, as nvcc does not evaluate nested generic lambdas in
// constant expressions.
struct parameter_counter {
  extent_t count = 0;

  constexpr void operator()(const char*, const parameter_base& p) { count += p.is_buffer() ? 0 : p.size(); }
  template <class M>
  requires(!std::is_base_of_v<parameter_base, M>) constexpr void operator()(const char* name, const M& m) {
    static_assert(is_module_v<M>,
                  "dcs: a member of a network must be a parameter, a buffer, or a struct with DCS_MEMBERS (or an array or tuple of these)");
    static_assert(all_members_listed<M>());
    if constexpr (is_array_v<M>)
      for (const auto& element : m) (*this)(name, element);
    else if constexpr (is_tuple_v<M>)
      all_of(m, std::make_index_sequence<std::tuple_size_v<M>>{});
    else
      m.members(*this);
  }

 private:
  template <class M, std::size_t... I>
  constexpr void all_of(const M& m, std::index_sequence<I...>) {
    ((*this)("", std::get<I>(m)), ...);
  }
};
template <class Net>
constexpr extent_t count_parameters() {
  Net net{};
  parameter_counter counter;
  counter("", net);
  return counter.count;
}

inline std::string joined(const std::string& path, const std::string& name) { return path.empty() ? name : name.empty() ? path : path + "." + name; }

// The same with names. `visit` takes the untyped base of a parameter, `Base` (parameter_base, const or not), so that only this function is
// instantiated for each type of module.
template <class M, class Visit>
void visit_named(M& m, const std::string& path, Visit& visit) {
  using plain = std::remove_cvref_t<M>;
  static_assert(is_module_v<plain>,
                "dcs: a member of a network must be a parameter, a buffer, or a struct with DCS_MEMBERS (or an array or tuple of these)");
  if constexpr (is_module_v<plain>) static_assert(all_members_listed<plain>());
  if constexpr (!is_module_v<plain>) {
    return;
  } else if constexpr (std::is_base_of_v<parameter_base, plain>) {
    using base = std::conditional_t<std::is_const_v<M>, const parameter_base, parameter_base>;
    visit(path, static_cast<base&>(m));
  } else if constexpr (is_array_v<plain>) {
    for (std::size_t i = 0; i < m.size(); ++i) visit_named(m[i], joined(path, std::to_string(i)), visit);
  } else if constexpr (is_tuple_v<plain>) {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (visit_named(std::get<I>(m), joined(path, std::to_string(I)), visit), ...); }
    (std::make_index_sequence<std::tuple_size_v<plain>>{});
  } else {
    m.members([&](const char* name, auto& member) { visit_named(member, joined(path, name), visit); });
  }
}

constexpr std::uint64_t label_of(const std::string& s) {
  std::uint64_t h = 14695981039346656037ull;  // FNV-1a, a label for a random stream: a collision would merely give two parameters the same numbers
  for (char c : s) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return h;
}

}  // namespace detail

/// visit(name, parameter) for every parameter and buffer of a network, in the order of its members.
template <module M, class Visit>
void for_each_parameter(M& net, Visit visit) {
  detail::visit_named(net, std::string(), visit);
}

/// A parameter with its name.
struct named_parameter {
  std::string name;
  parameter_ref parameter;
};
/// All parameters and buffers of a network. They remain those of the network when it is moved, and using one after the network is gone is a
/// dcs::error. Optional (parameter_base::optional) become those whose names begin with an entry of M::optional_parameters, where the network has such
/// a list.
template <class M>
std::vector<named_parameter> named_parameters(M& net) {
  static_assert(detail::is_module_v<M>, "dcs: a network is a struct that names its members; try: DCS_MEMBERS(conv, norm) in it");
  std::vector<named_parameter> list;
  if constexpr (module<M>) {
    const auto add = [&](const std::string& name, parameter_base& p) { p.set_name(name), list.push_back({name, parameter_ref(p)}); };
    detail::visit_named(net, std::string(), add);
  }
  if constexpr (requires { M::optional_parameters; })
    for (const auto& entry : list)
      for (const std::string_view prefix : M::optional_parameters)
        if (entry.name.starts_with(prefix)) entry.parameter->set_optional(true);
  return list;
}

namespace detail {
inline void initialize_list(const std::vector<named_parameter>& list, std::uint64_t seed, dtype type) {
  for (const auto& [name, p] : list) {
    const random_stream random = random_stream{seed, 0}.child(label_of(name));
    if (type == dtype::f64)
      p->allocate<double>();
    else
      p->allocate<float>();
    for (extent_t i = 0; i < p->size(); ++i) {
      const double v = p->description().initial(random, static_cast<std::uint64_t>(i));
      if (type == dtype::f64)
        p->data<double>()[i] = v;
      else
        p->data<float>()[i] = static_cast<float>(v);
    }
  }
}
template <class T>
void convert_list(const std::vector<named_parameter>& list) {
  for (const named_parameter& entry : list) {
    parameter_base& p = *entry.parameter;
    if (p.type() == dtype_of<T>) continue;
    const storage old = p.memory();
    const bool from_double = p.type() == dtype::f64;
    p.allocate<T>();
    for (extent_t i = 0; i < p.size(); ++i)
      p.data<T>()[i] = static_cast<T>(from_double ? static_cast<const double*>(old.data())[i] : static_cast<const float*>(old.data())[i]);
  }
}
}  // namespace detail

/// A copy of a network, with parameters and buffers of its own on the same device and without gradients, to be trained or kept by itself. The
/// same as `auto copy = net`.
template <module M>
M clone(const M& net) {
  return net;
}

/// Gives every parameter memory of type T (float or double) and its initial value: a function of the seed and the parameter's name alone.
template <class T = float, class M>
void initialize(M& net, std::uint64_t seed) {
  detail::initialize_list(named_parameters(net), seed, dtype_of<T>);
}
/// Changes the element type of every parameter and buffer. Gradients are dropped.
template <class T, class M>
void convert(M& net) {
  detail::convert_list<T>(named_parameters(net));
}
/// Moves every parameter and buffer from one device to another; one of the two is the host. Gradients are dropped. Initialisation needs the network
/// on the host.
template <class To, class From = cpu_device, class M>
void to_device(M& net) {
  static_assert(std::is_same_v<To, cpu_device> || std::is_same_v<From, cpu_device>, "dcs::to_device: one of the devices is the host");
  for (const named_parameter& entry : named_parameters(net)) {
    parameter_base& p = *entry.parameter;
    expect(p.memory().template on<From>(), "dcs::to_device: ", entry.name, " does not lie on the device ", From::name);
    storage target = storage::allocate<To>(p.memory().bytes());
    if constexpr (std::is_same_v<From, cpu_device>)
      To::copy_from_host(target.data(), p.memory().data(), target.bytes());
    else
      From::copy_to_host(target.data(), p.memory().data(), target.bytes());
    p.adopt(std::move(target), p.type());
  }
}
namespace detail {
template <class D>
void copy_half(parameter_base& p) {
  const auto n = static_cast<std::size_t>(p.size());
  std::vector<float> values(n);
  std::vector<bf16> rounded(n);
  D::copy_to_host(values.data(), p.data<float>(), static_cast<std::int64_t>(n * sizeof(float)));
  for (std::size_t i = 0; i < n; ++i) rounded[i] = static_cast<bf16>(values[i]);
  if (!p.half()) p.keep_half(storage::allocate<D>(static_cast<std::int64_t>(n * sizeof(bf16))));
  D::copy_from_host(p.half().data(), rounded.data(), static_cast<std::int64_t>(n * sizeof(bf16)));
}
}  // namespace detail
/// Allows maps in bf16: every parameter and buffer of a network in f32 on device D gets an additional copy in bf16, which layers use where their
/// input is bf16, and which loading and the optimiser keep up to date. Running statistics are used and updated in f32.
template <class D, class M>
void mix_precision(M& net) {
  for (const named_parameter& entry : named_parameters(net)) detail::copy_half<D>(*entry.parameter);
}
/// Drops all gradients.
template <module M>
void clear_gradients(M& net) {
  for_each_parameter(net, [](const std::string&, parameter_base& p) { p.clear_gradient(); });
}

/// Number of learned values of a network, as a constant: buffers do not count, untrained parameters do.
template <module Net>
inline constexpr extent_t parameters = detail::count_parameters<Net>();

namespace detail {
template <class Net, class Input>
constexpr work count_work() {
  work total;
  Net net{};
  (void)eval(net(probe<float, Input>{&total}));
  return total;
}
}  // namespace detail

/// Multiply-adds of applying Net to one input of static shape, as a constant: convolutions and all matrix products.
template <module Net, class Input>
inline constexpr extent_t macs = detail::count_work<Net, Input>().multiply_adds;
/// The same in the convention of the tool thop (see `work`).
template <module Net, class Input>
inline constexpr extent_t thop_macs = detail::count_work<Net, Input>().thop;

}  // namespace dcs

#include <dcs/core/header_end.inl>
