// NumPy's .npy files, the shortest way to look at a tensor in Python. One array a file: a header (npy_header.hpp), then the elements.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/printable.hpp>
#include <dcs/core/tensor.hpp>
#include <dcs/io/element_types.hpp>
#include <dcs/io/npy_header.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs::io {

namespace detail {

static_assert(std::endian::native == std::endian::little, "dcs::npy: elements are copied as they lie in memory, which must be little-endian");

template <class T>
constexpr const char* npy_type() {
  constexpr dtype d = dtype_of<T>;
  static_assert(d != dtype::bf16, "dcs::npy: NumPy has no bfloat16; cast to float first");
  return d == dtype::f32 ? "<f4" : d == dtype::f64 ? "<f8" : d == dtype::f16 ? "<f2" : d == dtype::i64 ? "<i8" : "|u1";
}

// An element type of a .npy file: its name in element_types.hpp ("" where there is none), and whether its bytes are in the other order.
struct npy_element {
  std::string name;
  bool swapped = false;
};
inline npy_element npy_element_of(std::string_view descr) {
  npy_element e;
  if (!descr.empty() && std::string_view("<>=|").find(descr[0]) != std::string_view::npos) e.swapped = descr[0] == '>', descr.remove_prefix(1);
  if (descr.size() != 2 || (descr[1] != '1' && descr[1] != '2' && descr[1] != '4' && descr[1] != '8')) return e;
  const int bytes = descr[1] - '0';
  const std::string bits = std::to_string(8 * bytes);
  if (descr == "b1") e.name = "BOOL";
  if (descr[0] == 'f' && bytes > 1) e.name = "F" + bits;
  if (descr[0] == 'i' || descr[0] == 'u') e.name = (descr[0] == 'i' ? "I" : "U") + bits;
  return e;
}

// Bits of the largest whole number that a type has without a gap below it, sign aside; 0 for a type that NumPy does not have.
template <class T>
constexpr int whole_digits = std::is_same_v<T, f16>       ? 11
                             : std::is_same_v<T, boolean> ? 1
                                                          : std::numeric_limits<T>::digits;

/// Whether every value of From is one of T.
template <class T, class From>
constexpr bool holds() {
  constexpr bool from_float = std::is_floating_point_v<From> || std::is_same_v<From, f16>;
  if constexpr (std::is_integral_v<T>)
    if (from_float || (std::is_signed_v<From> && !std::is_signed_v<T>)) return false;
  return whole_digits<From> > 0 && whole_digits<From> <= whole_digits<T>;
}

// The message about elements that a tensor of T cannot represent, and what to do about it.
template <class T>
std::string npy_refusal(const std::string& descr, const std::string& name) {
  if (name.empty() && descr.find('c') <= 1) return ", complex numbers; save numpy.real and numpy.imag of them as two files";
  std::string types;
  with_element_type(name, [&]<class From>(From) {
    const auto add = [&](bool fits, const char* type) { types += fits ? (types.empty() ? "" : " or ") + std::string(type) : ""; };
    add(holds<float, From>(), "f32"), add(holds<double, From>(), "f64"), add(holds<std::int64_t, From>(), "i64");
  });
  return (name.empty() ? ", which are not read; " : ", not all of which " + std::string(dcs::name(dtype_of<T>)) + " can hold; ") +
         (types.empty() ? "" : "read them as " + types + ", or ") + "save the array's astype('" + npy_type<T>() + "')";
}

// Reads elements of type From in their order in the file, a block at a time; calls put(i, v) for the i-th.
template <class From, class Put>
void read_elements(input_file& f, std::int64_t count, bool swapped, const Put& put) {
  constexpr std::int64_t block = 1 << 16;
  std::vector<char> bytes(static_cast<std::size_t>(std::min(count, block)) * sizeof(From));
  for (std::int64_t begin = 0; begin < count; begin += block) {
    const std::int64_t n = std::min(block, count - begin);
    f.read(bytes.data(), n * static_cast<std::int64_t>(sizeof(From)));
    for (std::int64_t i = 0; i < n; ++i) {
      char* element = bytes.data() + i * static_cast<std::int64_t>(sizeof(From));
      if (swapped) std::reverse(element, element + sizeof(From));
      From v;
      std::memcpy(&v, element, sizeof v);
      put(begin + i, v);
    }
  }
}

// In Fortran order the first axis moves fastest. Called for each element in turn, returns the element's index in C order.
class fortran_walk {
 public:
  explicit fortran_walk(const std::vector<std::int64_t>& shape) : shape_(shape), index_(shape.size()), stride_(shape.size(), 1) {
    for (std::size_t i = shape.size(); i-- > 1;) stride_[i - 1] = stride_[i] * shape[i];
  }
  std::int64_t next() {
    const std::int64_t here = at_;
    for (std::size_t i = 0; i < shape_.size(); ++i) {
      at_ += stride_[i];
      if (++index_[i] < shape_[i]) break;
      at_ -= shape_[i] * stride_[i];
      index_[i] = 0;
    }
    return here;
  }

 private:
  const std::vector<std::int64_t>& shape_;
  std::vector<std::int64_t> index_, stride_;
  std::int64_t at_ = 0;
};

}  // namespace detail

/// Writes a tensor (f32, f64, f16, i64, u8) as PATH, whole or not at all. Throws dcs::error where the disk does not take it.
template <class T, class S>
void write_npy(const std::string& path, const tensor<T, S, cpu_device>& t) {
  const auto s = t.sizes();
  output_file f(path, "dcs::npy");
  f.write(detail::npy_head(detail::npy_type<T>(), std::vector<std::int64_t>(s.begin(), s.end())));
  f.write(t.data(), t.bytes());
  f.commit();
}

/// Reads a .npy file as tensor<T, Shape>; its extents must fit Shape. Its elements may be booleans, whole numbers or floats of 2, 4 or 8 bytes, in
/// either byte order, C or Fortran order, provided that T represents every value of their type: values are never rounded. Throws dcs::error with the
/// file's name, also where the file does not end with the array.
template <class T, class Shape>
tensor<T, Shape> read_npy(const std::string& path) {
  input_file f(path, "dcs::npy");
  const detail::npy_header h(f);
  const std::string who = "dcs::npy: " + printable(path);
  const auto element = detail::npy_element_of(h.type);
  expect(h.shape.size() == static_cast<std::size_t>(Shape::rank), who, ": ", h.shape.size(), " axes; expected ", Shape::rank);
  sizes<Shape::rank> s{};
  for (std::size_t i = 0; i < s.size(); ++i) s[i] = h.shape[i];
  dcs::detail::expect_fits<Shape>(who.c_str(), s);
  tensor<T, Shape> t;
  bool held = false;
  detail::with_element_type(element.name, [&]<class From>(From) {
    if constexpr (detail::holds<T, From>()) {
      // Checked before memory is allocated: the file must be as long as its header says.
      const std::int64_t need = detail::bytes_of(who, element.name, h.shape), left = f.left();
      expect(need == left, who, ": ", left, " bytes of elements; its shape needs ", need);
      held = true;
      t = tensor<T, Shape>::empty(s);
      const bool fortran = h.fortran && h.shape.size() > 1;
      if (std::is_same_v<From, T> && !element.swapped && !fortran) return f.read(t.data(), need);
      T* to = t.data();
      detail::fortran_walk walk(h.shape);
      detail::read_elements<From>(f, t.size(), element.swapped, [&](std::int64_t i, From v) {
        T& place = to[fortran ? walk.next() : i];
        if constexpr (std::is_same_v<From, T>)
          place = v;
        else
          detail::fits(detail::number_of(v), place);
      });
    }
  });
  if (!held) fail(who, ": elements of ", printable(h.type), detail::npy_refusal<T>(h.type, element.name));
  return t;
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
