// Data-parallel training steps whose weights do not depend on the number of processes.
//
// What a step computes. A batch of n images is cut into k = min(S, n) shards of images that lie beside each other, whose sizes differ by one at most;
// S is a number of the run. The loss of the step is the mean of the network's losses on the shards, weighted by their numbers of images:
//
//   L = Σ_s (n_s / n) · L_s
//
// This is what training with S processes is everywhere. For terms that are means over images or pixels it is the loss of the batch as a whole; a term
// that is divided by something that is counted (a Dice over all pixels of a batch, a mean over sampled boxes or regions) is divided by the count of
// its shard, and a shard without regions adds 0 to the term. What a network counts is added up over the shards. Each shard has random numbers of its
// own.
//
// Batch norm is over all shards of the batch (synchronized, norms.hpp), or over each shard by itself; then running statistics move to the mean of
// those of the shards. Gradients, statistics, losses and counts are summed in one tree over the shards (tree.hpp): one process that computes all of
// them one after the other has the bits of any number of processes.
//
// The bits do depend on S: that is the number to keep. Those of S = 1 are eager_stepper's.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/train/loop.hpp>
#include <dcs/train/shards/norms.hpp>
#include <dcs/train/shards/replica.hpp>

#include <exception>
#include <thread>
#include <utility>

DCS_EXACT_MATH
namespace dcs {

/// How the steps of a run are shared out.
struct shard_options {
  std::int64_t shards = 1;         ///< of a batch, at least 1
  bool synchronized_norms = true;  ///< batch norm over the batch; otherwise over each shard
  bool fast_reduce = false;        ///< gradients are summed by the transport, in an order that depends on the number of processes
};

namespace detail {

// What a shard's step leaves: gradients in T with a flag behind them for each parameter that has one, and in double losses, counts, and buffers that
// moved, with a flag for each of their elements.
template <class T>
struct shard_result {
  std::vector<T> gradients;
  std::vector<double> numbers;
};

}  // namespace detail

/// Takes steps on the host that are shared out over the processes of a communicator, as this header's beginning says. Network, optimiser and seam,
/// which are the same in every process, must outlive this object.
template <class P, segmenter Net, optimizer Optimizer, step_seam Seam = no_seam>
class sharded_stepper {
  static_assert(std::is_same_v<typename P::device, cpu_device>, "dcs::sharded_stepper: steps are shared out on the host");
  using T = typename P::element;
  using result = detail::shard_result<T>;

 public:
  using options_type = typename Net::options;
  using prepared = batch;
  static constexpr bool runs_ahead = false;

  sharded_stepper(Net& net, Optimizer& optimizer, any_communicator ranks, const shard_options& o, Seam* seam = nullptr)
      : whole_(net, optimizer, false, seam), net_(net), optimizer_(optimizer), seam_(seam), ranks_(std::move(ranks)), options_(o) {
    expect(o.shards >= 1, "dcs::sharded_stepper: ", o.shards, " shards; expected at least 1");
    if (!cut()) return;
    const std::int64_t most = (o.shards + ranks_.size() - 1) / ranks_.size();
    for (std::int64_t i = 0; i < (o.synchronized_norms ? most : 1); ++i) replicas_.emplace_back(net);
    for (const named_parameter& p : replicas_[0].originals()) {
      expect(p.parameter->type() == dtype_of<T>, "dcs::sharded_stepper: ", p.name, " is of ", dcs::name(p.parameter->type()), "; expected ",
             dcs::name(dtype_of<T>));
      (p.parameter->is_buffer() ? buffer_elements_ : weight_elements_) += p.parameter->size();
    }
  }

  void set(std::uint64_t seed, const options_type& o) { whole_.set(seed, o), seed_ = seed, net_options_ = o; }
  void set_rate(double rate) { optimizer_.options.rate = rate; }
  /// The images that this process computes, by their positions in a batch of `images`, from the first to before the second number.
  std::pair<std::int64_t, std::int64_t> own(std::int64_t images) const {
    const std::int64_t shards = shards_of(images);
    const index_range mine = part_of(shards, ranks_.size(), ranks_.rank());
    return {images * mine.first / shards, images * mine.last / shards};
  }
  batch prepare(const batch& b) const { return b; }
  /// `b`: this process's own images of a batch of `images`; anything where there are none.
  void send(const batch& b, std::int64_t images) {
    const std::int64_t shards = shards_of(images), before = own(images).first;
    const index_range mine = part_of(shards, ranks_.size(), ranks_.rank());
    images_ = images;
    own_.clear();
    for (std::int64_t i = mine.first; i < mine.last; ++i) {
      const index_range part = part_of(images, shards, i);
      own_.push_back(mine.size() == 1 ? b : images_of(b, {part.first - before, part.last - before}));
    }
  }
  void launch(int epoch, std::int64_t index) {
    if (!cut()) {
      whole_.send(own_.at(0)), whole_.launch(epoch, index);
      losses_ = whole_.losses();
      return;
    }
    const random_stream random = detail::random_of_step(seed_, epoch, index);
    detail::take_step(optimizer_, seam_, [&] { take_up(options_.synchronized_norms ? shards_at_once(random) : shards_in_turn(random)); });
  }
  step_losses losses() const { return losses_; }

 private:
  bool cut() const { return options_.shards > 1 || ranks_.size() > 1; }
  std::int64_t shards_of(std::int64_t images) const { return std::min(options_.shards, images); }

  // The step of this process's shard `place` on a replica.
  result step_of(detail::replica<Net>& r, std::int64_t place, random_stream random) {
    const std::int64_t shards = shards_of(images_), shard = part_of(shards, ranks_.size(), ranks_.rank()).first + place;
    const batch& b = own_[static_cast<std::size_t>(place)];
    const double weight = static_cast<double>(b.images.sizes()[0]) / static_cast<double>(images_);
    const random_stream own = options_.shards == 1 ? random : random.child(static_cast<std::uint64_t>(shard));
    const step_losses l = train_step<P>(r.net(), b, net_options_, own, weight);
    result out;
    gather_gradients(r, out.gradients);
    const step_losses share = l.scaled(weight);
    out.numbers.push_back(share.total);
    out.numbers.insert(out.numbers.end(), share.terms.begin(), share.terms.end());
    out.numbers.insert(out.numbers.end(), l.counts.begin(), l.counts.end());
    gather_buffers(r, out.numbers);
    return out;
  }
  void gather_gradients(detail::replica<Net>& r, std::vector<T>& all) const {
    all.reserve(static_cast<std::size_t>(weight_elements_) + r.parameters().size());
    std::vector<T> arrived;
    for (const named_parameter& p : r.parameters()) {
      if (p.parameter->is_buffer()) continue;
      const auto n = static_cast<std::size_t>(p.parameter->size());
      const bool has = p.parameter->has_gradient();
      arrived.push_back(has ? T(1) : T(0));
      if (has) {
        const storage g = p.parameter->gradient();
        all.insert(all.end(), static_cast<const T*>(g.data()), static_cast<const T*>(g.data()) + n);
      } else {
        all.insert(all.end(), n, T(0));
      }
      p.parameter->clear_gradient();
    }
    all.insert(all.end(), arrived.begin(), arrived.end());
  }
  void gather_buffers(detail::replica<Net>& r, std::vector<double>& all) const {
    std::vector<double> moved;
    for (std::size_t i = 0; i < r.parameters().size(); ++i) {
      const parameter_base &p = *r.parameters()[i].parameter, &before = *r.originals()[i].parameter;
      if (!p.is_buffer()) continue;
      for (extent_t k = 0; k < p.size(); ++k) {
        const bool changed = p.template data<T>()[k] != before.template data<T>()[k];
        all.push_back(changed ? static_cast<double>(p.template data<T>()[k]) : 0);
        moved.push_back(changed ? 1 : 0);
      }
    }
    all.insert(all.end(), moved.begin(), moved.end());
  }

  // The shards of this process one after the other, each with norms of its own.
  std::vector<result> shards_in_turn(random_stream random) {
    std::vector<result> all;
    for (std::size_t i = 0; i < own_.size(); ++i) {
      replicas_[0].follow();
      all.push_back(step_of(replicas_[0], static_cast<std::int64_t>(i), random));
    }
    return all;
  }
  // The shards of this process on a thread each, which meet at every norm.
  std::vector<result> shards_at_once(random_stream random) {
    norm_meeting meeting(ranks_, shards_of(images_));
    std::vector<result> all(own_.size());
    std::mutex mutex;
    std::exception_ptr first;
    std::vector<std::thread> threads;
    const auto one = [&](std::size_t i) {
      norm_meeting::member end(meeting, static_cast<std::int64_t>(i));
      bool failed = false;
      try {
        const norm_exchange_scope norms(end);
        all[i] = step_of(replicas_[i], static_cast<std::int64_t>(i), random);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
        failed = true;
      }
      end.end(failed);
    };
    const auto keep = [&](const auto& f) {
      try {
        f();
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
      }
    };
    for (std::size_t i = 0; i < all.size(); ++i) replicas_[i].follow();
    for (std::size_t i = 0; i < all.size(); ++i) threads.emplace_back(one, i);
    keep([&] { meeting.serve(); });
    for (auto& t : threads) t.join();
    if (first) std::rethrow_exception(first);
    return all;
  }

  // Sums up what the shards of all processes have left, and gives it to the network.
  void take_up(std::vector<result> own) {
    const std::int64_t shards = shards_of(images_);
    std::vector<std::vector<T>> gradients;
    std::vector<std::vector<double>> numbers;
    for (result& r : own) gradients.push_back(std::move(r.gradients)), numbers.push_back(std::move(r.numbers));
    const std::int64_t flags = static_cast<std::int64_t>(replicas_[0].parameters().size()) - buffers();
    const std::int64_t count = weight_elements_ + flags;
    const auto gradient = options_.fast_reduce ? reduced(std::move(gradients), count) : tree_sum(ranks_, shards, std::move(gradients), count);
    constexpr auto terms = static_cast<std::int64_t>(Net::loss_terms.size()), counts = static_cast<std::int64_t>(count_names_of<Net>().size());
    const auto sum = tree_sum(ranks_, shards, std::move(numbers), 1 + terms + counts + 2 * buffer_elements_);
    losses_.total = sum[0];
    losses_.terms.assign(sum.begin() + 1, sum.begin() + 1 + terms);
    losses_.counts.assign(sum.begin() + 1 + terms, sum.begin() + 1 + terms + counts);
    give_gradients(gradient);
    give_buffers(sum.data() + 1 + terms + counts);
  }
  std::vector<T> reduced(std::vector<std::vector<T>> own, std::int64_t count) {
    std::vector<T> sum(static_cast<std::size_t>(count));
    for (const auto& v : own) detail::add_elements(sum.data(), v.data(), count);
    ranks_.all_reduce(sum.data(), count);
    return sum;
  }
  std::int64_t buffers() const {
    const auto& all = replicas_[0].parameters();
    return std::count_if(all.begin(), all.end(), [](const named_parameter& p) { return p.parameter->is_buffer(); });
  }
  // A parameter has a gradient where one has arrived in any shard.
  void give_gradients(const std::vector<T>& all) const {
    const T *from = all.data(), *arrived = from + weight_elements_;
    for (const named_parameter& p : replicas_[0].originals()) {
      if (p.parameter->is_buffer()) continue;
      const extent_t n = p.parameter->size();
      if (*arrived++ > T(0)) {
        storage g = storage::allocate<cpu_device>(n * static_cast<extent_t>(sizeof(T)));
        std::copy(from, from + n, static_cast<T*>(g.data()));
        p.parameter->set_gradient(std::move(g));
      }
      from += n;
    }
  }
  // A buffer becomes the mean over the shards that have moved it. Synchronized norms have moved it to the same value in all of them, whose mean is
  // exact: a sum of less than 2^29 equal numbers of 24 bits is a double.
  void give_buffers(const double* sum) const {
    const double* moved = sum + buffer_elements_;
    for (const named_parameter& p : replicas_[0].originals()) {
      if (!p.parameter->is_buffer()) continue;
      T* const to = p.parameter->template data<T>();
      for (extent_t k = 0; k < p.parameter->size(); ++k, ++sum, ++moved)
        if (*moved > 0) to[k] = static_cast<T>(*sum / *moved);
    }
  }

  eager_stepper<P, Net, Optimizer, Seam> whole_;
  Net& net_;
  Optimizer& optimizer_;
  Seam* seam_;
  any_communicator ranks_;
  shard_options options_;
  std::vector<detail::replica<Net>> replicas_;
  std::int64_t weight_elements_ = 0, buffer_elements_ = 0;
  std::uint64_t seed_ = 0;
  options_type net_options_{};
  std::int64_t images_ = 0;  // of the batch
  std::vector<batch> own_;   // its shards that are this process's
  step_losses losses_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
