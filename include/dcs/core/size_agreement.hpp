// Whether sizes at run time fit the extents of types, and each other: equal names are equal sizes, height/4 is what a window makes of height, a+b is
// the sum of a and b. A size leaves a range for the sum of names in its extent (a quotient is rounded); two extents of one sum agree where their
// ranges overlap, and a sum agrees with its names, where all have sizes, if its range overlaps that of their sizes. What no operand tells is not
// checked.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/sizes.hpp>

DCS_EXACT_MATH
namespace dcs {
namespace detail {

// The extents of an operand's type with its sizes.
struct sized_extents {
  const extent* extents;
  const extent_t* sizes;
  std::size_t rank;
};

// The values of a sum of names; none where least > most. 128 bits hold a size times a divisor or a factor.
struct value_range {
  extent least, most;
};
constexpr bool overlap(value_range x, value_range y) { return (x.least > y.least ? x.least : y.least) <= (x.most < y.most ? x.most : y.most); }

// The values under which ceil((sum − offset) / divisor), or 0 where that is negative, is `size`.
constexpr value_range values_of_sum(const named_parts& p, extent_t size) {
  const extent s = size;
  return {s == 0 ? -largest_product : (s - 1) * p.divisor + p.offset + 1, s * p.divisor + p.offset};
}

// An extent's sum of names without the factor that its terms share: of height*2, height and 2.
struct shared_sum {
  extent text, factor;
  bool one_name;
};
constexpr shared_sum shared_sum_of(const named_parts& p) {
  if (!p.composite) return {p.text, 1, true};
  linear sum = linear_of(p);
  extent factor = 0;
  for (int i = 0; i < sum.count; ++i) factor = common_factor(factor, sum.terms[i].factor);
  for (int i = 0; i < sum.count; ++i) sum.terms[i].factor /= factor;
  return {text_of(sum), factor, sum.count == 1};
}
constexpr value_range values_of_shared(const named_parts& p, const shared_sum& s, extent_t size) {
  const value_range r = values_of_sum(p, size);
  return {-floor_of(-r.least, s.factor), floor_of(r.most, s.factor)};
}

// Whether two extents may have these sizes at once. An extent of which no sum of whole numbers has the size, as height*2 of 3, agrees with none.
constexpr bool sizes_agree(extent a, extent_t size_a, extent b, extent_t size_b) {
  if (is_static(a) || is_static(b)) return true;
  if (a == b && size_a != size_b) return false;
  const named_parts p = unpack(a), q = unpack(b);
  if (!p.composite && !q.composite) return p.text != q.text || overlap(values_of_sum(p, size_a), values_of_sum(q, size_b));
  const shared_sum s = shared_sum_of(p), t = shared_sum_of(q);
  return s.text != t.text || overlap(values_of_shared(p, s, size_a), values_of_shared(q, t, size_b));
}

// The values that the operands' sizes leave for a name.
inline value_range values_of_name(std::initializer_list<sized_extents> operands, extent name) {
  value_range all{-largest_product, largest_product};
  bool known = false;
  for (const sized_extents& x : operands)
    for (std::size_t i = 0; i < x.rank; ++i) {
      if (!is_dynamic(x.extents[i])) continue;
      const named_parts p = unpack(x.extents[i]);
      const shared_sum s = shared_sum_of(p);
      if (!s.one_name || s.text != name) continue;
      const value_range r = values_of_shared(p, s, x.sizes[i]);
      all = {r.least > all.least ? r.least : all.least, r.most < all.most ? r.most : all.most}, known = true;
    }
  return known ? all : value_range{1, 0};
}
// Whether the size of an extent of several names fits the sizes of these.
inline bool sum_agrees(std::initializer_list<sized_extents> operands, extent e, extent_t size) {
  const named_parts p = unpack(e);
  const linear sum = linear_of(p);
  value_range all{0, 0};
  for (int i = 0; i < sum.count; ++i) {
    const value_range r = values_of_name(operands, sum.terms[i].name);
    if (r.least > r.most) return true;  // unknown, or refused elsewhere
    all.least += sum.terms[i].factor * r.least, all.most += sum.terms[i].factor * r.most;
  }
  return overlap(all, values_of_sum(p, size));
}

// The size of an extent where the operand's sizes tell it: a number, an extent that the operand has, or an expression over names whose values its
// sizes leave no doubt of. Else −1.
inline extent_t size_told_by(const sized_extents& x, extent e) {
  if (is_static(e)) return static_cast<extent_t>(e);
  for (std::size_t i = 0; i < x.rank; ++i)
    if (x.extents[i] == e) return x.sizes[i];
  const named_parts p = unpack(e);
  const linear sum = linear_of(p);
  extent value = -p.offset;
  for (int i = 0; i < sum.count; ++i) {
    const value_range r = values_of_name({x}, sum.terms[i].name);
    if (r.most < 0 || (r.least > 0 ? r.least : 0) != r.most) return -1;
    value += sum.terms[i].factor * r.most;
  }
  const extent size = -floor_of(-value, p.divisor);
  return size > largest_product ? -1 : size < 0 ? 0 : static_cast<extent_t>(size);
}

// Whether sizes fit the extents of a shape: numbers are equal, none is negative, names agree.
[[gnu::noinline]] inline void expect_extents(const char* op, const extent* wanted, const extent_t* s, std::size_t rank) {
  for (std::size_t i = 0; i < rank; ++i) {
    bool fits = wanted[i] >= 0 ? s[i] == wanted[i] : s[i] >= 0;
    for (std::size_t j = 0; wanted[i] < 0 && j <= i; ++j) fits = fits && sizes_agree(wanted[j], s[j], wanted[i], s[i]);
    if (!fits) fail(op, ": sizes ", listed_numbers(s, rank), " do not fit the shape ", listed(wanted, rank), " at axis ", i);
  }
  for (std::size_t i = 0; i < rank; ++i)
    if (is_composite(wanted[i]) && !sum_agrees({{wanted, s, rank}}, wanted[i], s[i]))
      fail(op, ": sizes ", listed_numbers(s, rank), " do not fit the shape ", listed(wanted, rank), " at axis ", i);
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_names(const char* op, const sized_extents& a, std::size_t i, const sized_extents& b,
                                                                std::size_t j) {
  fail(op, ": axis ", j, " (", to_string(b.extents[j]), ") of sizes ", listed_numbers(b.sizes, b.rank), " is ", b.sizes[j], ", but axis ", i, " (",
       to_string(a.extents[i]), ") of sizes ", listed_numbers(a.sizes, a.rank), " is ", a.sizes[i],
       "; equal names are equal sizes: only an extent that the type says is 1 repeats");
}
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_sum(const char* op, std::initializer_list<sized_extents> operands, extent e,
                                                              extent_t size) {
  std::string names;
  const linear sum = linear_of(unpack(e));
  for (const sized_extents& x : operands)
    for (std::size_t i = 0; i < x.rank; ++i)
      for (int k = 0; k < sum.count && is_dynamic(x.extents[i]) && x.extents[i] != e; ++k)
        if (shared_sum_of(unpack(x.extents[i])).text == sum.terms[k].name)
          names += (names.empty() ? "" : ", ") + to_string(x.extents[i]) + " is " + std::to_string(x.sizes[i]);
  fail(op, ": an axis (", to_string(e), ") is ", size, ", but ", names, "; equal names are equal sizes");
}
// The named extents of an op's operands agree.
[[gnu::noinline]] inline void expect_names(const char* op, std::initializer_list<sized_extents> operands) {
  for (auto b = operands.begin(); b != operands.end(); ++b)
    for (auto a = operands.begin(); a != b; ++a)
      for (std::size_t j = 0; j < b->rank; ++j)
        for (std::size_t i = 0; i < a->rank && is_dynamic(b->extents[j]); ++i)
          if (!sizes_agree(a->extents[i], a->sizes[i], b->extents[j], b->sizes[j])) refuse_names(op, *a, i, *b, j);
  for (const sized_extents& x : operands)
    for (std::size_t i = 0; i < x.rank; ++i)
      if (is_composite(x.extents[i]) && !sum_agrees(operands, x.extents[i], x.sizes[i])) refuse_sum(op, operands, x.extents[i], x.sizes[i]);
}

}  // namespace detail
}  // namespace dcs

#include <dcs/core/header_end.inl>
