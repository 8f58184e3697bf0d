#include <dcs/io/npy.hpp>

#include <doctest/doctest.h>

#include <fstream>

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

TEST_CASE("npy: what is written is read") {
  check_round_trip(tensor<double, shape<dyn<"n">, 3>>::full({5, 3}, 1.25));
  check_round_trip(tensor<std::uint8_t, shape<4>>::from(std::vector<std::uint8_t>{0, 1, 128, 255}));
  check_round_trip(tensor<f16, shape<1, 1, 1, 2>>::from(std::vector<f16>{f16(1.5f), f16(-2.0f)}));
  check_round_trip(tensor<float, shape<dyn<"n">, 7>>::zeros({0, 7}));
  put(file("{\"shape\": (2,), 'fortran_order': False, 'descr': '<f4'}", "12341234", 2));
  CHECK(io::read_npy<float, shape<2>>(path).sizes()[0] == 2);
  CHECK_THROWS_WITH_AS(io::write_npy("no/such/folder.npy", tensor<float, shape<1>>::zeros()), doctest::Contains("no/such/folder.npy"), error);
  std::remove(path.c_str());
}

TEST_CASE("npy: everything else is refused") {
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
  check_refused(file(dictionary("<f8", "False", "(1,)"), four + four), "elements of <f8; expected <f4");
  check_refused(file(dictionary(">f4", "False", "(1,)"), four), "elements of >f4");
  check_refused(file(dictionary("<f4", "False", "(1, 1)"), four), "2 axes; expected 1");
  check_refused(file(dictionary("<f4", "Maybe", "(1,)"), four), "True or False");
  check_refused(file(dictionary("<f4", "False", "(-1,)"), four), "not negative");
  check_refused(file(dictionary("<f4", "False", "(99999999999999999999,)"), four), "too large");
  check_refused(file(dictionary("<f4", "False", "(4611686018427387904,)"), four), "too large");
  check_refused(file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", four), "repeated key");
  check_refused(file("{'descr': '<f4', 'shape': (1,)}", four), "missing");
  check_refused(file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", four), "expected a string");
  check_refused(file(dictionary("<f4", "False", "(1,)") + " x", four), "behind the dictionary");
  put(file(dictionary("<f4", "True", "(1, 1)"), four));
  CHECK_THROWS_WITH_AS((io::read_npy<float, shape<1, 1>>(path)), doctest::Contains("Fortran order"), error);
  put(file(dictionary("<f4", "False", "(1,)"), four));
  CHECK_THROWS_WITH_AS((io::read_npy<float, shape<2>>(path)), doctest::Contains("do not fit"), error);
  CHECK_THROWS_WITH_AS((io::read_npy<float, shape<2>>("no_such.npy")), doctest::Contains("cannot open no_such.npy"), error);
  std::remove(path.c_str());
}
