// NumPy's .npy files, the shortest way to look at a tensor in Python. One array a file: six magic bytes, a version, a Python dictionary, the
// elements. Only what NumPy itself writes is read: little-endian, C order, the three keys once each, and exactly the bytes that type and shape need.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>

#include <bit>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
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

struct close_npy {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using npy_file = std::unique_ptr<std::FILE, close_npy>;

// The dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, keys in any order.
class npy_header {
 public:
  npy_header(const std::string& text, const std::string& path) : text_(text), path_(path) {
    bool has_type = false, has_order = false, has_shape = false;
    need(take('{'), "no dictionary");
    while (!take('}')) {
      const std::string key = quoted();
      need(take(':'), "no ':' behind " + key);
      if (key == "descr" && !has_type)
        has_type = true, type = quoted();
      else if (key == "fortran_order" && !has_order)
        has_order = true, fortran = boolean();
      else if (key == "shape" && !has_shape)
        has_shape = true, shape = tuple();
      else
        need(false, "unexpected or repeated key " + key);
      if (!take(',')) {
        need(take('}'), "no end of the dictionary");
        break;
      }
    }
    skip();
    need(at_ == text_.size(), "text behind the dictionary");
    need(has_type && has_order && has_shape, "descr, fortran_order or shape is missing");
  }
  std::string type;
  bool fortran = false;
  std::vector<std::int64_t> shape;

 private:
  void need(bool ok, const std::string& what) const { expect(ok, "dcs::npy: ", path_, ": ", what); }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string quoted() {
    skip();
    need(at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"'), "expected a string (structured types are not read)");
    const char q = text_[at_++];
    const auto end = text_.find(q, at_);
    need(end != std::string::npos, "a string without an end");
    const std::string s = text_.substr(at_, end - at_);
    at_ = end + 1;
    return s;
  }
  bool boolean() {
    skip();
    for (const bool b : {true, false}) {
      const char* word = b ? "True" : "False";
      if (text_.compare(at_, std::strlen(word), word) == 0) return at_ += std::strlen(word), b;
    }
    need(false, "expected True or False");
    return false;
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> v;
    need(take('('), "expected a tuple");
    while (!take(')')) {
      skip();
      const std::size_t begin = at_;
      std::int64_t n = 0;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
        need(n <= (std::numeric_limits<std::int64_t>::max() - 9) / 10, "an extent that is too large");
        n = n * 10 + (text_[at_] - '0');
      }
      need(at_ > begin, "expected an extent that is not negative");
      v.push_back(n);
      if (take(',')) continue;
      need(take(')'), "no end of the tuple");
      break;
    }
    return v;
  }

  const std::string& text_;
  const std::string& path_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// Writes a tensor (f32, f64, f16, i64, u8) as PATH, through PATH.partial. Throws dcs::error where the disk does not take it.
template <class T, class S>
void write_npy(const std::string& path, const tensor<T, S, cpu_device>& t) {
  std::string header = std::string("{'descr': '") + detail::npy_type<T>() + "', 'fortran_order': False, 'shape': (";
  for (const extent_t e : t.sizes()) header += std::to_string(e) + ", ";
  header += "), }";
  // NumPy aligns the elements to 64 bytes and ends the header with a newline; a tuple of none or several may not end in ", ".
  if (const auto end = header.find(", )"); end != std::string::npos) header.replace(end, 3, S::rank == 1 ? ",)" : ")");
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10, ' ');
  header.back() = '\n';
  const std::string partial = path + ".partial";
  {
    const detail::npy_file f(std::fopen(partial.c_str(), "wb"));
    expect(f != nullptr, "dcs::npy: cannot write ", partial);
    const unsigned char head[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<unsigned char>(header.size() & 255), static_cast<unsigned char>(header.size() >> 8)};
    const auto bytes = static_cast<std::size_t>(t.bytes());
    const bool ok = std::fwrite(head, 1, 10, f.get()) == 10 && std::fwrite(header.data(), 1, header.size(), f.get()) == header.size() &&
                    (bytes == 0 || std::fwrite(t.data(), 1, bytes, f.get()) == bytes) && std::fflush(f.get()) == 0;
    expect(ok, "dcs::npy: cannot write ", partial, ": is the disk full?");
  }
  expect(std::rename(partial.c_str(), path.c_str()) == 0, "dcs::npy: cannot rename ", partial, " to ", path);
}

/// Reads a .npy file as tensor<T, Shape>: its element type must be T, its extents must fit Shape. Throws dcs::error with the file's name.
template <class T, class Shape>
tensor<T, Shape> read_npy(const std::string& path) {
  const detail::npy_file f(std::fopen(path.c_str(), "rb"));
  expect(f != nullptr, "dcs::npy: cannot open ", path);
  unsigned char head[12] = {};
  expect(std::fread(head, 1, 10, f.get()) == 10 && std::memcmp(head, "\x93NUMPY", 6) == 0, "dcs::npy: ", path, ": not a .npy file");
  expect(head[6] >= 1 && head[6] <= 3 && head[7] == 0, "dcs::npy: ", path, ": version ", int{head[6]}, ".", int{head[7]}, "; expected 1.0 to 3.0");
  std::size_t length = head[8] | static_cast<std::size_t>(head[9]) << 8;
  if (head[6] > 1) {
    expect(std::fread(head + 10, 1, 2, f.get()) == 2, "dcs::npy: ", path, ": the header is cut off");
    length |= static_cast<std::size_t>(head[10]) << 16 | static_cast<std::size_t>(head[11]) << 24;
  }
  expect(length <= (1u << 20), "dcs::npy: ", path, ": a header of ", length, " bytes; expected at most 1 MiB");
  std::string text(length, '\0');
  expect(std::fread(text.data(), 1, length, f.get()) == length, "dcs::npy: ", path, ": the header is cut off");
  const detail::npy_header h(text, path);
  expect(h.type == detail::npy_type<T>(), "dcs::npy: ", path, ": elements of ", h.type, "; expected ", detail::npy_type<T>());
  expect(!h.fortran || h.shape.size() < 2, "dcs::npy: ", path, ": Fortran order; save numpy.ascontiguousarray of it");
  expect(h.shape.size() == static_cast<std::size_t>(Shape::rank), "dcs::npy: ", path, ": ", h.shape.size(), " axes; expected ", Shape::rank);
  sizes<Shape::rank> s{};
  for (std::size_t i = 0; i < s.size(); ++i) s[i] = h.shape[i];
  dcs::detail::expect_fits<Shape>(("dcs::npy: " + path).c_str(), s);
  // Before memory is asked for: what the file claims must be what it holds.
  const long begin = std::ftell(f.get());
  expect(begin >= 0 && std::fseek(f.get(), 0, SEEK_END) == 0, "dcs::npy: cannot seek in ", path);
  std::int64_t left = std::ftell(f.get()) - begin, need = static_cast<std::int64_t>(sizeof(T));
  for (const auto e : s) {
    expect(e == 0 || need <= std::numeric_limits<std::int64_t>::max() / e, "dcs::npy: ", path, ": a shape that is too large");
    need *= e;
  }
  expect(need == left, "dcs::npy: ", path, ": ", left, " bytes of elements; its shape needs ", need);
  auto t = tensor<T, Shape>::empty(s);
  expect(
      std::fseek(f.get(), begin, SEEK_SET) == 0 && std::fread(t.data(), 1, static_cast<std::size_t>(need), f.get()) == static_cast<std::size_t>(need),
      "dcs::npy: cannot read ", path);
  return t;
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
