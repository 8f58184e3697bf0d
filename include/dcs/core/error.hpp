// Run-time errors. What a type can know is a static_assert in the op itself; this is for values that only arrive when the program
// runs: the message names the op, the offending value and what was expected.
#pragma once

#include <stdexcept>
#include <string>

namespace dcs {

/// The one exception type of the library. `what()` reads "dcs::op: what is wrong, with the value and what was expected".
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {
inline std::string text(std::string s) { return s; }
inline std::string text(const char* s) { return s; }
inline std::string text(char c) { return std::string(1, c); }
template <class T>
requires std::is_arithmetic_v<T> std::string text(T value) { return std::to_string(value); }
}  // namespace detail

/// Throws dcs::error with the arguments (strings and numbers) written one after the other.
template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(const Parts&... parts) {
  throw error((std::string() + ... + detail::text(parts)));
}

/// `fail(parts...)` unless `condition`.
template <class... Parts>
void expect(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(parts...);
}

}  // namespace dcs
