// Batch norms over all shards of a batch. Each shard of a process is computed on a thread of its own; where it evaluates a norm it waits until the
// others have come to the same norm, and the process's first thread gathers the numbers of all shards, in all processes, and combines them in one
// tree over the shards, so that their bits do not depend on how many processes there are.
//
// A shard may leave a part of the network out: without a region there is nothing to segment. Shards therefore do not count on each other: a norm is
// known by its number and pass, and when every shard waits somewhere or has ended, the foremost norm that any of them waits at is served, with the
// numbers of those that wait there. Forward passes count upward, backward passes downward, so each shard comes to the norms in one order.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/batch_norm/norm_exchange.hpp>
#include <dcs/train/shards/tree.hpp>

#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>

DCS_EXACT_MATH
namespace dcs {

/// Where the shards of a process meet: those of part_of(shards, ranks, rank), each on a thread with its own member. `serve` gathers, on a thread that
/// is none of theirs, until all shards of all processes have ended.
class norm_meeting {
 public:
  /// A shard's end. Its thread calls end() when the shard is done, also where it failed.
  class member final : public norm_exchange {
   public:
    member(norm_meeting& m, std::int64_t place) : meeting_(m), place_(place) {}
    std::int64_t moments(std::int64_t number, std::int64_t rows, std::int64_t channels, double* mean, double* variance) override {
      const auto n = static_cast<std::size_t>(channels);
      std::vector<double> v(2 * n);
      std::copy(mean, mean + n, v.begin()), std::copy(variance, variance + n, v.begin() + channels);
      const auto all = meeting_.exchange(place_, number, rows, v);
      std::copy(all.begin() + 1, all.begin() + 1 + channels, mean), std::copy(all.begin() + 1 + channels, all.end(), variance);
      return static_cast<std::int64_t>(all[0]);
    }
    std::int64_t sums(std::int64_t number, std::int64_t rows, std::int64_t channels, double* sums) override {
      const auto all = meeting_.exchange(place_, backward_of(number), rows, {sums, sums + 2 * channels});
      std::copy(all.begin() + 1, all.end(), sums);
      return static_cast<std::int64_t>(all[0]);
    }
    void end(bool failed) { meeting_.end(place_, failed); }

   private:
    norm_meeting& meeting_;
    std::int64_t place_;
  };

  /// `batch_shards`: the shards of the batch, in all processes.
  norm_meeting(any_communicator& c, std::int64_t batch_shards)
      : ranks_(c), shards_(batch_shards), places_(static_cast<std::size_t>(part_of(batch_shards, c.size(), c.rank()).size())) {}

  /// Serves norms until every shard of every process has ended. Returns early where a shard of this process has failed; those that wait then throw.
  /// Throws dcs::error where shards come to the same norm with different numbers of channels.
  void serve() {
    try {
      while (true) {
        const auto heads = gather_heads();
        if (!heads) return;
        const auto first = std::min_element(heads->begin(), heads->end(), [](const head& a, const head& b) { return a.norm < b.norm; });
        if (first == heads->end() || first->norm == ended) return;
        serve_norm(*heads, *first);
      }
    } catch (...) {
      release(true);
      throw;
    }
  }

 private:
  static constexpr std::int64_t ended = std::numeric_limits<std::int64_t>::max(), none = -1;
  // Backward passes come after all forward passes, and the last norm first.
  static constexpr std::int64_t last_backward = std::int64_t{1} << 40;
  static constexpr std::int64_t backward_of(std::int64_t number) { return last_backward - number; }
  static constexpr bool is_forward(std::int64_t norm) { return norm < last_backward / 2; }

  struct head {
    std::int64_t norm = none, values = 0;
  };
  // What a shard has posted: rows, and its values behind them; replaced by those of all shards.
  struct place {
    head at;
    std::vector<double> values;
  };

  std::vector<double> exchange(std::int64_t at, std::int64_t norm, std::int64_t rows, const std::vector<double>& values) {
    std::unique_lock lock(mutex_);
    place& p = places_[static_cast<std::size_t>(at)];
    p.values.assign(1, static_cast<double>(rows));
    p.values.insert(p.values.end(), values.begin(), values.end());
    p.at = {norm, static_cast<std::int64_t>(p.values.size())};
    changed_.notify_all();
    changed_.wait(lock, [&] { return p.at.norm == none || broken_; });
    expect(p.at.norm == none, "dcs::norm_meeting: another shard of the batch has failed");
    return std::move(p.values);
  }
  void end(std::int64_t at, bool failed) {
    const std::lock_guard lock(mutex_);
    places_[static_cast<std::size_t>(at)].at = {ended, 0};
    broken_ = broken_ || failed;
    changed_.notify_all();
  }
  void release(bool failed) {
    const std::lock_guard lock(mutex_);
    broken_ = broken_ || failed;
    changed_.notify_all();
  }

  // Where all shards of the batch are, when each waits or has ended; nothing where one of this process has failed.
  std::optional<std::vector<head>> gather_heads() {
    std::vector<head> own;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return broken_ || std::all_of(places_.begin(), places_.end(), [](const place& p) { return p.at.norm != none; }); });
      if (broken_) return std::nullopt;
      for (const place& p : places_) own.push_back(p.at);
    }
    std::vector<head> all(static_cast<std::size_t>(shards_));
    ranks_.all_gather(own.data(), all.data(), bytes_of_shards(static_cast<std::int64_t>(sizeof(head))));
    return all;
  }
  std::vector<std::int64_t> bytes_of_shards(std::int64_t bytes) const {
    std::vector<std::int64_t> all;
    for (int r = 0; r < ranks_.size(); ++r) all.push_back(part_of(shards_, ranks_.size(), r).size() * bytes);
    return all;
  }

  // Combines what the shards that wait at `norm` have posted. Shards that do not have no rows, and change nothing.
  void serve_norm(const std::vector<head>& heads, const head& norm) {
    for (const head& h : heads)
      expect(
          h.norm != norm.norm || h.values == norm.values,
          "dcs::norm_meeting: shards of one batch come to norms of different channels; expected that each computes the same part of the network, or "
          "leaves out its end");
    const auto n = static_cast<std::size_t>(norm.values);
    std::vector<double> own(places_.size() * n), all(heads.size() * n);
    for (std::size_t i = 0; i < places_.size(); ++i)
      if (places_[i].at.norm == norm.norm)
        std::copy(places_[i].values.begin(), places_[i].values.end(), own.begin() + static_cast<std::ptrdiff_t>(i * n));
    ranks_.all_gather(own.data(), all.data(), bytes_of_shards(static_cast<std::int64_t>(n * sizeof(double))));
    const bool moments = is_forward(norm.norm);
    combine_tree({0, shards_}, [&](std::int64_t a, std::int64_t b) {
      double* const x = all.data() + static_cast<std::size_t>(a) * n;
      const double* const y = all.data() + static_cast<std::size_t>(b) * n;
      moments ? combine_moments(x, y, (n - 1) / 2) : add_sums(x, y, n);
    });
    const std::lock_guard lock(mutex_);
    for (place& p : places_)
      if (p.at.norm == norm.norm) p.values.assign(all.begin(), all.begin() + norm.values), p.at = {};
    changed_.notify_all();
  }
  // Rows, then means, then biased variances of two sets of rows (Chan, Golub & LeVeque 1979).
  static void combine_moments(double* a, const double* b, std::size_t channels) {
    const double rows = a[0] + b[0];
    if (b[0] == 0) return;
    if (a[0] == 0) return static_cast<void>(std::copy(b, b + 1 + 2 * channels, a));
    const double share = b[0] / rows;
    for (std::size_t c = 1; c <= channels; ++c) {
      const double delta = b[c] - a[c];
      double& variance = a[channels + c];
      variance += share * (b[channels + c] - variance) + delta * delta * share * (a[0] / rows);
      a[c] += delta * share;
    }
    a[0] = rows;
  }
  static void add_sums(double* a, const double* b, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) a[i] += b[i];
  }

  any_communicator& ranks_;
  std::int64_t shards_;
  std::vector<place> places_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool broken_ = false;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
