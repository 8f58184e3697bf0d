// What the numbers of a class map mean, and the host's kernels that read them: losses of several classes (classes.hpp) are expressions over the two.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/loss/functions.hpp>

DCS_EXACT_MATH
namespace dcs::loss::detail {

enum : std::int64_t { not_labelled = -1, no_class = -2 };

// What a number of a class map says: one of k classes, not_labelled, or no_class (too large, not whole, NaN).
template <class A>
DCS_DEVICE inline std::int64_t class_of(A number, std::int64_t k) {
  if (number < A(0)) return not_labelled;
  if (!(number < static_cast<A>(k))) return no_class;
  const auto c = static_cast<std::int64_t>(number);
  return static_cast<A>(c) == number ? c : no_class;
}

}  // namespace dcs::loss::detail

namespace dcs::cpu {

namespace detail {

// class_of where a number that is no class is an error.
template <class T>
std::int64_t known_class(const char* who, const T* classes, std::int64_t row, std::int64_t k) {
  const auto number = static_cast<compute_type<T>>(classes[row]);
  const std::int64_t c = loss::detail::class_of(number, k);
  expect(c != loss::detail::no_class, who, ": the class map has ", number, " at pixel ", row, "; expected a whole number from 0 to ", k - 1,
         ", or a negative one where a pixel is not labelled");
  return c;
}

// body(row, class) for each row, classes below 0 too.
template <class T, class Body>
void for_each_class(const char* who, const T* classes, std::int64_t rows, std::int64_t k, const Body& body) {
  parallel_chunks(rows, std::max<std::int64_t>(1, 4096 / k), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) body(row, known_class(who, classes, row, k));
  });
}

}  // namespace detail

/// loss = −log softmax(x)[class] of each of `rows` rows of k scores; 0 where a row is not labelled.
template <class T>
void class_cross_entropy_forward(device, const T* x, const T* classes, std::int64_t rows, std::int64_t k, T* loss) {
  using A = compute_type<T>;
  detail::for_each_class("dcs::loss::class_cross_entropy", classes, rows, k, [=](std::int64_t row, std::int64_t c) {
    if (c < 0) return void(loss[row] = T{});
    const T* scores = x + row * k;
    const auto top = static_cast<A>(*std::max_element(scores, scores + k));
    A total = 0;
    for (std::int64_t i = 0; i < k; ++i) total += std::exp(static_cast<A>(scores[i]) - top);
    loss[row] = static_cast<T>(std::log(total) + (top - static_cast<A>(scores[c])));
  });
}
/// dx = (softmax(x) − 1 at the class) · dy of its row; 0 where a row is not labelled.
template <class T>
void class_cross_entropy_backward(device, const T* x, const T* classes, const T* dy, std::int64_t rows, std::int64_t k, T* dx) {
  using A = compute_type<T>;
  detail::for_each_class("dcs::loss::class_cross_entropy", classes, rows, k, [=](std::int64_t row, std::int64_t c) {
    const T* scores = x + row * k;
    T* d = dx + row * k;
    if (c < 0) return void(std::fill_n(d, k, T{}));
    const auto top = static_cast<A>(*std::max_element(scores, scores + k));
    A total = 0;
    for (std::int64_t i = 0; i < k; ++i) total += std::exp(static_cast<A>(scores[i]) - top);
    for (std::int64_t i = 0; i < k; ++i)
      d[i] = static_cast<T>((std::exp(static_cast<A>(scores[i]) - top) / total - A(i == c)) * static_cast<A>(dy[row]));
  });
}
/// y = 1 at the class of each row, else 0.
template <class T>
void one_hot_forward(device, const T* classes, std::int64_t rows, std::int64_t k, T* y) {
  detail::for_each_class("dcs::loss::one_hot", classes, rows, k, [=](std::int64_t row, std::int64_t c) {
    std::fill_n(y + row * k, k, T{});
    if (c >= 0) y[row * k + c] = static_cast<T>(compute_type<T>(1));
  });
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_CLASSES_ENTRIES(declare, T)                                                                            \
  declare void class_cross_entropy_forward(device, const T*, const T*, std::int64_t, std::int64_t, T*);            \
  declare void class_cross_entropy_backward(device, const T*, const T*, const T*, std::int64_t, std::int64_t, T*); \
  declare void one_hot_forward(device, const T*, std::int64_t, std::int64_t, T*);
DCS_MAP_ENTRIES(DCS_CLASSES_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
