// Which images of a set are trained on, validated with and tested with: by fractions or in folds, so that what belongs together stays together.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/philox.hpp>
#include <dcs/data/groups.hpp>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

enum class split_part { train, val, test };
inline const char* name_of(split_part p) { return p == split_part::train ? "train" : p == split_part::val ? "val" : "test"; }

/// An image to be assigned. Images of one series (the slices of a volume, in their order) are neighbours; where no series is named, an image is one
/// of its own.
struct split_image {
  std::string name, series = {};
};

struct split_options {
  double val = 0.1, test = 0.2;           ///< shares of the images, 0 to 1, together below 1
  std::int64_t block = 0;                 ///< images of a series that stay together, in their order; 0: all of them
  std::optional<group_rule> groups = {};  ///< which images stay together; a group may span series, and block is not asked
  std::uint64_t seed = 0;
};

namespace detail {

// Images that stay together. Units are in the order of names, or of their series' names, so that a split does not depend on the order in which a
// source lists its images; within a series that order stays, as it is that of the slices.
inline std::vector<std::vector<std::size_t>> split_units(const std::vector<split_image>& images, const split_options& o) {
  std::vector<std::vector<std::size_t>> units;
  std::map<std::string, std::size_t> numbers;
  std::map<std::string, std::int64_t> seen;  // images of a series so far
  std::vector<std::size_t> by_name(images.size());
  std::iota(by_name.begin(), by_name.end(), std::size_t{0});
  const auto rank = [&](std::size_t k) -> const std::string& { return images[k].series.empty() ? images[k].name : images[k].series; };
  std::stable_sort(by_name.begin(), by_name.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  for (const std::size_t k : by_name) {
    const auto& [name, series] = images[k];
    std::string key;
    if (o.groups) {
      const auto group = o.groups->of(name);
      expect(group.has_value(), "dcs::split: ", printable(name), " is in no group; expected a name that the rule of groups knows");
      key = *group;
    } else if (series.empty()) {
      key = "/" + std::to_string(k);
    } else {
      key = series + "/" + std::to_string(o.block > 0 ? seen[series]++ / o.block : 0);
    }
    const auto [at, is_new] = numbers.emplace(key, units.size());
    if (is_new) units.emplace_back();
    units[at->second].push_back(k);
  }
  return units;
}

// A permutation of 0 to n − 1: Fisher and Yates's shuffle with random numbers that are a function of the seed and n alone.
inline std::vector<std::size_t> shuffled(std::size_t n, std::uint64_t seed) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const random_stream random{seed, 0x73706c6974};  // a stream of its own
  for (std::size_t k = n; k > 1; --k) std::swap(order[k - 1], order[random.below(k, static_cast<std::uint32_t>(k))]);
  return order;
}

// Gives `part` units that have none yet, in `order`, as long as each brings the number of images nearer to `wanted`. A part that would stay empty
// takes the first unit that leaves it no further away.
inline void fill_part(std::vector<std::optional<split_part>>& parts, const std::vector<std::vector<std::size_t>>& units,
                      const std::vector<std::size_t>& order, split_part part, std::int64_t wanted) {
  std::int64_t count = 0;
  for (const bool equally_near : {false, true}) {
    for (const std::size_t u : order) {
      const auto size = static_cast<std::int64_t>(units[u].size());
      if (parts[u] || 2 * count + size > 2 * wanted - (equally_near ? 0 : 1)) continue;
      parts[u] = part, count += size;
    }
    if (count > 0) return;
  }
}

inline std::vector<split_part> parts_of_images(const std::vector<std::optional<split_part>>& parts,
                                               const std::vector<std::vector<std::size_t>>& units, std::size_t images) {
  std::vector<split_part> out(images, split_part::train);
  for (std::size_t u = 0; u < units.size(); ++u)
    for (const std::size_t k : units[u]) out[k] = parts[u].value_or(split_part::train);
  return out;
}

inline std::int64_t share_of(double share, std::size_t images) { return std::llround(share * static_cast<double>(images)); }

inline void check_shares(const split_options& o) {
  expect(o.val >= 0 && o.test >= 0 && o.val + o.test < 1, "dcs::split: shares of ", o.val, " and ", o.test,
         " for val and test; expected numbers from 0, together below 1");
  expect(o.block >= 0, "dcs::split: blocks of ", o.block, " images; expected 0 or more");
}

}  // namespace detail

/// The part of each image. Test and then validation get whole units (groups, blocks or series) in an order drawn from the seed, as long as each
/// brings them nearer to their share of the images; training gets the rest. The same images, options and seed give the same parts on every machine.
/// Throws dcs::error where the shares are none, an image has no group, or a part that was asked for is empty as the units are too large.
inline std::vector<split_part> split_by_share(const std::vector<split_image>& images, const split_options& o) {
  detail::check_shares(o);
  const auto units = detail::split_units(images, o);
  const auto order = detail::shuffled(units.size(), o.seed);
  std::vector<std::optional<split_part>> parts(units.size());
  for (const auto& [part, share] : {std::pair(split_part::test, o.test), std::pair(split_part::val, o.val)})
    detail::fill_part(parts, units, order, part, detail::share_of(share, images.size()));
  const auto out = detail::parts_of_images(parts, units, images.size());
  for (const auto& [part, share] : {std::pair(split_part::test, o.test), std::pair(split_part::val, o.val), std::pair(split_part::train, 1.0)})
    expect(share == 0 || std::count(out.begin(), out.end(), part) > 0, "dcs::split: ", name_of(part), " gets none of ", images.size(),
           " images, which are ", units.size(), " groups, blocks or series that stay together; expected another share or smaller blocks");
  return out;
}

/// The parts of `folds` sets over the same images, k-fold cross-validation: in set f fold f is tested with, each image in one set; validation gets
/// its share of the others. A unit goes to the fold that has the fewest images so far, in an order drawn from the seed. `test` is not asked. Throws
/// dcs::error as split_by_share does, and where there are fewer units than folds.
inline std::vector<std::vector<split_part>> split_in_folds(const std::vector<split_image>& images, int folds, const split_options& o) {
  detail::check_shares({o.val, 0, o.block, {}, o.seed});
  const auto units = detail::split_units(images, o);
  expect(folds >= 2 && static_cast<std::size_t>(folds) <= units.size(), "dcs::split: ", folds, " folds of ", units.size(),
         " groups, blocks or series that stay together; expected 2 to as many folds");
  const auto order = detail::shuffled(units.size(), o.seed);
  std::vector<std::int64_t> count(static_cast<std::size_t>(folds), 0);
  std::vector<std::size_t> fold_of(units.size());
  for (const std::size_t u : order) {
    fold_of[u] = static_cast<std::size_t>(std::min_element(count.begin(), count.end()) - count.begin());
    count[fold_of[u]] += static_cast<std::int64_t>(units[u].size());
  }
  std::vector<std::vector<split_part>> sets;
  for (std::size_t f = 0; f < static_cast<std::size_t>(folds); ++f) {
    std::vector<std::optional<split_part>> parts(units.size());
    for (std::size_t u = 0; u < units.size(); ++u)
      if (fold_of[u] == f) parts[u] = split_part::test;
    detail::fill_part(parts, units, order, split_part::val, detail::share_of(o.val, images.size() - static_cast<std::size_t>(count[f])));
    sets.push_back(detail::parts_of_images(parts, units, images.size()));
    for (const split_part part : {split_part::train, split_part::val})
      expect((part == split_part::val && o.val == 0) || std::count(sets[f].begin(), sets[f].end(), part) > 0, "dcs::split: ", name_of(part),
             " of fold ", f, " gets no image; expected more groups, blocks or series, or fewer folds");
  }
  return sets;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
