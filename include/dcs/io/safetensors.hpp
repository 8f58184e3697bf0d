// The safetensors format: eight bytes of header length, a JSON header, then the tensors' bytes. The reader is strict: a header that is too long,
// malformed or names a tensor twice, offsets that overlap, leave a hole or do not match dtype and shape, and bytes left over are all errors. The
// header needs so little of JSON (one object of objects of strings and integer arrays) that a parser of its own is shorter to compile than a library.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/dtype.hpp>
#include <dcs/core/error.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs::io {

/// One tensor of a file: its element type as safetensors spells it (F32, F64, BF16, F16, I64, I32, U8, BOOL), extents and bytes.
struct stored_tensor {
  std::string type;
  std::vector<std::int64_t> shape;
  std::vector<char> bytes;

  std::int64_t count() const {
    std::int64_t n = 1;
    for (std::int64_t e : shape) n *= e;
    return n;
  }
  /// The elements as T, converted from whatever is stored.
  template <class T>
  std::vector<T> as() const;
};

/// A file: tensors by name, and its metadata.
struct safetensors {
  std::map<std::string, stored_tensor> tensors;
  std::map<std::string, std::string> metadata;

  bool contains(const std::string& name) const { return tensors.count(name) != 0; }
  const stored_tensor& at(const std::string& name) const {
    const auto it = tensors.find(name);
    expect(it != tensors.end(), "dcs::safetensors: there is no tensor ", name);
    return it->second;
  }
  template <class T>
  void put(const std::string& name, std::vector<std::int64_t> shape, const T* data);
};

namespace detail {

inline std::int64_t element_bytes(const std::string& type) {
  if (type == "F64" || type == "I64") return 8;
  if (type == "F32" || type == "I32") return 4;
  if (type == "BF16" || type == "F16") return 2;
  if (type == "U8" || type == "BOOL") return 1;
  return 0;
}

// What the header of a safetensors file may contain, and no more.
class header_parser {
 public:
  header_parser(const std::string& text, const std::string& file) : text_(text), file_(file) {}

  struct entry {
    std::string type;
    std::vector<std::int64_t> shape;
    std::int64_t begin = -1, end = -1;
  };

  void parse(std::map<std::string, entry>& tensors, std::map<std::string, std::string>& metadata) {
    bool described = false;
    members([&](const std::string& name) {
      if (name == "__metadata__") {
        check(!described, "__metadata__ stands twice");
        described = true;
        members([&](const std::string& key) { check(metadata.emplace(key, string()).second, "metadata key " + key + " stands twice"); });
        return;
      }
      entry e;
      bool type = false, shape = false, offsets = false;
      members([&](const std::string& key) {
        if (key == "dtype" && !type)
          type = true, e.type = string();
        else if (key == "shape" && !shape)
          shape = true, e.shape = integers();
        else if (key == "data_offsets" && !offsets) {
          offsets = true;
          const auto two = integers();
          check(two.size() == 2, "data_offsets of " + name + " are not two numbers");
          e.begin = two[0], e.end = two[1];
        } else {
          stop("unexpected or repeated key " + key + " of " + name);
        }
      });
      check(type && shape && offsets, name + " lacks dtype, shape or data_offsets");
      check(tensors.emplace(name, e).second, "tensor " + name + " stands twice");
    });
    skip();
    check(at_ == text_.size(), "text behind the header");
  }

 private:
  [[noreturn]] void stop(const std::string& what) const { fail("dcs::safetensors: ", file_, ": ", what, " (header byte ", at_, ")"); }
  void check(bool ok, const std::string& what) const {
    if (!ok) stop(what);
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect_char(char c) { check(take(c), std::string("expected '") + c + "'"); }

  template <class F>
  void members(F&& f) {
    expect_char('{');
    if (take('}')) return;
    do {
      const std::string key = string();
      expect_char(':');
      f(key);
    } while (take(','));
    expect_char('}');
  }
  std::vector<std::int64_t> integers() {
    std::vector<std::int64_t> v;
    expect_char('[');
    if (take(']')) return v;
    do v.push_back(integer());
    while (take(','));
    expect_char(']');
    return v;
  }
  std::int64_t integer() {
    skip();
    check(at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9', "expected a number that is not negative");
    check(text_[at_] != '0' || at_ + 1 >= text_.size() || text_[at_ + 1] < '0' || text_[at_ + 1] > '9', "a number with a leading zero");
    std::int64_t v = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      check(v <= (std::numeric_limits<std::int64_t>::max() - 9) / 10, "a number that is too large");
      v = v * 10 + (text_[at_] - '0');
    }
    return v;
  }
  std::string string() {
    expect_char('"');
    std::string s;
    while (true) {
      check(at_ < text_.size(), "a string without an end");
      const char c = text_[at_++];
      if (c == '"') return s;
      check(static_cast<unsigned char>(c) >= 0x20, "a control character in a string");
      if (c != '\\') {
        s += c;
        continue;
      }
      check(at_ < text_.size(), "a string without an end");
      const char e = text_[at_++];
      if (e == 'n')
        s += '\n';
      else if (e == 't')
        s += '\t';
      else if (e == 'r')
        s += '\r';
      else if (e == 'b')
        s += '\b';
      else if (e == 'f')
        s += '\f';
      else if (e == '"' || e == '\\' || e == '/')
        s += e;
      else if (e == 'u')
        s += unicode();
      else
        stop("an unknown escape in a string");
    }
  }
  std::string unicode() {
    check(at_ + 4 <= text_.size(), "a string without an end");
    unsigned code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      check(digit >= 0, "a bad \\u escape");
      code = code * 16 + static_cast<unsigned>(digit);
    }
    check(code < 0xD800 || code > 0xDFFF, "a surrogate in a \\u escape");
    std::string s;
    if (code < 0x80)
      s += static_cast<char>(code);
    else if (code < 0x800)
      s += static_cast<char>(0xC0 | code >> 6), s += static_cast<char>(0x80 | (code & 63));
    else
      s += static_cast<char>(0xE0 | code >> 12), s += static_cast<char>(0x80 | (code >> 6 & 63)), s += static_cast<char>(0x80 | (code & 63));
    return s;
  }

  const std::string& text_;
  const std::string& file_;
  std::size_t at_ = 0;
};

inline std::string quoted(const std::string& s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\')
      out += '\\', out += c;
    else if (static_cast<unsigned char>(c) < 0x20) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
      out += buffer;
    } else
      out += c;
  }
  return out + "\"";
}

struct closer {
  void operator()(std::FILE* f) const {
    if (f) std::fclose(f);
  }
};
using file = std::unique_ptr<std::FILE, closer>;

inline constexpr std::uint64_t header_limit = 100'000'000;

}  // namespace detail

/// Reads a file. Throws dcs::error, naming the file, for anything that the format does not allow.
inline safetensors read_safetensors(const std::string& path) {
  detail::file f(std::fopen(path.c_str(), "rb"));
  expect(f != nullptr, "dcs::safetensors: cannot open ", path);
  std::fseek(f.get(), 0, SEEK_END);
  const long length = std::ftell(f.get());
  std::rewind(f.get());
  unsigned char prefix[8];
  expect(length >= 8 && std::fread(prefix, 1, 8, f.get()) == 8, "dcs::safetensors: ", path, ": shorter than a header");
  std::uint64_t n = 0;
  for (int i = 7; i >= 0; --i) n = n << 8 | prefix[i];
  expect(n <= detail::header_limit && n <= static_cast<std::uint64_t>(length) - 8, "dcs::safetensors: ", path, ": a header of ", n,
         " bytes in a file of ", length);
  std::string header(static_cast<std::size_t>(n), '\0');
  expect(std::fread(header.data(), 1, header.size(), f.get()) == header.size(), "dcs::safetensors: ", path, ": cannot read the header");

  safetensors out;
  std::map<std::string, detail::header_parser::entry> entries;
  detail::header_parser(header, path).parse(entries, out.metadata);
  std::vector<std::pair<std::int64_t, const std::string*>> order;
  for (const auto& [name, e] : entries) {
    std::int64_t bytes = detail::element_bytes(e.type);
    expect(bytes > 0, "dcs::safetensors: ", path, ": ", name, " has the unknown dtype ", e.type);
    for (std::int64_t extent : e.shape) {
      expect(extent == 0 || bytes <= std::numeric_limits<std::int64_t>::max() / std::max<std::int64_t>(extent, 1), "dcs::safetensors: ", path, ": ",
             name, " is too large");
      bytes *= extent;
    }
    expect(e.begin >= 0 && e.end >= e.begin && e.end - e.begin == bytes, "dcs::safetensors: ", path, ": ", name, " has ", e.end - e.begin,
           " bytes; its shape and dtype need ", bytes);
    order.emplace_back(e.begin, &name);
  }
  std::sort(order.begin(), order.end(),
            [&](const auto& a, const auto& b) { return std::pair(a.first, entries[*a.second].end) < std::pair(b.first, entries[*b.second].end); });
  std::int64_t at = 0;
  for (const auto& [begin, name] : order) {
    const auto& e = entries[*name];
    expect(begin == at, "dcs::safetensors: ", path, ": ", *name, begin < at ? " overlaps the tensor before it" : " leaves a hole before it",
           " (byte ", begin, ")");
    at = e.end;
  }
  expect(at == length - 8 - static_cast<long>(n), "dcs::safetensors: ", path, ": the tensors end at byte ", at, ", the file at ",
         length - 8 - static_cast<long>(n));
  for (const auto& [begin, name] : order) {
    const auto& e = entries[*name];
    stored_tensor t{e.type, e.shape, std::vector<char>(static_cast<std::size_t>(e.end - e.begin))};
    expect(t.bytes.empty() || std::fread(t.bytes.data(), 1, t.bytes.size(), f.get()) == t.bytes.size(), "dcs::safetensors: ", path, ": cannot read ",
           *name);
    out.tensors.emplace(*name, std::move(t));
  }
  return out;
}

/// Writes a file: to PATH.partial first, then renamed, so that a crash leaves the old file whole.
inline void write_safetensors(const std::string& path, const safetensors& s) {
  std::string header = "{";
  if (!s.metadata.empty()) {
    header += "\"__metadata__\":{";
    bool first = true;
    for (const auto& [k, v] : s.metadata) header += (first ? "" : ",") + detail::quoted(k) + ":" + detail::quoted(v), first = false;
    header += s.tensors.empty() ? "}" : "},";
  }
  std::int64_t at = 0;
  for (auto it = s.tensors.begin(); it != s.tensors.end(); ++it) {
    const auto& [name, t] = *it;
    expect(static_cast<std::int64_t>(t.bytes.size()) == t.count() * detail::element_bytes(t.type), "dcs::safetensors: ", name, " has ",
           t.bytes.size(), " bytes; its shape and dtype need ", t.count() * detail::element_bytes(t.type));
    header += (it == s.tensors.begin() ? "" : ",") + detail::quoted(name) + ":{\"dtype\":\"" + t.type + "\",\"shape\":[";
    for (std::size_t i = 0; i < t.shape.size(); ++i) header += (i ? "," : "") + std::to_string(t.shape[i]);
    const auto end = at + static_cast<std::int64_t>(t.bytes.size());
    header += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(end) + "]}";
    at = end;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::string partial = path + ".partial";
  {
    detail::file f(std::fopen(partial.c_str(), "wb"));
    expect(f != nullptr, "dcs::safetensors: cannot write ", partial);
    unsigned char prefix[8];
    for (int i = 0; i < 8; ++i) prefix[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(header.size()) >> (8 * i));
    bool ok = std::fwrite(prefix, 1, 8, f.get()) == 8 && std::fwrite(header.data(), 1, header.size(), f.get()) == header.size();
    for (const auto& [name, t] : s.tensors) ok = ok && (t.bytes.empty() || std::fwrite(t.bytes.data(), 1, t.bytes.size(), f.get()) == t.bytes.size());
    ok = ok && std::fflush(f.get()) == 0;
    if (!ok) std::remove(partial.c_str());
    expect(ok, "dcs::safetensors: cannot write ", path, ": is the disk full?");
  }
  if (std::rename(partial.c_str(), path.c_str()) != 0) {
    std::remove(partial.c_str());
    fail("dcs::safetensors: cannot rename ", partial, " to ", path);
  }
}

template <class T>
std::vector<T> stored_tensor::as() const {
  std::vector<T> out(static_cast<std::size_t>(count()));
  auto convert = [&]<class From>(From) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      From v;
      std::memcpy(&v, bytes.data() + i * sizeof(From), sizeof(From));
      if constexpr (std::is_integral_v<From>)
        out[i] = static_cast<T>(v);
      else
        out[i] = static_cast<T>(static_cast<compute_type<From>>(v));
    }
  };
  if (type == "F32")
    convert(float{});
  else if (type == "F64")
    convert(double{});
  else if (type == "BF16")
    convert(bf16{});
  else if (type == "F16")
    convert(f16{});
  else if (type == "I64")
    convert(std::int64_t{});
  else if (type == "I32")
    convert(std::int32_t{});
  else if (type == "U8" || type == "BOOL")
    convert(std::uint8_t{});
  else
    fail("dcs::safetensors: a tensor of ", type, " is no array of numbers here");
  return out;
}

template <class T>
void safetensors::put(const std::string& name, std::vector<std::int64_t> shape, const T* data) {
  constexpr dtype d = dtype_of<T>;
  stored_tensor t{d == dtype::f32    ? "F32"
                  : d == dtype::f64  ? "F64"
                  : d == dtype::bf16 ? "BF16"
                  : d == dtype::f16  ? "F16"
                  : d == dtype::i64  ? "I64"
                                     : "U8",
                  std::move(shape),
                  {}};
  t.bytes.resize(static_cast<std::size_t>(t.count()) * sizeof(T));
  if (!t.bytes.empty()) std::memcpy(t.bytes.data(), data, t.bytes.size());
  tensors[name] = std::move(t);
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
