// A request to end a run early, from another thread or from a signal, and what else a program says about a run while it trains.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/train/step_losses.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <utility>

DCS_EXACT_MATH
namespace dcs {

/// A request that a run ends after the step in progress, with a checkpoint of it. It may be made on any thread, and in a signal handler.
class stop_request {
 public:
  /// Asks for the end. `reason` is any number but 0, such as that of a signal; the first one stays.
  void ask(int reason = 1) noexcept {
    int none = 0;
    reason_.compare_exchange_strong(none, reason);
  }
  /// The reason of the first ask(); 0 where there was none.
  int reason() const noexcept { return reason_.load(); }
  explicit operator bool() const noexcept { return reason() != 0; }

 private:
  static_assert(std::atomic<int>::is_always_lock_free, "dcs::stop_request: a signal handler may use only atomics without locks");
  std::atomic<int> reason_{0};
};

/// While it exists SIGINT (Ctrl-C) and SIGTERM ask for a run's end: the first is the request, whose reason is the signal's number; the second is
/// ignored, as a checkpoint may be in the making; the third kills the process. A signal that the process ignored before, as under nohup, stays
/// ignored. SIGPIPE is ignored meanwhile: Ctrl-C ends the reader of a pipe too (program | tee log), and the next line to it would end the process
/// before its checkpoint. One object at a time; the request must outlive it.
class stop_on_signals {
 public:
  explicit stop_on_signals(stop_request& request) {
    signals_ = 0;
    target_ = &request;
    struct sigaction own {};
    own.sa_handler = &handle;
    own.sa_flags = SA_RESTART;  // a call that reads or writes a file goes on
    for (auto& [number, before] : before_) {
      ::sigaction(number, nullptr, &before);
      if (before.sa_handler != SIG_IGN) ::sigaction(number, &own, nullptr);
    }
    struct sigaction none {};
    none.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &none, &pipe_before_);
  }
  stop_on_signals(const stop_on_signals&) = delete;
  stop_on_signals& operator=(const stop_on_signals&) = delete;
  ~stop_on_signals() {
    for (const auto& [number, before] : before_) ::sigaction(number, &before, nullptr);
    ::sigaction(SIGPIPE, &pipe_before_, nullptr);
    target_ = nullptr;
  }

 private:
  // Calls nothing but lock-free atomics, signal and raise, which a handler may call.
  static void handle(int number) {
    const int before = signals_.fetch_add(1);
    if (before == 0)
      target_.load()->ask(number);
    else if (before >= 2)
      std::signal(number, SIG_DFL), std::raise(number);
  }

  static inline std::atomic<stop_request*> target_{nullptr};
  static inline std::atomic<int> signals_{0};
  std::array<std::pair<int, struct sigaction>, 2> before_{{{SIGINT, {}}, {SIGTERM, {}}}};
  struct sigaction pipe_before_ {};
};

/// A step that a run has just taken.
struct step_report {
  int epoch = 0, epochs = 0;         // its epoch's number from 1, and how many the run has
  std::int64_t step = 0, steps = 0;  // its number from 1, and how many the epoch has
  step_losses losses;
};

/// What a program may say about a run while it trains.
struct run_control {
  const stop_request* stop = nullptr;                       ///< where it is asked for, the run ends after the step in progress
  double save_minutes = 0;                                  ///< minutes after which a checkpoint is written within an epoch; 0: never
  std::function<void(const step_report&)> after_step = {};  ///< called after each step
  /// Threads that read and augment batches ahead of the steps (epoch_options::loaders); the run's bits are the same with any number.
  int loaders = 0;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
