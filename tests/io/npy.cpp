#include <dcs/io/npy.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include <sys/stat.h>

using namespace dcs;

namespace {

const std::string path = "npy_test.npy";

std::string file(const std::string& dictionary, const std::string& elements, char version = 1) {
  const std::size_t n = dictionary.size() + 1;
  std::string s = "\x93NUMPY";
  s += version, s += '\0', s += static_cast<char>(n & 255), s += static_cast<char>(n >> 8);
  if (version > 1) s += '\0', s += '\0';
  return s + dictionary + "\n" + elements;
}
void put(const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

void check_refused(const std::string& bytes, const char* words) {
  put(bytes);
  CAPTURE(bytes);
  CHECK_THROWS_WITH_AS((io::read_npy<float, shape<dyn<"n">>>(path)), doctest::Contains(words), error);
}

template <class T, class S>
void check_round_trip(const tensor<T, S>& t) {
  io::write_npy(path, t);
  const auto r = io::read_npy<T, S>(path);
  CHECK(r.sizes() == t.sizes());
  CHECK(std::equal(r.values().begin(), r.values().end(), t.values().begin()));
}

}  // namespace

TEST_CASE("npy: the bytes are NumPy's") {
  // numpy.save of numpy.arange(6, dtype="<f4").reshape(2, 3), of array([1, 2]) and of float64(2.5)
  const auto t = tensor<float, shape<2, 3>>::from(std::vector<float>{0, 1, 2, 3, 4, 5});
  auto written = [](const auto& x) {
    io::write_npy(path, x);
    std::ifstream f(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(f), {});
  };
  auto numpy = [](std::string dictionary, const void* elements, std::size_t bytes) {
    dictionary.resize(117, ' ');
    return std::string("\x93NUMPY\x01\x00v\x00", 10) + dictionary + "\n" + std::string(static_cast<const char*>(elements), bytes);
  };
  CHECK(written(t) == numpy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", t.data(), 24));
  const std::int64_t two[] = {1, 2};
  CHECK(written(tensor<std::int64_t, shape<2>>::from(two)) == numpy("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", two, 16));
  const double half[] = {2.5};
  CHECK(written(tensor<double, shape<>>::from(half)) == numpy("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", half, 8));
}

TEST_CASE("npy: a written file is read back") {
  check_round_trip(tensor<double, shape<dyn<"n">, 3>>::full({5, 3}, 1.25));
  check_round_trip(tensor<std::uint8_t, shape<4>>::from(std::vector<std::uint8_t>{0, 1, 128, 255}));
  check_round_trip(tensor<f16, shape<1, 1, 1, 2>>::from(std::vector<f16>{f16(1.5f), f16(-2.0f)}));
  check_round_trip(tensor<float, shape<dyn<"n">, 7>>::zeros({0, 7}));
  put(file("{\"shape\": (2,), 'fortran_order': False, 'descr': '<f4'}", "12341234", 2));
  CHECK(io::read_npy<float, shape<2>>(path).sizes()[0] == 2);
  CHECK_THROWS_WITH_AS(io::write_npy("no/such/folder.npy", tensor<float, shape<1>>::zeros()), doctest::Contains("no/such/folder.npy"), error);
  std::remove(path.c_str());
}

namespace {

// numpy.save of [[a, 0, 2], [3, 100, z]] with each dtype: the elements in C order and in Fortran order. a and z: -7 and the least for whole numbers
// with a sign, 1 and the greatest for those without, -1.5 and -0.25 for floats; the booleans are true but for the 0.
struct {
  const char *type, *c_order, *fortran_order;
} const numpy_files[] = {
    {"|b1", "010001010101", "010100010101"},
    {"|i1", "f90002036480", "f90300640280"},
    {"<i2", "f9ff00000200030064000080", "f9ff03000000640002000080"},
    {">i2", "fff900000002000300648000", "fff900030000006400028000"},
    {"<i4", "f9ffffff0000000002000000030000006400000000000080", "f9ffffff0300000000000000640000000200000000000080"},
    {">i4", "fffffff90000000000000002000000030000006480000000", "fffffff90000000300000000000000640000000280000000"},
    {"<i8", "f9ffffffffffffff00000000000000000200000000000000030000000000000064000000000000000000000000000080",
     "f9ffffffffffffff03000000000000000000000000000000640000000000000002000000000000000000000000000080"},
    {">i8", "fffffffffffffff900000000000000000000000000000002000000000000000300000000000000648000000000000000",
     "fffffffffffffff900000000000000030000000000000000000000000000006400000000000000028000000000000000"},
    {"|u1", "0100020364ff", "0103006402ff"},
    {"<u2", "01000000020003006400ffff", "01000300000064000200ffff"},
    {">u2", "00010000000200030064ffff", "00010003000000640002ffff"},
    {"<u4", "0100000000000000020000000300000064000000ffffffff", "0100000003000000000000006400000002000000ffffffff"},
    {">u4", "0000000100000000000000020000000300000064ffffffff", "0000000100000003000000000000006400000002ffffffff"},
    {"<u8", "01000000000000000000000000000000020000000000000003000000000000006400000000000000ffffffffffffffff",
     "01000000000000000300000000000000000000000000000064000000000000000200000000000000ffffffffffffffff"},
    {">u8", "00000000000000010000000000000000000000000000000200000000000000030000000000000064ffffffffffffffff",
     "00000000000000010000000000000003000000000000000000000000000000640000000000000002ffffffffffffffff"},
    {"<f2", "00be000000400042405600b4", "00be004200004056004000b4"},
    {">f2", "be000000400042005640b400", "be004200000056404000b400"},
    {"<f4", "0000c0bf0000000000000040000040400000c842000080be", "0000c0bf00004040000000000000c84200000040000080be"},
    {">f4", "bfc0000000000000400000004040000042c80000be800000", "bfc00000404000000000000042c8000040000000be800000"},
    {"<f8", "000000000000f8bf0000000000000000000000000000004000000000000008400000000000005940000000000000d0bf",
     "000000000000f8bf0000000000000840000000000000000000000000000059400000000000000040000000000000d0bf"},
    {">f8", "bff80000000000000000000000000000400000000000000040080000000000004059000000000000bfd0000000000000",
     "bff80000000000004008000000000000000000000000000040590000000000004000000000000000bfd0000000000000"},
};

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}
std::vector<double> expected(const std::string& type) {
  const char kind = type[1];
  const int bits = 8 * (type[2] - '0');
  if (kind == 'b') return {1, 0, 1, 1, 1, 1};
  if (kind == 'f') return {-1.5, 0, 2, 3, 100, -0.25};
  if (kind == 'i') return {-7, 0, 2, 3, 100, -std::ldexp(1.0, bits - 1)};
  return {1, 0, 2, 3, 100, std::ldexp(1.0, bits) - 1};
}
std::string dictionary_of(const std::string& type, bool fortran, const char* shape) {
  return "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
}

// Reads every file as T: those whose types are in `held` have NumPy's numbers, the others are refused.
template <class T>
void check_every_type(const std::string& held) {
  using matrix = shape<dyn<"rows">, 3>;
  for (const auto& f : numpy_files)
    for (const bool fortran : {false, true}) {
      CAPTURE(f.type);
      CAPTURE(fortran);
      put(file(dictionary_of(f.type, fortran, "(2, 3)"), from_hex(fortran ? f.fortran_order : f.c_order)));
      if (held.find(std::string(f.type).substr(1)) == std::string::npos) {
        CHECK_THROWS_WITH_AS((io::read_npy<T, matrix>(path)), doctest::Contains("can hold; "), error);
        continue;
      }
      const auto t = io::read_npy<T, matrix>(path);
      const auto want = expected(f.type);
      REQUIRE(t.size() == 6);
      for (std::size_t i = 0; i < 6; ++i) CHECK(t.values()[i] == static_cast<T>(want[i]));
    }
}

}  // namespace

TEST_CASE("npy: every simple type, byte order and order of axes that NumPy writes") {
  check_every_type<double>("b1 i1 i2 i4 u1 u2 u4 f2 f4 f8");
  check_every_type<float>("b1 i1 i2 u1 u2 f2 f4");
  check_every_type<f16>("b1 i1 u1 f2");
  check_every_type<std::int64_t>("b1 i1 i2 i4 i8 u1 u2 u4");
  check_every_type<std::uint8_t>("b1 u1");
  std::remove(path.c_str());
}

TEST_CASE("npy: three axes in Fortran order, more elements than a block of reading, versions 2 and 3") {
  // numpy.asfortranarray(numpy.arange(24, dtype=">i2").reshape(2, 3, 4))
  put(file(dictionary_of(">i2", true, "(2, 3, 4)"),
           from_hex("0000000c00040010000800140001000d00050011000900150002000e00060012000a00160003000f00070013000b0017"), 2));
  const auto t = io::read_npy<std::int64_t, shape<2, 3, 4>>(path);
  for (std::int64_t i = 0; i < 24; ++i) CHECK(t.data()[i] == i);
  std::string many;
  for (int i = 0; i < 100000; ++i) many += static_cast<char>(i >> 8 & 255), many += static_cast<char>(i & 255);
  put(file(dictionary_of(">u2", false, "(100000,)"), many, 3));
  const auto long_one = io::read_npy<float, shape<dyn<"n">>>(path);
  bool same = true;
  for (std::int64_t i = 0; i < 100000; ++i) same = same && long_one.data()[i] == static_cast<float>(i & 65535);
  CHECK(same);
  put(file(dictionary_of("<i8", true, "(0, 3)"), ""));
  CHECK(io::read_npy<std::int64_t, shape<dyn<"n">, 3>>(path).size() == 0);
  put(file(dictionary_of("=f4", true, "()"), "1234"));
  CHECK(io::read_npy<float, shape<>>(path).size() == 1);
  std::remove(path.c_str());
}

TEST_CASE("npy: everything else is an error") {
  const std::string four(4, 'x');
  auto dictionary = [](const char* type, const char* order, const char* shape) {
    return std::string("{'descr': '") + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  };
  put(file(dictionary("<f4", "False", "(1,)"), four));
  CHECK(io::read_npy<float, shape<dyn<"n">>>(path).size() == 1);
  check_refused("", "not a .npy file");
  check_refused("\x93NUMPX 0123456789", "not a .npy file");
  check_refused(file(dictionary("<f4", "False", "(1,)"), four, 4), "version 4.0");
  check_refused(file(dictionary("<f4", "False", "(1,)"), four).substr(0, 30), "cut off");
  check_refused(file(dictionary("<f4", "False", "(1,)"), ""), "0 bytes of elements; its shape needs 4");
  check_refused(file(dictionary("<f4", "False", "(1,)"), four + "y"), "5 bytes of elements");
  check_refused(file(dictionary("<f4", "False", "(2,)"), four), "its shape needs 8");
  check_refused(file(dictionary("<f8", "False", "(1,)"), four + four),
                "elements of <f8, not all of which f32 can hold; read them as f64, or save the array's astype('<f4')");
  check_refused(file(dictionary("<i4", "False", "(1,)"), four), "read them as f64 or i64, or save the array's astype('<f4')");
  check_refused(file(dictionary("<u8", "False", "(1,)"), four + four), "f32 can hold; save the array's astype('<f4')");
  for (const char* complex : {"<c8", ">c16"})
    check_refused(file(dictionary(complex, "False", "(1,)"), four + four), "complex numbers; save numpy.real and numpy.imag");
  for (const char* other : {"<U1", "|S4", "|V4", "|O", "<M8[ns]", "<f16", "<f3", "<f1", "|b4", "", "<", "f", "\\x1b"})
    check_refused(file(dictionary(other, "False", "(1,)"), four), "which are not read; save the array's astype('<f4')");
  check_refused(file(dictionary("<f4", "False", "(1, 1)"), four), "2 axes; expected 1");
  check_refused(file(dictionary("<f4", "Maybe", "(1,)"), four), "True or False");
  check_refused(file(dictionary("<f4", "False", "(-1,)"), four), "not negative");
  check_refused(file(dictionary("<f4", "False", "(1)"), four), "no end of the tuple");
  check_refused(file(dictionary("<f4", "False", "(01,)"), four), "leading zero");
  check_refused(file("{'\x1b[31m': '<f4'}", four), "key \\x1b[31m");
  check_refused(file(dictionary("<f4", "False", "(99999999999999999999,)"), four), "too large");
  check_refused(file(dictionary("<f4", "False", "(4611686018427387904,)"), four), "too large");
  check_refused(file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", four), "repeated key");
  check_refused(file("{'descr': '<f4', 'shape': (1,)}", four), "missing");
  check_refused(file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", four), "expected a string");
  check_refused(file(dictionary("<f4", "False", "(1,)") + " x", four), "behind the dictionary");
  put(file(dictionary("<f4", "False", "(1,)"), four));
  CHECK_THROWS_WITH_AS((io::read_npy<float, shape<2>>(path)), doctest::Contains("do not fit"), error);
  CHECK_THROWS_WITH_AS((io::read_npy<float, shape<2>>("no_such.npy")), doctest::Contains("cannot open no_such.npy: No such file"), error);
  std::remove(path.c_str());
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_THROWS_WITH_AS((io::read_npy<float, shape<2>>(path)), doctest::Contains("a FIFO, socket or device"), error);
  std::remove(path.c_str());
}
