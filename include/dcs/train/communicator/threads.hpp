// Ranks that are threads of one process: the same program as with processes, for tests, lessons and debuggers, without a library of anybody's.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/train/communicator/communicator.hpp>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

DCS_EXACT_MATH
namespace dcs {

/// One rank of a group of threads. on_threads() makes the group.
class thread_communicator {
 public:
  /// What the ranks of a group share.
  struct group {
    explicit group(int n) : size(n), posted(static_cast<std::size_t>(n)) {}

    /// Waits until every rank has come here.
    void meet() {
      std::unique_lock lock(mutex);
      expect_going_on();
      const std::int64_t round = rounds;
      if (++waiting == size) {
        waiting = 0, ++rounds;
        met.notify_all();
        return;
      }
      met.wait(lock, [&] { return rounds != round || aborted; });
      if (rounds == round) expect_going_on();
    }
    void end(int rank, const std::string& why) {
      const std::lock_guard lock(mutex);
      if (!aborted) aborted = true, cause = "process " + std::to_string(rank) + " of " + std::to_string(size) + ": " + why;
      met.notify_all();
    }
    void expect_going_on() const { expect(!aborted, cause); }

    struct post {
      const void* data = nullptr;
      std::span<const std::int64_t> sizes{};
    };
    int size, waiting = 0;
    std::int64_t rounds = 0;
    bool aborted = false;
    std::string cause;
    std::mutex mutex;
    std::condition_variable met;
    std::vector<post> posted;
  };

  thread_communicator(std::shared_ptr<group> g, int rank) : group_(std::move(g)), rank_(rank) {}

  int rank() const { return rank_; }
  int size() const { return group_->size; }
  void barrier() { group_->meet(); }
  void abort(const std::string& cause) { group_->end(rank_, cause); }
  void broadcast(void* data, std::int64_t bytes, int root) {
    shared({data, {}}, [&] {
      if (rank_ != root) copy(of(root).data, 0, data, 0, bytes);
    });
  }
  void all_gather(const void* mine, void* all, std::span<const std::int64_t> bytes) {
    shared({mine, {}}, [&] {
      std::int64_t to = 0;
      for (int r = 0; r < size(); to += at(bytes, r), ++r) copy(of(r).data, 0, all, to, at(bytes, r));
    });
  }
  void all_to_all(const void* send, std::span<const std::int64_t> to, void* receive, std::span<const std::int64_t> from) {
    shared({send, to}, [&] {
      std::int64_t begin = 0;
      for (int r = 0; r < size(); begin += at(from, r), ++r) {
        std::int64_t theirs = 0;
        for (int before = 0; before < rank_; ++before) theirs += at(of(r).sizes, before);
        copy(of(r).data, theirs, receive, begin, at(from, r));
      }
    });
  }
  void all_reduce(float* values, std::int64_t count) { reduce(values, count); }
  void all_reduce(double* values, std::int64_t count) { reduce(values, count); }

 private:
  static std::int64_t at(std::span<const std::int64_t> sizes, int r) { return sizes[static_cast<std::size_t>(r)]; }
  const group::post& of(int r) const { return group_->posted[static_cast<std::size_t>(r)]; }
  static void copy(const void* from, std::int64_t skip, void* to, std::int64_t at, std::int64_t bytes) {
    if (bytes > 0) std::memcpy(static_cast<char*>(to) + at, static_cast<const char*>(from) + skip, static_cast<std::size_t>(bytes));
  }
  // Shows the other ranks where this one's bytes are while all read.
  template <class Read>
  void shared(const group::post& mine, const Read& read) {
    group_->posted[static_cast<std::size_t>(rank_)] = mine;
    group_->meet();
    read();
    group_->meet();
  }
  template <class T>
  void reduce(T* values, std::int64_t count) {
    std::vector<T> sum(static_cast<std::size_t>(count));
    shared({values, {}}, [&] {
      for (int r = 0; r < size(); ++r)
        for (std::int64_t i = 0; i < count; ++i) sum[static_cast<std::size_t>(i)] += static_cast<const T*>(of(r).data)[i];
    });
    std::copy(sum.begin(), sum.end(), values);
  }

  std::shared_ptr<group> group_;
  int rank_;
};
static_assert(communicator<thread_communicator>);

/// Calls f(communicator) on `ranks` threads, each with its rank, and returns when all have ended. Where one throws, the work of the others is
/// aborted, and the first error is thrown.
template <class F>
void on_threads(int ranks, const F& f) {
  expect(ranks >= 1, "dcs::on_threads: ", ranks, " ranks; expected at least 1");
  const auto group = std::make_shared<thread_communicator::group>(ranks);
  std::mutex mutex;
  std::exception_ptr first;
  std::vector<std::thread> threads;
  for (int r = 0; r < ranks; ++r)
    threads.emplace_back([&, r] {
      try {
        f(thread_communicator(group, r));
      } catch (const std::exception& e) {
        {
          const std::lock_guard lock(mutex);
          if (!first) first = std::current_exception();
        }
        group->end(r, e.what());
      }
    });
  for (auto& t : threads) t.join();
  if (first) std::rethrow_exception(first);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
