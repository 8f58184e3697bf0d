// The wire format of protocol buffers, as much of it as an ONNX file needs: a message is a sequence of fields, each a key (number · 8 + wire type)
// and a value, which is a variable-length integer (type 0), a length with so many bytes (type 2), or 4 bytes (type 5). Numbers of fields are those of
// onnx.proto, and stand where a message is written (graph.hpp).
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

DCS_EXACT_MATH
namespace dcs::onnx {

/// A message of protocol buffers that is being written.
class message {
 public:
  /// Field `number` with an integer; of an enumeration its number.
  message& integer(int number, std::int64_t value) {
    key(number, 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  /// Field `number` with a text, with bytes, or with a message.
  message& text(int number, std::string_view value) {
    key(number, 2);
    varint(value.size());
    bytes_.append(value);
    return *this;
  }
  message& nested(int number, const message& value) { return text(number, value.bytes_); }
  /// Field `number` with a float.
  message& real(int number, float value) {
    key(number, 5);
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);  // the format is little-endian, as the processors that dcs supports are
    bytes_.append(raw, sizeof value);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void key(int number, unsigned type) { varint(static_cast<std::uint64_t>(number) << 3 | type); }
  // Seven bits a byte, the lowest first; the highest bit of a byte says that another follows.
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) bytes_.push_back(static_cast<char>(value | 128));
    bytes_.push_back(static_cast<char>(value));
  }

  std::string bytes_;
};

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
