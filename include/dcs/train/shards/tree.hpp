// Sums over the shards of a batch whose bits do not depend on how many processes compute them.
//
// A batch is cut into shards, as many whatever the number of processes is, and rank r of N has a run of them that lie beside each other. Their values
// are summed in one binary tree over all shards, whose shape depends on their number alone: each node is the sum of its two halves. A rank adds up
// the largest subtrees that lie within its own shards, and sends the sums; each rank owns a part of the elements, gets its part of all subtrees, adds
// the upper part of the tree, and the results are gathered. So every element is added in the order of the tree, whoever adds it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/parallel.hpp>
#include <dcs/train/communicator/communicator.hpp>

#include <algorithm>

DCS_EXACT_MATH
namespace dcs {

/// Whole numbers from `first` to before `last`.
struct index_range {
  std::int64_t first = 0, last = 0;
  std::int64_t size() const { return last - first; }
  bool operator==(const index_range&) const = default;
};
/// Part `i` of `count` things that are cut into `parts` parts, whose sizes differ by 1 at most.
inline index_range part_of(std::int64_t count, std::int64_t parts, std::int64_t i) { return {count * i / parts, count * (i + 1) / parts}; }

/// Combines values of a tree's leaves: combine(a, b) adds what lies at leaf b to leaf a, and is called for each inner node, halves before wholes; the
/// result is at the first leaf.
template <class Combine>
void combine_tree(index_range leaves, const Combine& combine) {
  if (leaves.size() < 2) return;
  const std::int64_t middle = leaves.first + leaves.size() / 2;
  combine_tree({leaves.first, middle}, combine), combine_tree({middle, leaves.last}, combine);
  combine(leaves.first, middle);
}

namespace detail {

// The largest subtrees of `node` that lie within `own`, in their order.
inline void add_subtrees(index_range node, index_range own, std::vector<index_range>& list) {
  if (own.first <= node.first && node.last <= own.last) {
    if (node.size() > 0) list.push_back(node);
  } else if (node.size() > 1 && node.first < own.last && own.first < node.last) {
    const std::int64_t middle = node.first + node.size() / 2;
    add_subtrees({node.first, middle}, own, list), add_subtrees({middle, node.last}, own, list);
  }
}
inline std::vector<index_range> subtrees(index_range all, index_range own) {
  std::vector<index_range> list;
  add_subtrees(all, own, list);
  return list;
}

template <class T>
void add_elements(T* a, const T* b, std::int64_t count) {
  cpu::parallel_chunks(count, 1 << 15, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) a[i] += b[i];
  });
}

// The upper part of the tree: `known` are the subtrees in their order, each with its elements; the sum comes to lie at the first that `node` has.
template <class T>
T* upper_tree(index_range node, const std::vector<index_range>& known, const std::vector<T*>& elements, std::size_t& next, std::int64_t count) {
  if (known[next] == node) return elements[next++];
  const std::int64_t middle = node.first + node.size() / 2;
  T* const a = upper_tree({node.first, middle}, known, elements, next, count);
  T* const b = upper_tree({middle, node.last}, known, elements, next, count);
  add_elements(a, b, count);
  return a;
}

// The elements of a tree sum that are under way at a time: a bound on the memory that it takes beside the values, and on the bytes of a message.
inline constexpr std::int64_t tree_sum_bucket = 1 << 23;

// One bucket of tree_sum: elements [begin, end), of which every rank owns a part.
template <class T, communicator C>
void tree_sum_of_bucket(C& c, std::int64_t shards, const std::vector<std::vector<T>>& own, index_range bucket, std::vector<T>& sum) {
  const int ranks = c.size();
  const auto slice = [&](int r) {
    const index_range part = part_of(bucket.size(), ranks, r);
    return index_range{bucket.first + part.first, bucket.first + part.last};
  };
  const index_range mine = part_of(shards, ranks, c.rank());
  std::vector<T> send, received;
  std::vector<std::int64_t> to, from, slices;
  for (int r = 0; r < ranks; ++r) {
    const index_range s = slice(r);
    const std::size_t before = send.size();
    for (const index_range node : subtrees({0, shards}, mine)) {
      const auto& v = own[static_cast<std::size_t>(node.first - mine.first)];
      send.insert(send.end(), v.begin() + s.first, v.begin() + s.last);
    }
    to.push_back(static_cast<std::int64_t>((send.size() - before) * sizeof(T)));
  }
  const std::int64_t count = slice(c.rank()).size();
  std::vector<index_range> known;
  for (int r = 0; r < ranks; ++r) {
    const auto theirs = subtrees({0, shards}, part_of(shards, ranks, r));
    known.insert(known.end(), theirs.begin(), theirs.end());
    from.push_back(static_cast<std::int64_t>(theirs.size() * sizeof(T)) * count);
    slices.push_back(slice(r).size() * static_cast<std::int64_t>(sizeof(T)));
  }
  received.resize(known.size() * static_cast<std::size_t>(count));
  c.all_to_all(send.data(), to, received.data(), from);
  std::vector<T*> elements;
  for (std::size_t i = 0; i < known.size(); ++i) elements.push_back(received.data() + static_cast<std::int64_t>(i) * count);
  std::size_t next = 0;
  const T* const part = upper_tree({0, shards}, known, elements, next, count);
  c.all_gather(part, sum.data() + bucket.first, slices);
}

}  // namespace detail

/// The sum of `count` elements over all of `shards` ≥ 1 shards, in every rank: the same bits for any number of ranks. `own`: the elements of this
/// rank's shards, part_of(shards, ranks, rank), in their order; they are used up.
template <class T, communicator C>
std::vector<T> tree_sum(C& c, std::int64_t shards, std::vector<std::vector<T>> own, std::int64_t count) {
  const index_range mine = part_of(shards, c.size(), c.rank());
  expect(static_cast<std::int64_t>(own.size()) == mine.size(), "dcs::tree_sum: elements of ", own.size(), " shards; expected ", mine.size());
  for (const auto& v : own)
    expect(static_cast<std::int64_t>(v.size()) == count, "dcs::tree_sum: a shard of ", v.size(), " elements; expected ", count);
  const auto at = [&](std::int64_t shard) { return own[static_cast<std::size_t>(shard - mine.first)].data(); };
  for (const index_range node : detail::subtrees({0, shards}, mine))
    combine_tree(node, [&](std::int64_t a, std::int64_t b) { detail::add_elements(at(a), at(b), count); });
  if (c.size() == 1) return count > 0 ? std::move(own.front()) : std::vector<T>();
  std::vector<T> sum(static_cast<std::size_t>(count));
  for (std::int64_t begin = 0; begin < count; begin += detail::tree_sum_bucket)
    detail::tree_sum_of_bucket(c, shards, own, {begin, std::min(count, begin + detail::tree_sum_bucket)}, sum);
  return sum;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
