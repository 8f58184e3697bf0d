// Where dropout's random numbers come from: a scope that a training step opens.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/philox.hpp>

#include <optional>

DCS_EXACT_MATH
namespace dcs {

/// The source of dropout's random numbers: within the scope, on its thread, the k-th dropout of a step uses stream k of (key, step). Without a scope,
/// dropout in training is an error, so that results are never random by accident. `random_scope::off()` turns every dropout off.
class random_scope {
 public:
  /// The same, with `random` as the stream of the step, and with its shift.
  explicit random_scope(random_stream random)
      : base_(random_stream{random.key, 0, random.shift, random.shift_at}.child(random.stream)), outer_(current()) {
    current() = this;
  }
  random_scope(std::uint64_t key, std::uint64_t step) : random_scope(random_stream{key, step}) {}
  random_scope(const random_scope&) = delete;
  random_scope& operator=(const random_scope&) = delete;
  ~random_scope() { current() = outer_; }

  /// A scope in which nothing is dropped.
  struct off;

  static random_scope*& current() {
    static thread_local random_scope* scope = nullptr;
    return scope;
  }
  bool enabled() const { return enabled_; }
  random_stream next() { return base_.child(++draws_); }

 private:
  random_stream base_;
  std::uint64_t draws_ = 0;
  bool enabled_ = true;
  random_scope* outer_;
};
struct random_scope::off {
  off() : scope(0, 0) { scope.enabled_ = false; }
  random_scope scope;
};

namespace detail {
// The stream of the next draw, or none where dropout is off.
inline std::optional<random_stream> next_draw(const char* who) {
  random_scope* scope = random_scope::current();
  expect(scope != nullptr, who, ": training needs a dcs::random_scope, which says what is drawn");
  return scope->enabled() ? std::optional(scope->next()) : std::nullopt;
}
}  // namespace detail

}  // namespace dcs

#include <dcs/core/header_end.inl>
