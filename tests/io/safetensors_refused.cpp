// Files that are damaged or not of the format.
#include "raw_safetensors.hpp"

#include <sys/stat.h>

using namespace dcs;
using namespace raw;

TEST_CASE("safetensors: a damaged tensor is an error") {
  const std::vector<float> values(100, 1.5f);
  io::safetensors s;
  s.put("kernel", {10, 10}, values.data());
  s.put("other", {100}, values.data());
  s.put("empty", {0}, values.data());
  s.metadata["epoch"] = "3";
  io::write_safetensors(path, s);
  const std::string whole = io::read_bytes(path, "test", 10000);
  const auto again = io::read_safetensors(path);
  CHECK(again.metadata == s.metadata);  // the checksums are the file's own
  io::write_safetensors(path, again);
  CHECK(io::read_bytes(path, "test", 10000) == whole);
  for (const std::size_t back : {1u, 399u, 400u, 401u, 800u}) {
    std::string damaged = whole;
    damaged[damaged.size() - back] = static_cast<char>(damaged[damaged.size() - back] ^ 0x10);
    io::write_bytes(path, "test", damaged);
    const std::string words = path + (back > 400 ? ": the bytes of kernel are damaged" : ": the bytes of other are damaged");
    CHECK_THROWS_WITH_AS(io::read_safetensors(path), doctest::Contains(words.c_str()), error);
  }
  // The key is of no tensor, or there is none: another program has changed the file.
  const std::string one = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  write_raw(R"({"__metadata__":{"crc32c/gone":"00000000"},)" + one, "x");
  CHECK(io::read_safetensors(path).contains("a"));
  check_refused(R"({"__metadata__":{"crc32c/a":"00000000"},)" + one, "x", "their CRC-32C is");
}

TEST_CASE("safetensors: a path that is no regular file is an error at once") {
  std::remove("fifo.tmp");
  REQUIRE(::mkfifo("fifo.tmp", 0600) == 0);
  CHECK_THROWS_WITH_AS(io::read_safetensors("fifo.tmp"), doctest::Contains("a FIFO, socket or device"), error);
  CHECK_THROWS_WITH_AS(io::read_safetensors("/dev/zero"), doctest::Contains("a FIFO, socket or device"), error);
  std::remove("fifo.tmp");
}

TEST_CASE("safetensors: everything that the format does not allow is an error") {
  const std::string four(4, 'x'), eight(8, 'x');
  write_raw(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four);
  CHECK(io::read_safetensors(path).tensors.size() == 1);
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", eight, "the tensors end at byte 4");
  check_refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", four, "need 8");
  check_refused(R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})", four, "unknown dtype");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight, "hole");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})", eight, "overlaps");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight,
                "stands twice");
  check_refused(R"({"__metadata__":{"a":"1"},"__metadata__":{"b":"2"}})", "", "__metadata__ stands twice");
  check_refused(R"({"__metadata__":{},"__metadata__":{"b":"2"}})", "", "__metadata__ stands twice");
  check_refused(R"({"__metadata__":{"a":"1","a":"2"}})", "", "metadata key a stands twice");
  check_refused(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four, "repeated key");
  check_refused(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", four, "not negative");
  check_refused(R"({"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,0]}})", "", "too large");
  check_refused(R"({"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,0]}})", "", "too large");
  check_refused(R"({"a":{"dtype":"F32","shape":[1]}})", four, "lacks");
  check_refused(R"({"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}})", four, "leading zero");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} x)", four, "behind the header");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})", four, "expected");
  check_refused("{\"a\nb\":{}}", "", "control character");
  check_refused("{\"a\x1b[31m\xff\":{}}", "", "not UTF-8");
  for (const char* name : {"\\ud800", "\\udc00", "\\ud800x", "\\ud800\\n", "\\ud800\\ud800", "\\udc00\\ud800"})
    check_refused(std::string("{\"") + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four, "half a surrogate pair");
  for (const char* value : {"", "tru", "-", "01", "1.", ".5", "1e", "+1", "'a'", "[1,]", "{\"a\"}", "{\"a\":1,}", "\"\\x\"", "\"\\u12g4\"", "nan"})
    check_refused(std::string(R"({"a":{"extra":)") + value + R"(,"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four, "header byte");
  for (const char* entry : {"null", "1", "[]", R"(["F32",[1],[0,4],1])", R"(["F32",[1]])"})
    check_refused(std::string("{\"a\":") + entry + "}", four, "expected");
  for (const char* metadata : {"[]", "1", R"({"a":1})", R"({"a":null})"})
    check_refused(std::string("{\"__metadata__\":") + metadata + "}", "", "expected");
  check_refused(R"({"__metadata__":null,"__metadata__":null})", "", "__metadata__ stands twice");
  check_refused(R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", four, "expected");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}})", four, "not two numbers");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", four, "need 4");
  check_refused(R"({"a":{"dtype":"F32","shape":[9223372036854775807,2,0],"data_offsets":[0,0]}})", "", "too large");
  check_refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}})", eight, "overlaps");
  check_refused("\xef\xbb\xbf{}", "", "expected '{'");
  check_refused("", "", "expected '{'");
  write_raw("{}", "", 1u << 30);
  CHECK_THROWS_WITH_AS(io::read_safetensors(path), doctest::Contains("header of"), error);
  write_raw("{}", "", ~std::uint64_t{0});
  CHECK_THROWS_AS(io::read_safetensors(path), error);
  std::ofstream(path, std::ios::binary) << "abc";
  CHECK_THROWS_WITH_AS(io::read_safetensors(path), doctest::Contains("shorter"), error);
  CHECK_THROWS_WITH_AS(io::read_safetensors("no/such/file"), doctest::Contains("cannot open"), error);
}
