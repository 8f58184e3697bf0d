// The data loader: batches of a data set, epoch by epoch, read by threads ahead of whoever asks for them.
//
// What an epoch consists of is a function of (seed, epoch) alone: its order, and for each sample a random stream of its own by (seed, epoch, number
// of the sample), which augmentation draws from; where a sample may be drawn more than once, by its place in the epoch too. Threads decide only when
// a batch is made, never what is in it. Making a batch has two parts: the data set loads samples by number, and `collate` makes one value of them,
// to_batch or a function of one's own, on the loading thread as well.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/core/philox.hpp>
#include <dcs/data/augment.hpp>
#include <dcs/data/batch.hpp>
#include <dcs/data/prefetch.hpp>

#include <functional>
#include <numeric>
#include <utility>

DCS_EXACT_MATH
namespace dcs {

/// What a loader reads from: a size, and samples of any type by number. `load` is called by several threads at once.
template <class D>
concept sample_source = requires(const D& d, std::int64_t i) {
  { d.size() } -> std::convertible_to<std::int64_t>;
  d.load(i);
};

/// A sample that an epoch drew: its number in the data set, and the random numbers that are its own in this epoch.
template <class Sample>
struct drawn {
  std::int64_t number;
  Sample value;
  random_stream random;
};

/// How `sample`s become a batch: augmented where that is asked for, then normalised. Throws dcs::error where their sizes differ.
struct to_batch {
  normalisation input{};
  std::optional<augment_options> augment{};

  batch operator()(std::vector<drawn<sample>> drawn_samples) const {
    std::vector<sample> samples;
    for (auto& [number, s, random] : drawn_samples) {
      if (augment) dcs::augment(*augment, s, random);
      samples.push_back(std::move(s));
    }
    return make_batch(samples, input);
  }
};

/// How a loader goes through its data.
struct loader_options {
  int batch = 4;           ///< samples of a batch, at least 1
  std::uint64_t seed = 0;  ///< order and random streams are functions of it and the epoch
  bool shuffle = true;     ///< otherwise samples come by their numbers
  bool drop_last = false;  ///< leave out the last batch of an epoch where it would be smaller
  int threads = 1;         ///< that load, each a batch at a time; 0: batches are made where they are asked for
  int ahead = 1;           ///< batches made or in the making beyond those asked for; at least one for each thread
  /// How often each sample is drawn, in proportion, where `shuffle` is set; an epoch has as many samples as the data set all the same. Empty: each
  /// once.
  std::vector<double> weights{};
  /// Which samples of a batch of so many are loaded, by their positions in it, from the first to before the second number; all where there is no such
  /// function. What is left out is as if it had been loaded elsewhere; a batch may be empty.
  std::function<std::pair<std::int64_t, std::int64_t>(std::int64_t samples)> own{};
};

namespace detail {

// 0 to n − 1, each order equally likely (Fisher and Yates; Durstenfeld 1964).
inline std::vector<std::int64_t> shuffled(std::int64_t n, random_stream r) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[r.below(i, static_cast<std::uint32_t>(i))]);
  return order;
}

// n numbers from 0 to n − 1 in random order, number i with ⌊e⌋ or ⌈e⌉ of them where e = n · w_i / Σ w (systematic sampling): a sample of e ≥ 1 is
// in every epoch, and one of e < 1 in a share e of the epochs.
inline std::vector<std::int64_t> drawn_by_weight(const std::vector<double>& weights, random_stream offset, random_stream order) {
  const auto n = static_cast<double>(weights.size());
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0), start = static_cast<double>(offset.uniform(0));
  std::vector<std::int64_t> numbers;
  double expected = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    expected += n * weights[i] / total;
    while (numbers.size() < weights.size() && start + static_cast<double>(numbers.size()) < expected) numbers.push_back(static_cast<std::int64_t>(i));
  }
  // Where the sum of the shares is below n by rounding.
  while (numbers.size() < weights.size()) numbers.push_back(numbers.back());
  std::vector<std::int64_t> shuffled_numbers;
  for (const std::int64_t k : shuffled(static_cast<std::int64_t>(weights.size()), order))
    shuffled_numbers.push_back(numbers[static_cast<std::size_t>(k)]);
  return shuffled_numbers;
}

}  // namespace detail

/// Batches of a data set, with any number of threads the same to the bit. The data set, and what `collate` refers to, must outlive the loader, and
/// the loader its epochs.
///
///     data_loader loader(set, {.batch = 8, .seed = 1, .threads = 2}, to_batch{.augment = augment_options{}});
///     for (const batch& b : loader.epoch(0)) ...
template <sample_source Data, class Collate = to_batch>
class data_loader {
 public:
  using sample_type = std::remove_cvref_t<decltype(std::declval<const Data&>().load(0))>;
  /// What `collate` makes of std::vector<drawn<sample_type>>.
  using batch_type = std::remove_cvref_t<std::invoke_result_t<const Collate&, std::vector<drawn<sample_type>>>>;

  /// Throws dcs::error where a number of the options is out of its range.
  explicit data_loader(const Data& data, const loader_options& o = {}, Collate collate = {})
      : data_(data), options_(o), collate_(std::move(collate)) {
    expect(o.batch >= 1, "dcs::data_loader: batches of ", o.batch, " samples; expected at least 1");
    expect(o.threads >= 0 && o.threads <= 1024, "dcs::data_loader: ", o.threads, " threads; expected 0 to 1024");
    expect(o.ahead >= 0, "dcs::data_loader: ", o.ahead, " batches ahead; expected at least 0");
    const auto samples_of = static_cast<std::int64_t>(o.weights.size());
    expect(o.weights.empty() || samples_of == samples(), "dcs::data_loader: ", samples_of, " weights of ", samples(),
           " samples; expected one for each");
    double total = 0;
    for (const double w : o.weights) {
      expect(is_finite(w) && w >= 0, "dcs::data_loader: a weight of ", w, "; expected finite numbers from 0");
      total += w;
    }
    expect(o.weights.empty() || (total > 0 && is_finite(total)), "dcs::data_loader: the weights sum to ", total, "; expected a finite sum above 0");
  }
  explicit data_loader(const Data&&, const loader_options& = {}, Collate = {}) = delete;  // it would refer to a data set that is gone

  /// Batches of an epoch.
  std::int64_t size() const { return options_.drop_last ? samples() / options_.batch : (samples() + options_.batch - 1) / options_.batch; }

  /// The numbers of an epoch's samples in their order.
  std::vector<std::int64_t> order(int epoch_number) const {
    if (options_.shuffle && !options_.weights.empty())
      return detail::drawn_by_weight(options_.weights, stream(epoch_number).child(4), stream(epoch_number).child(1));
    if (options_.shuffle) return detail::shuffled(samples(), stream(epoch_number).child(1));
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(samples()));
    std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
    return numbers;
  }

  /// The batches of an epoch, number `epoch_number` from 0: a range, to be read once. Loading begins at once. What loading or collating a batch
  /// throws is thrown where that batch is asked for, and the one after it can still be asked for. It may be destroyed at any time: batches that were
  /// begun are finished first. `first`: the batch that it begins with, from 0 to size(); none before it is loaded. Throws dcs::error for another.
  prefetched<batch_type> epoch(int epoch_number, std::int64_t first = 0) const {
    expect(first >= 0 && first <= size(), "dcs::data_loader: an epoch from batch ", first, " on; expected 0 to ", size());
    return prefetched<batch_type>(
        size() - first,
        [this, first, numbers = order(epoch_number), random = stream(epoch_number).child(2)](std::int64_t k) {
          return made(numbers, random, first + k);
        },
        options_.threads, options_.ahead);
  }

 private:
  std::int64_t samples() const { return static_cast<std::int64_t>(data_.size()); }
  random_stream stream(int epoch_number) const { return random_stream{options_.seed, 0}.child(static_cast<std::uint64_t>(epoch_number)); }

  // Batch k of an epoch with this order.
  batch_type made(const std::vector<std::int64_t>& order, random_stream random, std::int64_t k) const {
    const std::int64_t first = k * options_.batch, size = std::min<std::int64_t>(options_.batch, static_cast<std::int64_t>(order.size()) - first);
    const auto own = options_.own ? options_.own(size) : std::pair<std::int64_t, std::int64_t>(0, size);
    std::vector<drawn<sample_type>> samples;
    for (auto i = static_cast<std::size_t>(first + own.first); i < static_cast<std::size_t>(first + own.second); ++i) {
      const random_stream of_sample = random.child(static_cast<std::uint64_t>(order[i]));
      samples.push_back({order[i], data_.load(order[i]), options_.weights.empty() ? of_sample : of_sample.child(i)});
    }
    return collate_(std::move(samples));
  }

  const Data& data_;
  loader_options options_;
  Collate collate_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
