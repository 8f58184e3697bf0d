#include "raw_safetensors.hpp"

#include <cmath>
#include <limits>

using namespace dcs;
using namespace raw;

TEST_CASE("safetensors: a written file is read back") {
  io::safetensors s;
  const float a[] = {1, 2, 3, 4, 5, 6};
  const double b = 7;
  const bf16 c[] = {bf16(1.5f), bf16(-2.0f)};
  s.put("a.weight", {2, 3}, a);
  s.put("b \"quoted\"\n", {}, &b);
  s.put("c", {2}, c);
  s.put("empty", {0, 4}, a);
  s.metadata["epoch"] = "3";
  io::write_safetensors(path, s);
  const auto r = io::read_safetensors(path);
  CHECK(r.tensors.size() == 4);
  CHECK(r.at("a.weight").shape == std::vector<std::int64_t>{2, 3});
  CHECK(r.at("a.weight").as<double>()[5] == 6);
  CHECK(r.at("b \"quoted\"\n").as<float>()[0] == 7);
  CHECK(r.at("c").as<float>()[1] == -2);
  CHECK(r.at("empty").count() == 0);
  CHECK(r.metadata.at("epoch") == "3");
  CHECK_THROWS_AS(r.at("d"), error);
}

namespace {

// A file of one tensor `a` with these bytes, read.
io::stored_tensor stored(const std::string& type, const std::string& shape, const std::string& bytes) {
  write_raw(R"({"a":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":[0,)" + std::to_string(bytes.size()) + "]}}", bytes);
  return io::read_safetensors(path).at("a");
}
double number(const std::string& type, const std::string& bytes) { return stored(type, "[1]", bytes).as<double>().at(0); }

template <class T>
std::string bytes_of(T v) {
  std::string s(sizeof v, '\0');
  std::memcpy(s.data(), &v, sizeof v);
  return s;
}

}  // namespace

TEST_CASE("safetensors: every element type is converted") {
  using namespace std::string_literals;
  CHECK(number("U8", "\xC8"s) == 200);
  CHECK(number("I8", "\xC8"s) == -56);
  CHECK(number("BOOL", "\x01"s) == 1);
  CHECK(number("I16", "\xFE\xFF"s) == -2);
  CHECK(number("U16", "\xFE\xFF"s) == 65534);
  CHECK(number("I32", "\xFE\xFF\xFF\xFF"s) == -2);
  CHECK(number("U32", "\xFE\xFF\xFF\xFF"s) == 4294967294.0);
  CHECK(number("I64", "\x03\0\0\0\0\0\0\x80"s) == doctest::Approx(-9.223372036854775805e18));
  CHECK(number("U64", "\0\0\0\0\0\0\0\x80"s) == 0x1p63);
  CHECK(number("F16", "\0\xC1"s) == -2.5);
  CHECK(number("BF16", "\x20\xC0"s) == -2.5);
  CHECK(number("F32", "\0\0\x20\xC0"s) == -2.5);
  CHECK(number("F64", "\0\0\0\0\0\0\x04\xC0"s) == -2.5);
}

TEST_CASE("safetensors: floats of eight bits") {
  // Of ml_dtypes: one, the largest, the smallest subnormal, the smallest normal number, and what is no number.
  struct {
    const char* type;
    unsigned one, largest, smallest, normal, nan;
    double of_largest, of_smallest, of_normal;
  } const types[] = {{"F8_E4M3", 0x38, 0x7E, 0x01, 0x08, 0x7F, 448, 0x1p-9, 0x1p-6},
                     {"F8_E5M2", 0x3C, 0x7B, 0x01, 0x04, 0x7E, 57344, 0x1p-16, 0x1p-14},
                     {"F8_E4M3FNUZ", 0x40, 0x7F, 0x01, 0x08, 0x80, 240, 0x1p-10, 0x1p-7},
                     {"F8_E5M2FNUZ", 0x40, 0x7F, 0x01, 0x04, 0x80, 57344, 0x1p-17, 0x1p-15},
                     {"F8_E8M0", 0x7F, 0xFE, 0x00, 0x01, 0xFF, 0x1p127, 0x1p-127, 0x1p-126}};
  for (const auto& t : types) {
    CAPTURE(t.type);
    const auto value = [&](unsigned byte) { return number(t.type, std::string(1, static_cast<char>(byte))); };
    CHECK(value(t.one) == 1);
    CHECK(value(t.largest) == t.of_largest);
    CHECK(value(t.smallest) == t.of_smallest);
    CHECK(value(t.normal) == t.of_normal);
    CHECK(std::isnan(value(t.nan)));
    if (std::string(t.type) != "F8_E8M0") CHECK(value(t.one | 0x80) == -1);
  }
  CHECK(std::isinf(number("F8_E5M2", "\x7C")));
}

TEST_CASE("safetensors: a type that is not converted is an error in as(), not in reading") {
  struct {
    const char *type, *shape;
    std::size_t bytes;
    std::int64_t count;
  } const types[] = {{"C64", "[3]", 24, 3}, {"F4", "[4]", 2, 4}, {"F6_E2M3", "[2,2]", 3, 4}, {"F6_E3M2", "[8]", 6, 8}};
  for (const auto& t : types) {
    const auto a = stored(t.type, t.shape, std::string(t.bytes, 'x'));
    CHECK(a.count() == t.count);
    CHECK_THROWS_WITH_AS(a.as<float>(), doctest::Contains((std::string("a holds ") + t.type).c_str()), error);
  }
  check_refused(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", "xx", "end within a byte");
}

TEST_CASE("safetensors: a value outside the range of the requested type is an error that names it") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double v : {1e30, -1e30, 0x1p63, infinity, -infinity, std::nan("")}) {
    const auto a = stored("F64", "[2]", bytes_of(1.0) + bytes_of(v));
    CAPTURE(v);
    CHECK_THROWS_WITH_AS(a.as<std::int64_t>(), doctest::Contains("element 1 of a is"), error);
    CHECK_THROWS_AS(a.as<std::uint8_t>(), error);
  }
  const auto whole = [](const std::string& type, const std::string& bytes) { return stored(type, "[1]", bytes).as<std::int64_t>().at(0); };
  CHECK(whole("F64", bytes_of(-0x1p63)) == std::numeric_limits<std::int64_t>::min());
  CHECK(whole("F64", bytes_of(-2.75)) == -2);
  CHECK(whole("U64", bytes_of((std::uint64_t{1} << 63) - 1)) == std::numeric_limits<std::int64_t>::max());
  CHECK_THROWS_WITH_AS(whole("U64", bytes_of(std::uint64_t{1} << 63)),
                       "dcs::safetensors: element 0 of a is 9223372036854775808, outside the range of int64", error);
  CHECK_THROWS_WITH_AS(whole("F32", bytes_of(1e30f)), doctest::Contains("is 1e+30"), error);
  const auto byte = [](const std::string& type, const std::string& bytes) { return int{stored(type, "[1]", bytes).as<std::uint8_t>().at(0)}; };
  CHECK(byte("I64", bytes_of(std::int64_t{255})) == 255);
  CHECK(byte("F32", bytes_of(255.9f)) == 255);
  CHECK(byte("F32", bytes_of(-0.9f)) == 0);
  for (const std::int64_t v : {256, -1}) CHECK_THROWS_AS(byte("I64", bytes_of(v)), error);
  CHECK_THROWS_AS(byte("F32", bytes_of(256.0f)), error);
  CHECK_THROWS_AS(byte("F32", bytes_of(-1.0f)), error);
  // Numbers that a smaller float has no place for; infinities and NaN stay what they are.
  const auto single = [](double v) { return stored("F64", "[1]", bytes_of(v)).as<float>().at(0); };
  const auto half = [](double v) { return float{stored("F64", "[1]", bytes_of(v)).as<f16>().at(0)}; };
  CHECK(single(3.4028235677973366e38 * (1 - 1e-15)) == std::numeric_limits<float>::max());
  CHECK_THROWS_WITH_AS(single(-1e300), doctest::Contains("is -1e+300, outside the range of f32"), error);
  CHECK_THROWS_AS(single(0x1.ffffffp127), error);
  CHECK(half(65519) == 65504);
  CHECK_THROWS_AS(half(65520), error);
  CHECK(std::isinf(single(infinity)));
  CHECK(std::isinf(half(-infinity)));
  CHECK(std::isnan(single(std::nan(""))));
}

TEST_CASE("safetensors: everything that the format's reference reader accepts is read") {
  const std::string four("\0\0\x20\xC0", 4);
  const auto read = [&](const std::string& header) {
    CAPTURE(header);
    write_raw(header, four);
    const auto file = io::read_safetensors(path);
    REQUIRE(file.tensors.size() == 1);
    CHECK(file.tensors.begin()->second.as<float>() == std::vector<float>{-2.5f});
    return file;
  };
  const std::string entry = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  CHECK(read("{\"\\ud83d\\ude00\":" + entry + "}").contains("\xF0\x9F\x98\x80"));
  CHECK(read("{\"\\uDBFF\\uDFFF\":" + entry + "}").contains("\xF4\x8F\xBF\xBF"));
  CHECK(read("{\"\\u00e9\\u20AC\\u0000\":" + entry + "}").contains(std::string("\xC3\xA9\xE2\x82\xAC\0", 6)));
  CHECK(read("{\"\\\"\\\\\\/\\b\\f\\n\\r\\t\x7f\":" + entry + "}").contains("\"\\/\b\f\n\r\t\x7f"));
  CHECK(read("{\"\":" + entry + "}").contains(""));
  CHECK(read(R"({"__metadata__":{"x":"\ud83d\ude00"},"a":)" + entry + "}").metadata.at("x") == "\xF0\x9F\x98\x80");
  CHECK(read(R"({"__metadata__":null,"a":)" + entry + "}").metadata.empty());
  CHECK(read(R"({"\u005f_metadata__":{"x":"y"},"a":)" + entry + "}").metadata.at("x") == "y");
  read(" \n{ \"a\" : " + entry + " }\t\r\n");
  read(R"({"a":["F32",[1],[0,4]]})");
  read(R"({"a":{"\u0064type":"F\u00332","shape":[1],"data_offsets":[0,4]}})");
  for (const char* value :
       {"1", "-0", "-1.5E+3", "0e99999", "true", "false", "null", R"("\u00e9")", "[]", "[ 1 , [2e-3], {} ]", R"({"a":[1,{"b":null}],"a":""})"})
    read(std::string(R"({"a":{"dtype":"F32","extra":)") + value + R"(,"extra":0,"shape":[1],"data_offsets":[0,4]}})");
  const auto nested = [](std::size_t n) {
    return R"({"a":{"dtype":"F32","extra":)" + std::string(n, '[') + std::string(n, ']') + R"(,"shape":[1],"data_offsets":[0,4]}})";
  };
  read(nested(125));
  check_refused(nested(126), four, "inside one another");
  check_refused(nested(1000000), four, "inside one another");
  // Sizes that are not read, since there is nothing of them.
  write_raw(R"({"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}})", "");
  CHECK(io::read_safetensors(path).at("a").count() == 0);
}

TEST_CASE("safetensors: files that the format's reference reader rejects are not written") {
  const float one = 1;
  const auto refused = [&](auto&& change, const char* words) {
    io::safetensors s;
    s.put("a", {1}, &one);
    change(s);
    CHECK_THROWS_WITH_AS(io::write_safetensors("not_written.tmp", s), doctest::Contains(words), error);
    CHECK(!std::ifstream("not_written.tmp"));
  };
  refused([&](auto& s) { s.put("__metadata__", {1}, &one); }, "__metadata__");
  for (const char* bad : {"\xff\xfe", "\xed\xa0\x80", "\xc3"}) {
    refused([&](auto& s) { s.put(bad, {1}, &one); }, "is not UTF-8");
    refused([&](auto& s) { s.metadata[bad] = ""; }, "is not UTF-8");
    refused([&](auto& s) { s.metadata["key"] = bad; }, "is not UTF-8");
  }
  refused([&](auto& s) { s.tensors["a"].type = "F31"; }, "unknown dtype F31");
  refused([&](auto& s) { s.tensors["a"].shape = {2}; }, "need 8");
  refused([&](auto& s) { s.tensors["a"].shape = {-1}; }, "below 0");
  refused([&](auto& s) { s.metadata["long"] = std::string(100'000'000, ' '); }, "the format's reader takes at most 100000000");
  CHECK_THROWS_WITH_AS(io::safetensors().put("a", {std::int64_t{1} << 61, 9}, &one), doctest::Contains("a is too large"), error);

  // Every element lies at a multiple of its size, whatever the names.
  io::safetensors s;
  const std::uint8_t byte = 7;
  const double wide = 2;
  s.put("a", {1}, &byte);
  s.put("b", {1}, &one);
  s.put("c", {1}, &wide);
  io::write_safetensors(path, s);
  const std::string bytes = io::read_bytes(path, "test", 10000);
  CHECK(bytes.find(R"("c":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]})") != bytes.npos);
  CHECK((bytes.size() - 13) % 8 == 0);
}
