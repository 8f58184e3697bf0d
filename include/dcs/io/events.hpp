// Event files, which TensorBoard shows: records (TensorFlow's TFRecord) of a message Event each, in the encoding of protocol buffers. Of its fields
// those that scalars and images need are known; a reader passes over others.
//
//   record: length of the message (8 bytes), masked checksum of these 8 bytes, message, masked checksum of the message; all numbers little-endian
//   Event:   1 wall_time (double)  2 step (varint)  3 file_version (text)  5 summary (Summary)
//   Summary: 1 value (repeated): 1 tag (text)  2 simple_value (float)  4 image (Image)
//   Image:   1 height  2 width  3 colorspace (3: RGB)  4 encoded_image_string (a PNG)
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/io/crc32c.hpp>
#include <dcs/io/file.hpp>

#include <bit>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs::io {

/// A picture of a log, an RGB image as the bytes of a PNG (png_bytes of png.hpp).
struct log_image {
  std::string tag;
  std::int64_t height = 0, width = 0;
  std::string png;
  friend bool operator==(const log_image&, const log_image&) = default;
};

/// A moment of a log: numbers and pictures by their tags, as "validation/dice".
struct log_event {
  double wall_time = 0;  ///< in seconds since 1970
  std::int64_t step = 0;
  std::vector<std::pair<std::string, float>> scalars{};
  std::vector<log_image> images{};
};

namespace detail {

inline constexpr const char* event_version = "brain.Event:2";  // of the file, in its first event

// The checksum that a record has: CRC-32C, changed so that the checksum of data that contain checksums is none of theirs.
inline std::uint32_t masked_crc(std::string_view s) {
  const std::uint32_t crc = crc32c(s.data(), s.size());
  return std::rotr(crc, 15) + 0xA282EAD8u;
}
template <class T>
std::string raw(T x) {
  std::string s(sizeof x, '\0');
  std::memcpy(s.data(), &x, sizeof x);
  return s;
}

// Encoding of protocol buffers: a key is the field's number and how its value is spelled.
enum class wire { varint = 0, eight_bytes = 1, bytes = 2, four_bytes = 5 };
inline std::string varint(std::uint64_t v) {
  std::string s;
  for (; v >= 128; v >>= 7) s += static_cast<char>((v & 127) | 128);
  return s + static_cast<char>(v);
}
inline std::string key(unsigned field, wire w) { return varint(field << 3 | static_cast<unsigned>(w)); }
inline std::string bytes_field(unsigned field, std::string_view s) { return key(field, wire::bytes) + varint(s.size()).append(s); }
inline std::string whole_field(unsigned field, std::int64_t x) { return key(field, wire::varint) + varint(static_cast<std::uint64_t>(x)); }

// A message's fields, one after the other. Throws where it is cut off.
class message_reader {
 public:
  message_reader(std::string_view s, const std::string& path) : left_(s), path_(path) {}
  bool next() {
    if (left_.empty()) return false;
    const std::uint64_t k = number();
    field = static_cast<unsigned>(k >> 3), how = static_cast<wire>(k & 7);
    switch (how) {
      case wire::varint:
        value = number();
        break;
      case wire::eight_bytes:
        text = taken(8);
        break;
      case wire::four_bytes:
        text = taken(4);
        break;
      case wire::bytes:
        text = taken(number());
        break;
      default:
        fail("dcs::events: ", printable(path_), ": a field is spelled in an unknown way, ", static_cast<int>(k & 7));
    }
    return true;
  }
  template <class T>
  T as() const {
    T x{};
    expect(text.size() == sizeof x, "dcs::events: ", printable(path_), ": a number of ", text.size(), " bytes; expected ", sizeof x);
    std::memcpy(&x, text.data(), sizeof x);
    return x;
  }

  unsigned field = 0;
  wire how{};
  std::uint64_t value = 0;  // of a varint
  std::string_view text;    // of all else

 private:
  std::string_view taken(std::uint64_t n) {
    expect(n <= left_.size(), "dcs::events: ", printable(path_), ": a message is cut off");
    const auto s = left_.substr(0, static_cast<std::size_t>(n));
    left_.remove_prefix(static_cast<std::size_t>(n));
    return s;
  }
  std::uint64_t number() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(taken(1)[0]);
      v |= static_cast<std::uint64_t>(byte & 127) << shift;
      if (byte < 128) return v;
    }
    fail("dcs::events: ", printable(path_), ": a whole number has no end");
  }

  std::string_view left_;
  const std::string& path_;
};

inline std::string record(const std::string& message) {
  const std::string length = raw(static_cast<std::uint64_t>(message.size()));
  return length + raw(masked_crc(length)) + message + raw(masked_crc(message));
}
inline std::string time_and_step(const log_event& e) { return key(1, wire::eight_bytes) + raw(e.wall_time) + whole_field(2, e.step); }
inline std::string message_of(const log_event& e) {
  std::string summary;
  for (const auto& [tag, x] : e.scalars) summary += bytes_field(1, bytes_field(1, tag) + key(2, wire::four_bytes) + raw(x));
  for (const log_image& i : e.images) {
    const std::string picture = whole_field(1, i.height) + whole_field(2, i.width) + whole_field(3, 3) + bytes_field(4, i.png);
    summary += bytes_field(1, bytes_field(1, i.tag) + bytes_field(4, picture));
  }
  return time_and_step(e) + bytes_field(5, summary);
}
inline log_image image_of(std::string_view message, const std::string& path) {
  log_image i;
  for (message_reader m(message, path); m.next();) {
    if (m.field == 1 && m.how == wire::varint) i.height = static_cast<std::int64_t>(m.value);
    if (m.field == 2 && m.how == wire::varint) i.width = static_cast<std::int64_t>(m.value);
    if (m.field == 4 && m.how == wire::bytes) i.png = std::string(m.text);
  }
  return i;
}
// Adds a value of a summary to an event's scalars or images, if it is one.
inline void add_value(log_event& e, std::string_view message, const std::string& path) {
  std::string tag;
  std::optional<float> scalar;
  std::optional<log_image> image;
  for (message_reader m(message, path); m.next();) {
    if (m.field == 1 && m.how == wire::bytes) tag = std::string(m.text);
    if (m.field == 2 && m.how == wire::four_bytes) scalar = m.as<float>();
    if (m.field == 4 && m.how == wire::bytes) image = image_of(m.text, path);
  }
  if (scalar) e.scalars.emplace_back(tag, *scalar);
  if (image) image->tag = tag, e.images.push_back(std::move(*image));
}
inline log_event event_of(std::string_view message, const std::string& path) {
  log_event e;
  for (message_reader m(message, path); m.next();) {
    if (m.field == 1 && m.how == wire::eight_bytes) e.wall_time = m.as<double>();
    if (m.field == 2 && m.how == wire::varint) e.step = static_cast<std::int64_t>(m.value);
    if (m.field != 5 || m.how != wire::bytes) continue;
    for (message_reader summary(m.text, path); summary.next();)
      if (summary.field == 1 && summary.how == wire::bytes) add_value(e, summary.text, path);
  }
  return e;
}

}  // namespace detail

/// Writes an event file, whole or not at all. Its first record, which has no scalars and no images, says the format's version and the time of the
/// first event.
inline void write_events(const std::string& path, const std::vector<log_event>& events) {
  log_event first;
  if (!events.empty()) first.wall_time = events[0].wall_time;
  std::string all = detail::record(detail::time_and_step(first) + detail::bytes_field(3, detail::event_version));
  for (const log_event& e : events) all += detail::record(detail::message_of(e));
  write_bytes(path, "dcs::events", all);
}

/// The events of a file that have scalars or images. Throws dcs::error where it cannot be read, has more bytes than `most`, is cut off, or a checksum
/// is not that of its bytes.
inline std::vector<log_event> read_events(const std::string& path, std::int64_t most = std::int64_t{1} << 30) {
  const std::string bytes = read_bytes(path, "dcs::events", most);
  std::string_view left = bytes;
  std::vector<log_event> all;
  const auto taken = [&](std::size_t n) {
    expect(n <= left.size(), "dcs::events: ", printable(path), " is cut off");
    const auto s = left.substr(0, n);
    left.remove_prefix(n);
    return s;
  };
  const auto checked = [&](std::string_view s) {
    expect(detail::raw(detail::masked_crc(s)) == taken(4), "dcs::events: ", printable(path), ": a checksum is not that of its bytes");
    return s;
  };
  while (!left.empty()) {
    std::uint64_t length = 0;
    std::memcpy(&length, checked(taken(8)).data(), sizeof length);
    log_event e = detail::event_of(checked(taken(static_cast<std::size_t>(length))), path);
    if (!e.scalars.empty() || !e.images.empty()) all.push_back(std::move(e));
  }
  return all;
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
