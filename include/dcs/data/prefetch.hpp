// Values that are made before they are needed: make(0), make(1), ... by several threads at once, handed over one by one in that order. It knows
// nothing of data; the loader (loader.hpp) makes batches with it.
//
// There is one queue under one mutex. A worker takes the next number as soon as that is at most `ahead` beyond those asked for, makes its value
// without holding the mutex, and leaves the value, or the exception that making it threw, under its number. The reader waits for the number it is at.
// So which thread made a value changes nothing, an exception arrives where its value is asked for, and memory holds at most `ahead` values besides
// the reader's.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// make(0) to make(count − 1), in order, made ahead by other threads. One thread reads; `make` is called by several at once, and must outlive this
/// object with all that it refers to. Read by next(), or once as a range: for (auto& value : values).
template <class Value>
class prefetched {
 public:
  /// `threads`: that make values; 0: they are made where they are asked for. `ahead`: values that may be finished or in the making beyond those asked
  /// for; at least one for each thread. Where the system starts fewer threads, there are fewer, down to none.
  prefetched(std::int64_t count, std::function<Value(std::int64_t)> make, int threads = 1, int ahead = 1)
      : make_(std::move(make)), count_(count), ahead_(std::max(ahead, threads)) {
    expect(count >= 0 && threads >= 0 && threads <= 1024 && ahead >= 0, "dcs::prefetched: ", count, " values by ", threads, " threads, ", ahead,
           " ahead; expected at least 0 of each, and at most 1024 threads");
    const auto useful = static_cast<std::size_t>(std::min<std::int64_t>(threads, count));
    workers_.reserve(useful);
    try {
      while (workers_.size() < useful) workers_.emplace_back([this] { work(); });
    } catch (const std::exception&) {  // system_error: a limit on threads; bad_alloc: no memory for one
    }
  }
  prefetched(const prefetched&) = delete;
  prefetched& operator=(const prefetched&) = delete;
  /// Waits for values that are in the making, and begins no more.
  ~prefetched() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& w : workers_) w.join();
  }

  /// All values, read or not.
  std::int64_t size() const { return count_; }

  /// The next value; nothing after the last. Throws what making it threw; the call after that goes on with the value after it.
  std::optional<Value> next() {
    std::unique_lock lock(mutex_);
    if (asked_ == count_) return std::nullopt;
    const std::int64_t number = asked_++;
    if (workers_.empty()) return make_(number);
    wake_.notify_all();
    done_.wait(lock, [&] { return finished_.contains(number); });
    auto node = finished_.extract(number);
    lock.unlock();
    if (node.mapped().error) std::rethrow_exception(node.mapped().error);
    return std::move(node.mapped().value);
  }

  /// An input iterator over the values that were not read yet. A value is gone when the iterator moves on.
  class iterator {
   public:
    using value_type = Value;
    using difference_type = std::ptrdiff_t;
    Value& operator*() const { return *owner_->current_; }
    Value* operator->() const { return &*owner_->current_; }
    iterator& operator++() {
      owner_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !owner_->current_; }

   private:
    friend prefetched;
    explicit iterator(prefetched* owner) : owner_(owner) {}
    prefetched* owner_;
  };
  iterator begin() {
    advance();
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  struct outcome {
    std::optional<Value> value{};
    std::exception_ptr error{};
  };

  void advance() {
    current_.reset();
    current_ = next();
  }

  outcome made(std::int64_t number) const {
    outcome o;
    try {
      o.value = make_(number);
    } catch (...) {
      o.error = std::current_exception();
    }
    return o;
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return stopping_ || begun_ == count_ || begun_ < asked_ + ahead_; });
      if (stopping_ || begun_ == count_) return;
      const std::int64_t number = begun_++;
      lock.unlock();
      outcome o = made(number);
      lock.lock();
      finished_.emplace(number, std::move(o));
      done_.notify_one();
      if (begun_ == count_) wake_.notify_all();  // workers that still wait find nothing to do
    }
  }

  const std::function<Value(std::int64_t)> make_;
  const std::int64_t count_, ahead_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::int64_t begun_ = 0, asked_ = 0;        // values that making has begun of, and that were asked for
  std::map<std::int64_t, outcome> finished_;  // not asked for yet, by number
  std::optional<Value> current_;              // what iterators point to
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
