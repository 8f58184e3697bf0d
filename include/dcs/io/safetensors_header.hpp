// The header of a safetensors file, which is JSON: {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"KEY":
// "TEXT", ...}}. Accepts what the format's reference reader accepts, except that a name which occurs twice, of which that reader drops one, is an
// error. So little of JSON is needed (the only values are strings and natural numbers) that a parser of its own compiles faster than a library.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/io/element_types.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs::io::detail {

/// The largest size of a header in bytes, by the format's rules.
inline constexpr std::int64_t header_limit = 100'000'000;

// One tensor as the header describes it: bytes [begin, end) behind the header.
struct header_entry {
  std::string type;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0, end = 0;
};

class header_parser {
 public:
  header_parser(const std::string& text, const std::string& file) : text_(text), file_(file) {}

  void parse(std::map<std::string, header_entry>& tensors, std::map<std::string, std::string>& metadata) {
    if (!is_utf8(text_)) stop("the header is not UTF-8");
    bool described = false;
    members([&](const std::string& name) {
      if (name != "__metadata__") {
        if (!tensors.emplace(name, entry(name)).second) stop("the tensor " + shown(name) + " stands twice");
        return;
      }
      if (std::exchange(described, true)) stop("__metadata__ stands twice");
      if (take("null")) return;
      members([&](const std::string& key) {
        if (!metadata.emplace(key, string()).second) stop("the metadata key " + shown(key) + " stands twice");
      });
    });
    skip_spaces();
    if (at_ != text_.size()) stop("text behind the header");
  }

 private:
  [[noreturn, gnu::cold, gnu::noinline]] void stop(const std::string& what) const {
    fail("dcs::safetensors: ", printable(file_), ": ", what, " (header byte ", at_, ")");
  }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  char next() {  // the character that is not a space; 0 at the end
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(std::string_view word) {
    skip_spaces();
    if (text_.compare(at_, word.size(), word) != 0) return false;
    at_ += word.size();
    return true;
  }
  void need(const char* word) {
    if (!take(word)) stop(std::string("expected '") + word + "'");
  }

  // Calls item() until the list ends. Nesting is limited to 127 levels, as in the format's reference reader, so that no file overflows the stack.
  template <class F>
  void list(const char* open, const char* close, const F& item) {
    need(open);
    if (++depth_ > 127) stop("more than 127 lists and objects inside one another");
    if (!take(close)) {
      do item();
      while (take(","));
      need(close);
    }
    --depth_;
  }
  template <class F>
  void members(const F& member) {
    list("{", "}", [&] {
      const std::string key = string();
      need(":");
      member(key);
    });
  }

  header_entry entry(const std::string& name) {
    header_entry e;
    bool type = false, shape = false, offsets = false;
    const auto read_type = [&] { e.type = string(), type = true; };
    const auto read_shape = [&] { e.shape = integers(), shape = true; };
    const auto read_offsets = [&] {
      const auto two = integers();
      if (two.size() != 2) stop("the data_offsets of " + shown(name) + " are not two numbers");
      e.begin = two[0], e.end = two[1], offsets = true;
    };
    if (next() == '[') {  // the values alone
      need("["), read_type(), need(","), read_shape(), need(","), read_offsets(), need("]");
      return e;
    }
    members([&](const std::string& key) {
      if ((key == "dtype" && type) || (key == "shape" && shape) || (key == "data_offsets" && offsets))
        stop("the repeated key " + key + " of " + shown(name));
      if (key == "dtype")
        read_type();
      else if (key == "shape")
        read_shape();
      else if (key == "data_offsets")
        read_offsets();
      else
        skip_value();
    });
    if (!type || !shape || !offsets) stop(shown(name) + " lacks dtype, shape or data_offsets");
    return e;
  }

  // Any value of a key that the format does not have (yet).
  void skip_value() {
    switch (next()) {
      case '{':
        return members([&](const std::string&) { skip_value(); });
      case '[':
        return list("[", "]", [&] { skip_value(); });
      case '"':
        return static_cast<void>(string());
      default:
        if (!take("true") && !take("false") && !take("null")) skip_number();
    }
  }
  bool digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > begin;
  }
  void skip_number() {
    skip_spaces();
    const auto is = [&](char c) { return at_ < text_.size() && text_[at_] == c; };
    if (is('-')) ++at_;
    const bool zero = is('0');
    const std::size_t begin = at_;
    if (!digits() || (zero && at_ - begin > 1)) stop("expected a value");
    if (is('.') && (++at_, !digits())) stop("a number that ends with its point");
    if (!is('e') && !is('E')) return;
    ++at_;
    if (is('+') || is('-')) ++at_;
    if (!digits()) stop("a number without its exponent");
  }

  std::vector<std::int64_t> integers() {
    std::vector<std::int64_t> v;
    list("[", "]", [&] { v.push_back(integer()); });
    return v;
  }
  std::int64_t integer() {
    skip_spaces();
    const std::size_t begin = at_;
    if (!digits()) stop("expected a number that is not negative");
    if (text_[begin] == '0' && at_ - begin > 1) stop("a number with a leading zero");
    std::int64_t v = 0;
    for (std::size_t i = begin; i < at_; ++i) {
      const int digit = text_[i] - '0';
      if (v > (std::numeric_limits<std::int64_t>::max() - digit) / 10) stop("a number that is too large");
      v = v * 10 + digit;
    }
    return v;
  }

  std::string string() {
    need("\"");
    std::string s;
    while (true) {
      const char c = character();
      if (c == '"') return s;
      if (static_cast<unsigned char>(c) < 0x20) stop("a control character in a string");
      if (c == '\\')
        escape(s);
      else
        s += c;
    }
  }
  char character() {
    if (at_ >= text_.size()) stop("a string without an end");
    return text_[at_++];
  }
  void escape(std::string& s) {
    constexpr std::string_view names = "\"\\/bfnrt", characters = "\"\\/\b\f\n\r\t";
    const char c = character();
    if (c == 'u') return append_utf8(s, code_point());
    const auto i = names.find(c);
    if (i == names.npos) stop("an unknown escape in a string");
    s += characters[i];
  }
  unsigned four_digits() {
    unsigned code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = character();
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      if (digit < 0) stop("a bad \\u escape");
      code = code * 16 + static_cast<unsigned>(digit);
    }
    return code;
  }
  // A character beyond U+FFFF is two escapes, a high and a low surrogate; one without the other is no character.
  unsigned code_point() {
    const unsigned high = four_digits();
    if (high < 0xD800 || high > 0xDFFF) return high;
    const bool second = high < 0xDC00 && character() == '\\' && character() == 'u';
    const unsigned low = second ? four_digits() : 0;
    if (low < 0xDC00 || low > 0xDFFF) stop("half a surrogate pair in \\u escapes");
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }
  static void append_utf8(std::string& s, unsigned code) {
    const auto put = [&](unsigned byte) { s += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800)
      put(0xC0 | code >> 6);
    else if (code < 0x10000)
      put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 63));
    else
      put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 63)), put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }

  const std::string& text_;
  const std::string& file_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

/// The tensors in the order of their bytes, which must be exactly [0, bytes): each begins where the one before it ends.
inline std::vector<std::map<std::string, header_entry>::iterator> checked_order(std::map<std::string, header_entry>& entries, const std::string& path,
                                                                                std::int64_t bytes) {
  std::vector<std::map<std::string, header_entry>::iterator> order;
  for (auto it = entries.begin(); it != entries.end(); ++it) order.push_back(it);
  std::sort(order.begin(), order.end(),
            [](auto a, auto b) { return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end); });
  const std::string file = "dcs::safetensors: " + printable(path);
  std::int64_t at = 0;
  for (const auto& it : order) {
    const auto& [name, e] = *it;
    const std::string who = file + ": " + shown(name);
    const std::int64_t need = bytes_of(who, e.type, e.shape);
    if (e.end < e.begin || e.end - e.begin != need)
      fail(who, " has the bytes from ", e.begin, " to ", e.end, "; its shape and dtype need ", need, " bytes");
    if (e.begin != at) fail(who, e.begin < at ? " overlaps the tensor before it" : " leaves a hole before it", " (byte ", e.begin, ")");
    at = e.end;
  }
  if (at != bytes) fail(file, ": the tensors end at byte ", at, ", the file at ", bytes);
  return order;
}

/// A string as JSON spells it. Throws dcs::error where it is not UTF-8, which JSON cannot spell.
inline std::string quoted(const std::string& s, const std::string& path) {
  if (!is_utf8(s)) fail("dcs::safetensors: cannot write ", printable(path), ": the name or text ", shown(s), " is not UTF-8");
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') {
      out += '\\', out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
      out += buffer;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace dcs::io::detail

#include <dcs/core/header_end.inl>
