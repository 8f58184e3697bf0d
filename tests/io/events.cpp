// Event files: the bytes of a record, what is written is read back, and damage is found.
#include <dcs/io/events.hpp>

#include <doctest/doctest.h>

#include <filesystem>

using namespace dcs;

namespace {

const std::string path = (std::filesystem::temp_directory_path() / ("dcs_test_events_" + std::to_string(::getpid()))).string();

std::string message() {
  try {
    (void)io::read_events(path);
  } catch (const error& e) {
    return e.what();
  }
  return "";
}
const std::vector<io::log_event> events{{1.5e9, 1, {{"train/total", 0.25f}, {"validation/dice", -1e-20f}}, {{"overlays/a", 2, 2, "p"}}},
                                        {1.5e9 + 60, 300, {{"", 3.0f}}, {}}};

}  // namespace

TEST_CASE("the first record has the format's version, in the bytes that TensorFlow writes") {
  // The header of an event file of TensorFlow: length 24 of the message, its masked checksum; field 1 a double, then field 3 a text.
  CHECK(io::detail::raw(io::detail::masked_crc(io::detail::raw(std::uint64_t{24}))) == std::string("\xa3\x7f\x4b\x22", 4));
  CHECK(io::detail::bytes_field(3, io::detail::event_version) ==
        "\x1a\x0d"
        "brain.Event:2");
  CHECK(io::detail::varint(300) == "\xac\x02");
  CHECK(io::detail::varint(0) == std::string(1, '\0'));
  CHECK(io::detail::varint(~std::uint64_t{0}).size() == 10);
}

TEST_CASE("events are read back") {
  io::write_events(path, events);
  const auto read = io::read_events(path);
  REQUIRE(read.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(read[i].wall_time == events[i].wall_time);
    CHECK(read[i].step == events[i].step);
    CHECK((read[i].scalars == events[i].scalars));
  }
  io::write_events(path, {});
  CHECK(io::read_events(path).empty());
  std::filesystem::remove(path);
}

TEST_CASE("a picture is the bytes of TensorFlow's Summary.Image") {
  const io::log_image picture{"overlays/a.png", 300, 2, "PNG"};
  // Event: step 7, summary of 32 bytes; value of 30 bytes: tag of 14, image of 12: height 300, width 2, colorspace 3 (RGB), 3 bytes encoded.
  CHECK(io::detail::message_of({0, 7, {}, {picture}}) ==
        io::detail::time_and_step({0, 7, {}, {}}) + std::string("\x2a\x20\x0a\x1e\x0a\x0e"
                                                                "overlays/a.png"
                                                                "\x22\x0c\x08\xac\x02\x10\x02\x18\x03\x22\x03PNG"));
  const std::vector<io::log_event> both{{1.5e9, 1, {{"rate", 0.5f}}, {picture, {"b", 1, 1, std::string("\0\n", 2)}}}, {1.5e9, 2, {}, {picture}}};
  io::write_events(path, both);
  const auto read = io::read_events(path);
  REQUIRE(read.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK((read[i].scalars == both[i].scalars && read[i].images == both[i].images));
  CHECK_THROWS_WITH_AS((void)io::read_events(path, 10), doctest::Contains("expected at most 10"), error);
  std::filesystem::remove(path);
}

TEST_CASE("a file that is cut off or damaged anywhere is an error, but where whole records are left") {
  io::write_events(path, events);
  const std::string whole = io::read_bytes(path, "test", 1 << 20);
  int readable = 0;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    io::write_bytes(path, "test", std::string_view(whole).substr(0, n));
    readable += message().empty();
    std::string damaged = whole;
    damaged[n] = static_cast<char>(damaged[n] ^ 4);
    io::write_bytes(path, "test", damaged);
    CHECK(!message().empty());
  }
  CHECK(readable == 3);
  std::filesystem::remove(path);
}

TEST_CASE("a message whose fields are cut off, or spelled in no known way, is an error; unknown fields are passed over") {
  const auto written = [](const std::string& m) {
    io::write_bytes(path, "test", io::detail::record(m));
    return message();
  };
  CHECK(written("\x2a\x05zz").find("cut off") != std::string::npos);
  CHECK(written("\x0b").find("unknown way") != std::string::npos);
  CHECK(written(std::string(11, '\x80')).find("no end") != std::string::npos);
  CHECK(written("\x48\x05\x52\x02hi\x5d"
                "abcd")
            .empty());
  std::filesystem::remove(path);
}
