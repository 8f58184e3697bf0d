// How batch norms of several parts of one batch share their statistics. Where the parts of a batch are computed by themselves, on threads or in
// processes of their own, a norm over the whole batch needs the moments of all parts in its forward pass, and their sums of gradients in its backward
// pass. A norm finds the exchange by a scope, as dropout finds its random numbers; who carries the numbers (train/shards/norms.hpp) is not its
// concern.
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstdint>

DCS_EXACT_MATH
namespace dcs {

/// What one part of a batch exchanges with the others. A thread computes one part, and its calls wait for those of the others.
class norm_exchange {
 public:
  norm_exchange() = default;
  norm_exchange(const norm_exchange&) = delete;
  norm_exchange& operator=(const norm_exchange&) = delete;
  virtual ~norm_exchange() = default;

  /// The number of a norm, by which the parts recognise it: how many this part has evaluated before, those without rows among them.
  std::int64_t next() { return next_++; }
  /// Replaces mean and biased variance of each channel over this part's rows by those over the rows of all parts; returns how many these are.
  virtual std::int64_t moments(std::int64_t number, std::int64_t rows, std::int64_t channels, double* mean, double* variance) = 0;
  /// Replaces 2 · channels sums of the backward pass by those over all parts; returns how many rows these have.
  virtual std::int64_t sums(std::int64_t number, std::int64_t rows, std::int64_t channels, double* sums) = 0;

 private:
  std::int64_t next_ = 0;
};

namespace detail {
inline thread_local constinit norm_exchange* current_norm_exchange = nullptr;
}

/// Within its scope, on its thread, batch norms on the host that are evaluated in training share their statistics by `exchange`, which must outlive
/// their backward pass.
class norm_exchange_scope {
 public:
  explicit norm_exchange_scope(norm_exchange& exchange) { detail::current_norm_exchange = &exchange; }
  norm_exchange_scope(const norm_exchange_scope&) = delete;
  norm_exchange_scope& operator=(const norm_exchange_scope&) = delete;
  ~norm_exchange_scope() { detail::current_norm_exchange = outer_; }

 private:
  norm_exchange* outer_ = detail::current_norm_exchange;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
