// What the tests of docs/devices.md share: a section of that file is a table of ops by device and element type, with the kernels that each launches.
// The text of a cell is entered only if the op runs there and its results are those of the host in double, to the type's accuracy. A test compares
// the section that it made with the file; with DCS_WRITE_TABLE set it writes the file instead.
#pragma once

#include <dcs/dcs.hpp>
#include <dcs/kernels.cuh>

#include "compare.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace device_table {

using namespace dcs;

template <class T>
inline constexpr double accuracy = std::is_same_v<T, double>  ? 1e-10
                                   : std::is_same_v<T, float> ? 2e-5
                                                              : 3e-2;

/// x in T, of numbers that every type has.
template <class T, class S>
tensor<T, S> held(const tensor<double, S>& x) {
  return kernel_test::rounded<T>(kernel_test::rounded<bf16>(x));
}
template <class S>
auto normal(std::uint64_t stream, const sizes<S::rank>& n) {
  return random_normal<double, S>(n, {12, stream});
}
template <class S>
auto binary(std::uint64_t stream, const sizes<S::rank>& n) {
  auto t = normal<S>(stream, n);
  for (double& v : t.values()) v = v > 0 ? 1 : 0;
  return t;
}
/// t on x's device, in x's type, or in the type of x's arithmetic.
template <class X, class S>
auto beside(const X&, const tensor<double, S>& t) {
  return to<device_t<X>>(held<value_t<X>>(t));
}
template <class X, class S>
auto wide_beside(const X&, const tensor<double, S>& t) {
  return to<device_t<X>>(held<compute_type<value_t<X>>>(t));
}
template <class D>
inline constexpr bool is_host = std::is_same_v<D, cpu_device>;
/// Numbers of a row without gradient, one after the other.
template <class T, class S, class D>
void append(std::vector<double>& to, const tensor<T, S, D>& from) {
  const auto host = dcs::to<cpu_device>(from);  // named, as what values() gives lives no longer
  for (const T& v : host.values()) to.push_back(static_cast<double>(v));
}

using map = shape<dyn<"n">, 6, 7, 8>;
using logits = shape<dyn<"n">, 8, 8, 1>;

/// The texts of a row's cells where the op is correct, in the order of the columns.
using words = std::array<const char*, 6>;
constexpr words everywhere(const char* word) { return {word, word, word, word, word, word}; }
/// What is computed in the type of bf16's arithmetic, where that is what maps are of.
constexpr words wide_in_bf16(const char* word, const char* in_bf16) { return {word, in_bf16, word, word, in_bf16, word}; }
inline constexpr words both_ways = everywhere("forward, backward"), no_gradient = everywhere("forward; no gradient"),
                       of_boxes = wide_in_bf16("forward; no gradient", "forward in f32; no gradient");

class table {
 public:
  std::ostringstream text;

  /// f over leaves with values x, and back from a random gradient.
  template <class F, class... S>
  void row(const char* op, const F& f, const tensor<double, S>&... x) {
    line(op, both_ways, [&]<class T, class D>(T, D) {
      const auto wanted = kernel_test::run<cpu_device>(f, held<double>(x)...);
      const auto measured = kernel_test::run<D>(f, held<T>(x)...);
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return (agree<T, D>(I, kernel_test::difference(std::get<I>(measured), std::get<I>(wanted)), accuracy<T>) && ...);
      }
      (std::make_index_sequence<sizeof...(S) + 1>{});
    });
  }

  /// An op without gradient: f(T, D) returns its results as numbers, computed in the type of T's arithmetic.
  template <class F>
  void numbers(const char* op, const words& right, const F& f) {
    line(op, right, [&]<class T, class D>(T, D) {
      const std::vector<double> wanted = f(double{}, cpu_device{}), measured = f(T{}, D{});
      double error = 0, norm = 1e-30;
      if (measured.size() != wanted.size()) error = HUGE_VAL;
      for (std::size_t i = 0; i < std::min(measured.size(), wanted.size()); ++i) {
        const double d = measured[i] - wanted[i];
        error += d * d, norm += wanted[i] * wanted[i];
      }
      return agree<T, D>(0, std::sqrt(error / norm), accuracy<cuda::arithmetic_t<T>>);
    });
  }

  /// The section between `heading` and the next, or its end, is this table.
  void compare_section(const char* heading, const std::string& introduction) const {
    const char* tests = std::getenv("DCS_TEST_DATA");
    REQUIRE(tests != nullptr);
    const std::string path = std::string(tests) + "/../docs/devices.md", head = std::string("## ") + heading + "\n";
    const std::string made =
        head + "\n" + introduction +
        "\n\n| op | cpu f32 | cpu bf16 | cpu f64 | cuda f32 | cuda bf16 | cuda f64 | kernels |\n|---|---|---|---|---|---|---|---|\n" + text.str();
    std::ostringstream all;
    all << std::ifstream(path).rdbuf();
    std::string file = all.str();
    const auto begin = std::min(file.find(head), file.size()), next = file.find("\n## ", begin), end = next == std::string::npos ? file.size() : next;
    if (std::getenv("DCS_WRITE_TABLE"))
      std::ofstream(path) << file.replace(begin, end - begin, made);
    else
      CHECK(file.substr(begin, end - begin) == made);
  }

 private:
  template <class T, class D>
  static bool agree(std::size_t entry, double apart, double bound) {
    const bool right = apart < bound;
    CHECK_MESSAGE(right, std::string(D::name), " ", std::string(dcs::name(dtype_of<T>)), ": entry ", entry, " is off by ", apart);
    return right;
  }
  template <class Earns>
  void line(const std::string& op, const words& right, const Earns& earns) {
    CAPTURE(op);
    using D = cuda::emulated;
    const cuda::launch_log log;
    const std::array earned{earns(float{}, cpu_device{}), earns(bf16{}, cpu_device{}), earns(double{}, cpu_device{}),
                            earns(float{}, D{}),          earns(bf16{}, D{}),          earns(double{}, D{})};
    text << "| " << op << " |";
    for (std::size_t i = 0; i < right.size(); ++i) text << " " << (earned[i] ? right[i] : "–") << " |";
    std::vector<std::string> kernels;
    for (const auto& e : log.entries())
      if (std::find(kernels.begin(), kernels.end(), e.kernel) == kernels.end()) kernels.push_back(e.kernel);
    for (std::size_t i = 0; i < kernels.size(); ++i) text << (i == 0 ? " `" : ", `") << kernels[i] << "`";
    text << (kernels.empty() ? " no kernel |\n" : " |\n");
  }
};

}  // namespace device_table
