// What the processes of one run say to each other beside their steps: the first of them owns the folder, and tells the others what is in it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/train/communicator/communicator.hpp>
#include <dcs/train/run/stop.hpp>

#include <algorithm>

DCS_EXACT_MATH
namespace dcs {

/// The processes of a run, as one of them sees them. With one process nothing is sent.
class run_processes {
 public:
  explicit run_processes(any_communicator c) : ranks_(std::move(c)) {}

  any_communicator& ranks() { return ranks_; }
  int size() const { return ranks_.size(); }
  /// Whether it is this process that reads and writes the folder, and prints.
  bool first() const { return ranks_.rank() == 0; }
  /// Calls f in the first process alone; where it throws, every process throws its error.
  template <class F>
  void in_first(const F& f) {
    in_agreement(ranks_, [&] {
      if (first()) f();
    });
  }
  /// Throws dcs::error in every process where one has another value of `what` than the first, as their results would differ.
  void expect_same(const char* what, const std::string& own) {
    const std::string firsts = shared(own);
    in_agreement(ranks_,
                 [&] { expect(own == firsts, "it has ", what, " of its own: ", own, ", and process 0 has ", firsts, "; expected the same in all"); });
  }
  /// The first process's text, in every process.
  std::string shared(const std::string& text) {
    if (size() == 1) return text;
    const auto all = gathered(ranks_, first() ? std::vector<char>(text.begin(), text.end()) : std::vector<char>());
    return {all[0].begin(), all[0].end()};
  }
  /// A new part of the run: requests to stop an earlier one are over.
  void begin() { stop_reason_ = 0; }
  /// Whether any process is asked to stop. The request arrives at each at another time, so all ask here at the same point of the run, between two
  /// steps, and go on or stop together. The reason that is found first, by rank, is everybody's.
  bool agree_to_stop(const stop_request* request) {
    const int own = request ? request->reason() : 0;
    if (size() == 1) return (stop_reason_ = own) != 0;
    for (const auto& of_rank : gathered(ranks_, std::vector<int>{own}))
      if (stop_reason_ == 0) stop_reason_ = of_rank[0];
    return stop_reason_ != 0;
  }
  /// The reason of the request on which the processes have agreed; 0 where there was none.
  int stop_reason() const { return stop_reason_; }

 private:
  any_communicator ranks_;
  int stop_reason_ = 0;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
