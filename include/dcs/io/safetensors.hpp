// The safetensors format: eight bytes of header length, a JSON header (safetensors_header.hpp), then the tensors' bytes.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/dtype.hpp>
#include <dcs/core/error.hpp>
#include <dcs/io/crc32c.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/safetensors_header.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs::io {

/// One tensor of a file: its element type as the format spells it (F32, BF16, I64, BOOL, ...), extents, and bytes, little-endian in row-major order.
struct stored_tensor {
  std::string type;
  std::vector<std::int64_t> shape;
  std::vector<char> bytes;
  std::string name = "a tensor";  ///< in the file that it came from; for messages

  /// The number of elements.
  std::int64_t count() const {
    const int bits = detail::element_bits(type);
    return bits == 0 ? 0 : detail::bytes_of("dcs::safetensors: " + detail::shown(name), type, shape) * 8 / bits;
  }
  /// The elements as T, a float or whole number, converted from every type but complex numbers and floats of less than a byte. Floats are rounded to
  /// the nearest, and towards 0 where T is a whole number; BOOL is 0 or 1. Throws dcs::error, naming tensor and value, for a value outside T's range:
  /// a finite number that would become infinite in a float T, or a number that is not in the range of a whole-number T (nor are NaN and the
  /// infinities).
  template <class T>
  std::vector<T> as() const;
};

/// A file: tensors by name, and its metadata.
struct safetensors {
  std::map<std::string, stored_tensor> tensors;
  std::map<std::string, std::string> metadata;

  bool contains(const std::string& name) const { return tensors.count(name) != 0; }
  /// Throws dcs::error where there is no such tensor.
  const stored_tensor& at(const std::string& name) const {
    const auto it = tensors.find(name);
    if (it == tensors.end()) fail("dcs::safetensors: there is no tensor ", detail::shown(name));
    return it->second;
  }
  /// Adds a tensor, or replaces that of its name, with a copy of the elements at `data`.
  template <class T>
  void put(const std::string& name, std::vector<std::int64_t> shape, const T* data);
};

namespace detail {

// The metadata key of a tensor's checksum is this and its name.
inline const std::string checksum_key = "crc32c/";
inline std::string checksum(const std::vector<char>& bytes) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(crc32c(bytes.data(), bytes.size())));
  return text;
}

inline const char* stored_name(dtype d) {
  constexpr const char* names[] = {"F32", "F64", "BF16", "F16", "I64", "U8"};
  return names[static_cast<int>(d)];
}
// The name of T in messages.
template <class T>
std::string type_name() {
  if constexpr (std::is_integral_v<T>)
    return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T));
  else
    return dcs::name(dtype_of<T>);
}
template <class T, class V>
[[noreturn, gnu::cold, gnu::noinline]] void refuse_value(const stored_tensor& t, std::size_t i, V value) {
  std::string text;
  if constexpr (std::is_integral_v<V>) {
    text = std::to_string(value);
  } else {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%g", static_cast<double>(value));
    text = buffer;
  }
  fail("dcs::safetensors: element ", i, " of ", shown(t.name), " is ", text, ", outside the range of ", type_name<T>());
}

}  // namespace detail

/// Reads a file. Throws dcs::error, naming the file, for anything that the format does not allow: a header that is malformed or names a tensor twice,
/// offsets that overlap, leave a hole or do not match dtype and shape, bytes left over; and where a tensor's bytes do not match the checksum that
/// write_safetensors has stored. A tensor of a type that as() does not convert is read like any other.
inline safetensors read_safetensors(const std::string& path) {
  input_file f(path, "dcs::safetensors");
  const std::string who = "dcs::safetensors: " + printable(path);
  unsigned char prefix[8];
  expect(f.size() >= 8, who, ": ", f.size(), " bytes, shorter than a header");
  f.read(prefix, 8);
  std::uint64_t n = 0;
  for (int i = 7; i >= 0; --i) n = n << 8 | prefix[i];
  if (n > static_cast<std::uint64_t>(detail::header_limit) || n > static_cast<std::uint64_t>(f.left()))
    fail(who, ": a header of ", n, " bytes in a file of ", f.size(), "; expected at most ", std::min(detail::header_limit, f.left()));
  std::string header(static_cast<std::size_t>(n), '\0');
  f.read(header.data(), static_cast<std::int64_t>(n));

  safetensors out;
  std::map<std::string, detail::header_entry> entries;
  detail::header_parser(header, path).parse(entries, out.metadata);
  for (const auto& it : detail::checked_order(entries, path, f.left())) {
    auto& [name, e] = *it;
    stored_tensor t{std::move(e.type), std::move(e.shape), std::vector<char>(static_cast<std::size_t>(e.end - e.begin)), name};
    f.read(t.bytes.data(), e.end - e.begin);
    if (const auto sum = out.metadata.find(detail::checksum_key + name); sum != out.metadata.end()) {
      const std::string found = detail::checksum(t.bytes);
      if (sum->second != found)
        fail(who, ": the bytes of ", detail::shown(name), " are damaged: their CRC-32C is ", found, "; when they were written it was ",
             detail::shown(sum->second), " (metadata ", detail::checksum_key, "NAME; whoever changes a tensor must drop it)");
      out.metadata.erase(sum);
    }
    out.tensors.emplace(name, std::move(t));
  }
  return out;
}

/// Writes a file, whole or not at all, with a checksum of each tensor, which read_safetensors checks and other readers take for metadata. Throws
/// dcs::error where writing fails, and for anything that the format's reference reader rejects: a tensor called __metadata__, names and metadata that
/// are not UTF-8, a dtype that the format does not have, a header of more than 100 MB.
inline void write_safetensors(const std::string& path, const safetensors& s) {
  const std::string who = "dcs::safetensors: cannot write " + printable(path);
  // Elements of more bytes come first, so that all are aligned in the memory of a reader that maps the file.
  std::vector<const std::pair<const std::string, stored_tensor>*> order;
  for (const auto& entry : s.tensors) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](auto a, auto b) {
    const int of_a = detail::element_bits(a->second.type), of_b = detail::element_bits(b->second.type);
    return of_a != of_b ? of_a > of_b : a->first < b->first;
  });
  auto metadata = s.metadata;
  std::string entries;
  std::int64_t at = 0;
  for (const auto* entry : order) {
    const auto& [name, t] = *entry;
    if (name == "__metadata__") fail(who, ": no tensor can be called __metadata__, which is the format's own");
    const std::int64_t need = detail::bytes_of(who + ": " + detail::shown(name), t.type, t.shape), bytes = static_cast<std::int64_t>(t.bytes.size());
    if (bytes != need) fail(who, ": ", detail::shown(name), " has ", bytes, " bytes; its shape and dtype need ", need);
    metadata[detail::checksum_key + name] = detail::checksum(t.bytes);
    entries += "," + detail::quoted(name, path) + ":{\"dtype\":\"" + t.type + "\",\"shape\":[";
    for (std::size_t i = 0; i < t.shape.size(); ++i) entries += (i ? "," : "") + std::to_string(t.shape[i]);
    entries += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + bytes) + "]}";
    at += bytes;
  }
  std::string texts;
  for (const auto& [key, text] : metadata) texts += (texts.empty() ? "" : ",") + detail::quoted(key, path) + ":" + detail::quoted(text, path);
  std::string header = "{\"__metadata__\":{" + texts + "}" + entries + "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const auto n = static_cast<std::int64_t>(header.size());
  if (n > detail::header_limit) fail(who, ": a header of ", n, " bytes; the format's reader takes at most ", detail::header_limit);

  std::string prefix;
  for (int i = 0; i < 8; ++i) prefix += static_cast<char>(n >> (8 * i) & 255);
  output_file f(path, "dcs::safetensors");
  f.write(prefix + header);
  for (const auto* entry : order) f.write(entry->second.bytes.data(), static_cast<std::int64_t>(entry->second.bytes.size()));
  f.commit();
}

template <class T>
std::vector<T> stored_tensor::as() const {
  const std::string who = "dcs::safetensors: " + detail::shown(name);
  const std::int64_t need = detail::bytes_of(who, type, shape), held = static_cast<std::int64_t>(bytes.size());
  expect(held == need, who, " has ", held, " bytes; its shape and dtype need ", need);
  std::vector<T> out(static_cast<std::size_t>(count()));
  const bool converted = detail::with_element_type(type, [&]<class From>(From v) {
    if constexpr (std::is_same_v<From, T>) {
      if (held > 0) std::memcpy(out.data(), bytes.data(), bytes.size());
    } else {
      for (std::size_t i = 0; i < out.size(); ++i) {
        std::memcpy(&v, bytes.data() + i * sizeof(From), sizeof(From));
        if (!detail::fits(detail::number_of(v), out[i])) detail::refuse_value<T>(*this, i, detail::number_of(v));
      }
    }
  });
  if (!converted) fail(who, " holds ", type, ", which is not converted to ", detail::type_name<T>(), "; convert it where the file is written");
  return out;
}

template <class T>
void safetensors::put(const std::string& name, std::vector<std::int64_t> shape, const T* data) {
  const std::string type = detail::stored_name(dtype_of<T>);
  const std::int64_t n = detail::bytes_of("dcs::safetensors: " + detail::shown(name), type, shape);
  stored_tensor t{type, std::move(shape), std::vector<char>(static_cast<std::size_t>(n)), name};
  if (n > 0) std::memcpy(t.bytes.data(), data, t.bytes.size());
  tensors[name] = std::move(t);
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
