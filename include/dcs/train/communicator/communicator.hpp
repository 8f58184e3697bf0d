// Processes that train one network together, and what they say to each other. A communicator is one process's end of it: its number (rank), how many
// there are, and operations that all processes call in the same order, each of which returns when this process's part is done. Transports are other
// libraries' work: serial is one process and costs nothing; threads.hpp has ranks that are threads of one process, for tests and lessons;
// interop/mpi.hpp has MPI's.
//
// Operations move bytes. all_reduce alone does arithmetic, in an order that is the transport's own: the same program may round differently with
// another number of processes. A sum whose bits do not depend on them is tree_sum (train/shards/tree.hpp), which is made of the others.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// A process's end of a group of processes. Every process of the group calls the same operations in the same order.
///
/// - `broadcast(data, bytes, root)`: what rank `root` has at `data` is there in every process.
/// - `all_gather(mine, all, bytes)`: `all` becomes what the ranks have at `mine`, one after the other in their order; of rank r bytes[r] bytes.
/// - `all_to_all(send, to, receive, from)`: the pieces that lie at `send` one after the other, to[r] bytes for rank r, go there; `receive` becomes
///   what the ranks sent here, from[r] bytes of rank r.
/// - `all_reduce(values, count)`: each value becomes its sum over the ranks, in an order of the transport's.
/// - `barrier()`: returns when all have called it.
/// - `abort(cause)`: ends the work of all ranks, as one cannot go on: their operations fail, or their processes end.
///
/// Errors of the transport are dcs::error. One thread at a time calls operations.
template <class C>
concept communicator = requires(C& c, const C& k, void* data, const void* mine, std::int64_t bytes, std::span<const std::int64_t> sizes, float* f,
                                double* d, const std::string& cause) {
  { k.rank() } -> std::same_as<int>;
  { k.size() } -> std::same_as<int>;
  c.broadcast(data, bytes, 0);
  c.all_gather(mine, data, sizes);
  c.all_to_all(mine, sizes, data, sizes);
  c.all_reduce(f, bytes);
  c.all_reduce(d, bytes);
  c.barrier();
  c.abort(cause);
};

/// One process: nothing is sent.
struct serial {
  int rank() const { return 0; }
  int size() const { return 1; }
  void broadcast(void*, std::int64_t, int) const {}
  void all_gather(const void* mine, void* all, std::span<const std::int64_t> bytes) const { copy(mine, all, bytes[0]); }
  void all_to_all(const void* send, std::span<const std::int64_t> to, void* receive, std::span<const std::int64_t>) const {
    copy(send, receive, to[0]);
  }
  void all_reduce(float*, std::int64_t) const {}
  void all_reduce(double*, std::int64_t) const {}
  void barrier() const {}
  void abort(const std::string&) const {}

 private:
  static void copy(const void* from, void* to, std::int64_t bytes) {
    if (bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }
};
static_assert(communicator<serial>);

/// Any communicator, so that what trains with one is compiled once. A copy is the same end of the group.
class any_communicator {
 public:
  any_communicator() : any_communicator(serial{}) {}
  template <class C>
  requires(communicator<std::remove_cvref_t<C>> && !std::same_as<std::remove_cvref_t<C>, any_communicator>) any_communicator(C&& c)
      : held_(std::make_shared<model<std::remove_cvref_t<C>>>(std::forward<C>(c))) {}

  int rank() const { return held_->rank(); }
  int size() const { return held_->size(); }
  void broadcast(void* data, std::int64_t bytes, int root) { held_->broadcast(data, bytes, root); }
  void all_gather(const void* mine, void* all, std::span<const std::int64_t> bytes) { held_->all_gather(mine, all, bytes); }
  void all_to_all(const void* send, std::span<const std::int64_t> to, void* receive, std::span<const std::int64_t> from) {
    held_->all_to_all(send, to, receive, from);
  }
  void all_reduce(float* values, std::int64_t count) { held_->all_reduce(values, count); }
  void all_reduce(double* values, std::int64_t count) { held_->all_reduce(values, count); }
  void barrier() { held_->barrier(); }
  void abort(const std::string& cause) { held_->abort(cause); }

 private:
  struct base {
    virtual ~base() = default;
    virtual int rank() const = 0;
    virtual int size() const = 0;
    virtual void broadcast(void*, std::int64_t, int) = 0;
    virtual void all_gather(const void*, void*, std::span<const std::int64_t>) = 0;
    virtual void all_to_all(const void*, std::span<const std::int64_t>, void*, std::span<const std::int64_t>) = 0;
    virtual void all_reduce(float*, std::int64_t) = 0;
    virtual void all_reduce(double*, std::int64_t) = 0;
    virtual void barrier() = 0;
    virtual void abort(const std::string&) = 0;
  };
  template <class C>
  struct model final : base {
    explicit model(C c) : value(std::move(c)) {}
    int rank() const override { return value.rank(); }
    int size() const override { return value.size(); }
    void broadcast(void* data, std::int64_t bytes, int root) override { value.broadcast(data, bytes, root); }
    void all_gather(const void* mine, void* all, std::span<const std::int64_t> bytes) override { value.all_gather(mine, all, bytes); }
    void all_to_all(const void* send, std::span<const std::int64_t> to, void* receive, std::span<const std::int64_t> from) override {
      value.all_to_all(send, to, receive, from);
    }
    void all_reduce(float* values, std::int64_t count) override { value.all_reduce(values, count); }
    void all_reduce(double* values, std::int64_t count) override { value.all_reduce(values, count); }
    void barrier() override { value.barrier(); }
    void abort(const std::string& cause) override { value.abort(cause); }
    C value;
  };
  std::shared_ptr<base> held_;
};
static_assert(communicator<any_communicator>);

/// What every rank has in `mine`, in the order of the ranks; they may have different numbers of values.
template <class T, communicator C>
requires std::is_trivially_copyable_v<T> std::vector<std::vector<T>> gathered(C& c, const std::vector<T>& mine) {
  const auto ranks = static_cast<std::size_t>(c.size());
  const auto own = static_cast<std::int64_t>(mine.size() * sizeof(T));
  std::vector<std::int64_t> bytes(ranks);
  c.all_gather(&own, bytes.data(), std::vector<std::int64_t>(ranks, sizeof(std::int64_t)));
  std::int64_t total = 0;
  for (const std::int64_t b : bytes) total += b;
  std::vector<T> flat(static_cast<std::size_t>(total) / sizeof(T));
  c.all_gather(mine.data(), flat.data(), bytes);
  std::vector<std::vector<T>> all;
  auto from = flat.begin();
  for (const std::int64_t b : bytes) {
    const auto to = from + b / static_cast<std::int64_t>(sizeof(T));
    all.emplace_back(from, to);
    from = to;
  }
  return all;
}

/// An error that every rank of a group throws, so that none waits for another.
class agreed_error : public error {
 public:
  using error::error;
};

/// Calls f in every rank, and returns when all have: its errors are everybody's. Where it throws in some ranks, every rank throws the error of the
/// first of them as an agreed_error, which says which of several it is; a rank alone throws its own.
template <communicator C, class F>
void in_agreement(C& c, const F& f) {
  if (c.size() == 1) return f();
  std::string cause;
  bool failed = false;
  try {
    f();
  } catch (const std::exception& e) {
    cause = e.what(), failed = true;
  }
  const auto failures = gathered(c, std::vector<char>{failed});
  const auto causes = gathered(c, std::vector<char>(cause.begin(), cause.end()));
  for (std::size_t r = 0; r < causes.size(); ++r)
    if (failures[r][0])
      throw agreed_error((r == 0 ? "" : "process " + std::to_string(r) + " of " + std::to_string(c.size()) + ": ") +
                         std::string(causes[r].begin(), causes[r].end()));
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
