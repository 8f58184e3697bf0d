// Run-time errors. Whatever follows from types is checked by a static_assert in the op itself; this is for values that are known only when the
// program runs: the message names the op, the offending value and what was expected.
#pragma once

#include <dcs/core/header_begin.inl>

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

DCS_EXACT_MATH
namespace dcs {

/// The one exception type of the library. `what()` reads "dcs::op: what is wrong, with the value and what was expected"; in a module of a network the
/// module's path stands before it, "decoder.2.conv: dcs::op: ..." (nn/module_scope.hpp).
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {
// One argument of fail, without its type: for each list of argument types, fail only fills an array of these, which keeps its instantiations small.
class message_part {
 public:
  message_part(const std::string& s) : text_(s) {}
  message_part(const char* s) : text_(s) {}
  message_part(char c) : kind_(kind::character), whole_(c) {}
  template <class T>
  requires std::is_arithmetic_v<T> message_part(T value) {
    if constexpr (std::is_floating_point_v<T>)
      kind_ = kind::real, real_ = static_cast<double>(value);
    else if constexpr (std::is_signed_v<T> || sizeof(T) < 8)
      kind_ = kind::whole, whole_ = static_cast<long long>(value);
    else
      kind_ = kind::natural, natural_ = value;
  }
  std::string text() const {
    switch (kind_) {
      case kind::character:
        return std::string(1, static_cast<char>(whole_));
      case kind::whole:
        return std::to_string(whole_);
      case kind::natural:
        return std::to_string(natural_);
      case kind::real:
        return std::to_string(real_);
      default:
        return std::string(text_);
    }
  }

 private:
  enum class kind { text, character, whole, natural, real } kind_ = kind::text;
  std::string_view text_;
  union {
    long long whole_ = 0;
    unsigned long long natural_;
    double real_;
  };
};

// A module that runs on this thread, and the one that called it, for a message that says where an error arose. What modules and their names are is
// known in nn/module_scope.hpp; here one is asked for its path where there is an error.
struct running_module {
  std::string (*path)(const running_module&) = nullptr;
  running_module* outer = nullptr;
};
inline thread_local constinit running_module* innermost_module = nullptr;

// "decoder.2.conv: " in a module of that name, "" outside of all modules.
[[gnu::cold, gnu::noinline]] inline std::string running_path() {
  for (const running_module* m = innermost_module; m; m = m->outer)
    if (const std::string path = m->path(*m); !path.empty()) return path + ": ";
  return {};
}

[[noreturn, gnu::cold, gnu::noinline]] inline void throw_message(std::initializer_list<message_part> parts) {
  std::string all = running_path();
  for (const auto& p : parts) all += p.text();
  throw error(all);
}
}  // namespace detail

/// Throws dcs::error with the arguments (strings and numbers) written one after the other.
template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(const Parts&... parts) {
  detail::throw_message({detail::message_part(parts)...});
}

/// `fail(parts...)` unless `condition`.
template <class... Parts>
void expect(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(parts...);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
