// The header of a .npy file: a version, a length, and the dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } as Python spells it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/io/file.hpp>

#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

DCS_EXACT_MATH
namespace dcs::io::detail {

class npy_header {
 public:
  /// Reads the header that `f` begins with; the elements follow.
  explicit npy_header(input_file& f) : path_(printable(f.path())) {
    unsigned char head[12] = {};
    need(f.read_some(head, 10) == 10 && std::memcmp(head, "\x93NUMPY", 6) == 0, "not a .npy file");
    need(head[6] >= 1 && head[6] <= 3 && head[7] == 0,
         "version " + std::to_string(head[6]) + "." + std::to_string(head[7]) + "; expected 1.0, 2.0 or 3.0");
    if (head[6] > 1) f.read(head + 10, 2);
    const std::int64_t length = head[8] | std::int64_t{head[9]} << 8 | std::int64_t{head[10]} << 16 | std::int64_t{head[11]} << 24;
    need(length <= 1 << 20, "a header of " + std::to_string(length) + " bytes; expected at most 1 MiB");
    text_.resize(static_cast<std::size_t>(length));
    f.read(text_.data(), length);
    parse();
  }

  std::string type;  ///< as NumPy spells it: byte order, kind, bytes
  bool fortran = false;
  std::vector<std::int64_t> shape;

 private:
  void need(bool ok, const std::string& what) const {
    if (!ok) fail("dcs::npy: ", path_, ": ", what);
  }
  void parse() {
    bool has_type = false, has_order = false, has_shape = false;
    need(take('{'), "no dictionary");
    while (!take('}')) {
      const std::string key = string();
      need(take(':'), "no ':' behind " + printable(key));
      if (key == "descr" && !has_type)
        has_type = true, type = string();
      else if (key == "fortran_order" && !has_order)
        has_order = true, fortran = boolean();
      else if (key == "shape" && !has_shape)
        has_shape = true, shape = tuple();
      else
        need(false, "unexpected or repeated key " + printable(key));
      if (take(',')) continue;
      need(take('}'), "no end of the dictionary");
      break;
    }
    skip_spaces();
    need(at_ == text_.size(), "text behind the dictionary");
    need(has_type && has_order && has_shape, "descr, fortran_order or shape is missing");
  }
  void skip_spaces() {
    while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_]) && text_[at_] != '\0') ++at_;
  }
  bool take(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string string() {
    skip_spaces();
    need(at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"'), "expected a string (structured types are not read)");
    const char quote = text_[at_++];
    const auto end = text_.find(quote, at_);
    need(end != std::string::npos, "a string without an end");
    const std::string s = text_.substr(at_, end - at_);
    at_ = end + 1;
    return s;
  }
  bool boolean() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"})
      if (text_.compare(at_, word.size(), word) == 0) return at_ += word.size(), word == "True";
    need(false, "expected True or False");
    return false;
  }
  std::int64_t extent() {
    skip_spaces();
    const std::size_t begin = at_;
    std::int64_t n = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const int digit = text_[at_] - '0';
      need(n <= (std::numeric_limits<std::int64_t>::max() - digit) / 10, "an extent that is too large");
      n = n * 10 + digit;
    }
    need(at_ > begin, "expected an extent that is not negative");
    need(text_[begin] != '0' || at_ - begin == 1, "an extent with a leading zero");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 ends a long number so
    return n;
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> v;
    need(take('('), "expected a tuple");
    while (!take(')')) {
      v.push_back(extent());
      if (take(',')) continue;
      need(take(')') && v.size() > 1, "no end of the tuple");  // (2) is a number, (2,) a tuple
      break;
    }
    return v;
  }

  std::string path_, text_;
  std::size_t at_ = 0;
};

/// The header of version 1.0 for these extents in C order, magic bytes included, as NumPy writes it.
inline std::string npy_head(const std::string& type, const std::vector<std::int64_t>& shape) {
  std::string text = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  text += shape.size() == 1 ? ",), }" : "), }";
  // The elements begin at a multiple of 64 bytes, behind a line break.
  text.resize((10 + text.size() + 1 + 63) / 64 * 64 - 10, ' ');
  text.back() = '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(text.size() & 255), head += static_cast<char>(text.size() >> 8);
  return head + text;
}

}  // namespace dcs::io::detail

#include <dcs/core/header_end.inl>
