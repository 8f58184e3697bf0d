// Safetensors files of any header and bytes, right or wrong.
#pragma once

#include <dcs/io/safetensors.hpp>

#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include <unistd.h>

namespace raw {

// A path of this process alone, as tests run beside each other; the file is removed when the process ends.
struct own_file {
  std::string path = "safetensors_" + std::to_string(::getpid()) + ".tmp";
  ~own_file() { std::remove(path.c_str()); }
};
inline const own_file file;
inline const std::string& path = file.path;

/// Writes a file whose first eight bytes say that the header has `claimed` bytes.
inline void write_raw(const std::string& header, const std::string& data, std::uint64_t claimed) {
  std::ofstream f(path, std::ios::binary);
  for (int i = 0; i < 8; ++i) f.put(static_cast<char>(claimed >> (8 * i)));
  f << header << data;
}
inline void write_raw(const std::string& header, const std::string& data) { write_raw(header, data, header.size()); }

inline void check_refused(const std::string& header, const std::string& data, const char* words) {
  CAPTURE(header);
  write_raw(header, data);
  CHECK_THROWS_WITH_AS(dcs::io::read_safetensors(path), doctest::Contains(words), dcs::error);
}

}  // namespace raw
