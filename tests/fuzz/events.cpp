// io/events.hpp: files, and a message by itself, as few inputs have the right checksums.
#include "target.hpp"

#include <dcs/io/events.hpp>

DCS_FUZZ_TARGET(events) {
  static const fuzz::memory_file file;
  const std::string path = file.with(bytes);
  fuzz::accepts([&] { dcs::io::read_events(path); });
  fuzz::accepts([&] { dcs::io::detail::event_of(bytes, path); });
  fuzz::accepts([&] { dcs::io::read_events(file.with(dcs::io::detail::record(std::string(bytes)))); });
}
