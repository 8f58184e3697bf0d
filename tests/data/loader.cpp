// Batches of a data loader: the same with any number of threads; what is made ahead; errors where a batch is asked for; an end at any time.
#include <dcs/data/folder.hpp>
#include <dcs/data/loader.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>

using namespace dcs;

namespace {

/// Images of noise with a square, each another. Loading takes up to `slowest` milliseconds, the number `broken` fails, and loads are counted.
struct squares {
  std::int64_t count = 11, broken = -1;
  int slowest = 0;
  std::shared_ptr<std::atomic<int>> loads = std::make_shared<std::atomic<int>>(0);

  std::int64_t size() const { return count; }
  sample load(std::int64_t i) const {
    if (slowest > 0) std::this_thread::sleep_for(std::chrono::milliseconds((i * 7 + 3) % slowest));
    ++*loads;
    if (i == broken) fail("sample ", i, " is damaged");
    sample s{"square " + std::to_string(i), {16, 16, 3, std::vector<float>(16 * 16 * 3)}, {16, 16, std::vector<std::uint8_t>(256, 0)}, 16, 16};
    const random_stream r{5, static_cast<std::uint64_t>(i)};
    for (std::size_t p = 0; p < s.pixels.pixels.size(); ++p) s.pixels.pixels[p] = 255 * r.uniform(p);
    for (std::size_t y = 3; y < 9; ++y)
      for (std::size_t x = 2; x < 7; ++x) s.truth.pixels[y * 16 + x + static_cast<std::size_t>(i) % 5] = 1;
    return s;
  }
};

std::vector<float> values(const batch& b) {
  std::vector<float> v(b.images.data(), b.images.data() + b.images.size());
  v.insert(v.end(), b.masks.data(), b.masks.data() + b.masks.size());
  v.insert(v.end(), b.objects.data(), b.objects.data() + b.objects.size());
  for (const auto& boxes : b.boxes)
    for (const auto& x : boxes) v.insert(v.end(), {x.x1, x.y1, x.x2, x.y2});
  return v;
}

using epoch_values = std::vector<std::vector<float>>;
epoch_values augmented_epoch(const squares& data, const loader_options& o, int epoch) {
  const data_loader loader(data, o, to_batch{normalisation{}, augment_options{}});
  epoch_values all;
  for (const batch& b : loader.epoch(epoch)) all.push_back(values(b));
  return all;
}

/// Names of samples, joined.
struct names {
  std::string operator()(const std::vector<drawn<sample>>& samples) const {
    std::string all;
    for (const auto& s : samples) all += s.value.name + "/" + std::to_string(s.number) + " ";
    return all;
  }
};

/// Waits until `reached` or two seconds are over.
template <class F>
bool soon(const F& reached) {
  for (int i = 0; i < 2000 && !reached(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return reached();
}

}  // namespace

TEST_CASE("batches have the same bits with 0, 1, 2 and 4 threads at any pace, and are those made by hand") {
  const squares data;
  for (const int epoch : {0, 3}) {
    const loader_options one{.batch = 4, .seed = 9, .threads = 1};
    const epoch_values expected = augmented_epoch(data, one, epoch);
    REQUIRE(expected.size() == 3);
    const random_stream random = random_stream{9, 0}.child(static_cast<std::uint64_t>(epoch));
    const auto order = data_loader(data, one).order(epoch);
    for (std::size_t k = 0; k < expected.size(); ++k) {
      std::vector<sample> samples;
      for (std::size_t i = 4 * k; i < std::min<std::size_t>(4 * k + 4, 11); ++i) {
        samples.push_back(data.load(order[i]));
        augment({}, samples.back().pixels, samples.back().truth, random.child(2).child(static_cast<std::uint64_t>(order[i])));
      }
      CHECK(values(make_batch(samples, {})) == expected[k]);
    }
    squares slow = data;
    slow.slowest = 5;
    for (const int threads : {0, 1, 2, 4})
      for (const int ahead : {0, 1, 3}) {
        CAPTURE(threads);
        CAPTURE(ahead);
        CHECK(augmented_epoch(slow, {.batch = 4, .seed = 9, .threads = threads, .ahead = ahead}, epoch) == expected);
      }
  }
  CHECK(augmented_epoch(data, {.seed = 9}, 0) != augmented_epoch(data, {.seed = 9}, 1));
  CHECK(augmented_epoch(data, {.seed = 9}, 0) != augmented_epoch(data, {.seed = 8}, 0));
}

TEST_CASE("the order of an epoch is a permutation by seed and epoch, or that of the numbers") {
  const squares data{.count = 40};
  const data_loader shuffled(data, {.seed = 1}), again(data, {.batch = 7, .seed = 1, .threads = 3}), other(data, {.seed = 2});
  const data_loader plain(data, {.seed = 1, .shuffle = false});
  std::vector<std::int64_t> numbers(40);
  std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
  CHECK(plain.order(0) == numbers);
  CHECK(plain.order(5) == numbers);
  for (const int epoch : {0, 1, 2}) {
    auto order = shuffled.order(epoch);
    CHECK(order == again.order(epoch));
    CHECK(order != other.order(epoch));
    CHECK(order != shuffled.order(epoch + 1));
    std::sort(order.begin(), order.end());
    CHECK(order == numbers);
  }
}

TEST_CASE("the last batch is smaller, or left out") {
  const auto read = [](std::int64_t count, loader_options o) {
    const squares data{.count = count};
    o.batch = 3, o.shuffle = false;
    const data_loader loader(data, o, names{});
    std::vector<std::string> all;
    for (const auto& s : loader.epoch(0)) all.push_back(s);
    CHECK(static_cast<std::int64_t>(all.size()) == loader.size());
    return all;
  };
  CHECK(read(5, {}) == std::vector<std::string>{"square 0/0 square 1/1 square 2/2 ", "square 3/3 square 4/4 "});
  CHECK(read(5, {.drop_last = true}) == std::vector<std::string>{"square 0/0 square 1/1 square 2/2 "});
  CHECK(read(6, {.drop_last = true}).size() == 2);
  CHECK(read(2, {.drop_last = true}).empty());
  CHECK(read(0, {}).empty());
  CHECK(read(0, {.threads = 0}).empty());
}

TEST_CASE("an error is thrown where its batch is asked for, and the next batch can be asked for") {
  const squares data{.count = 9, .broken = 4, .slowest = 4};
  for (const int threads : {0, 1, 2, 4}) {
    CAPTURE(threads);
    const data_loader loader(data, {.batch = 2, .shuffle = false, .threads = threads, .ahead = 5}, names{});
    auto batches = loader.epoch(0);
    CHECK(batches.size() == 5);
    CHECK(batches.next() == "square 0/0 square 1/1 ");
    CHECK(batches.next() == "square 2/2 square 3/3 ");
    CHECK_THROWS_WITH_AS((void)batches.next(), "sample 4 is damaged", error);
    CHECK(batches.next() == "square 6/6 square 7/7 ");
    CHECK(batches.next() == "square 8/8 ");
    CHECK_FALSE(batches.next());
    CHECK_FALSE(batches.next());
    int read = 0;
    const auto all = [&] {
      for (const auto& b : loader.epoch(0)) read += !b.empty();
    };
    CHECK_THROWS_WITH_AS(all(), "sample 4 is damaged", error);
    CHECK(read == 2);
  }
  const data_loader unequal(data, {.batch = 9}, [](const std::vector<drawn<sample>>&) -> int { fail("no batch of these"); });
  CHECK_THROWS_WITH_AS((void)unequal.epoch(0).next(), doctest::Contains("is damaged"), error);
  const squares whole;
  const data_loader uncollated(whole, {}, [](const std::vector<drawn<sample>>&) -> int { fail("no batch of these"); });
  CHECK_THROWS_WITH_AS((void)uncollated.epoch(0).next(), "no batch of these", error);
}

TEST_CASE("a broken file among others: its name, and no waiting for ever") {
  const auto root = std::filesystem::temp_directory_path() / ("dcs_loader_test_" + std::to_string(reinterpret_cast<std::uintptr_t>(&values)));
  std::filesystem::create_directories(root / "train/images");
  std::filesystem::create_directories(root / "train/masks");
  for (const char* name : {"a.png", "b.png", "c.png", "d.png"})
    for (const char* kind : {"images", "masks"}) io::write_png((root / "train" / kind / name).string(), {8, 8, 1, std::vector<std::uint8_t>(64, 90)});
  std::filesystem::resize_file(root / "train/images/c.png", 60);
  const folder_dataset data(root.string(), "train", 8);
  const data_loader loader(data, {.batch = 1, .shuffle = false, .threads = 2, .ahead = 4});
  auto batches = loader.epoch(0);
  CHECK(batches.next()->images.sizes()[1] == 8);
  CHECK(batches.next());
  CHECK_THROWS_WITH_AS((void)batches.next(), doctest::Contains("c.png"), error);
  CHECK(batches.next());
  CHECK_FALSE(batches.next());
  std::filesystem::remove_all(root);
}

TEST_CASE("as many batches as are asked for are made ahead, and no more") {
  const squares data{.count = 40};
  const data_loader loader(data, {.batch = 2, .threads = 2, .ahead = 3}, names{});
  auto batches = loader.epoch(0);
  CHECK(soon([&] { return *data.loads == 6; }));  // before any is asked for
  CHECK(batches.next());
  CHECK(soon([&] { return *data.loads == 8; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(*data.loads == 8);

  const squares unread{.count = 40};
  const data_loader lazy(unread, {.batch = 2, .threads = 0}, names{});
  auto made_here = lazy.epoch(0);
  CHECK(*unread.loads == 0);
  CHECK(made_here.next());
  CHECK(*unread.loads == 2);
}

TEST_CASE("an epoch may end at any batch") {
  for (const int read : {0, 1, 3})
    for (const int threads : {0, 1, 2, 4}) {
      const squares data{.count = 40, .broken = 7, .slowest = 3};
      const data_loader loader(data, {.batch = 2, .shuffle = false, .threads = threads, .ahead = 2}, names{});
      {
        auto batches = loader.epoch(0);
        for (int i = 0; i < read; ++i) CHECK(batches.next());
      }
      const int begun = *data.loads;
      CHECK(begun <= 2 * (read + std::max(threads, 2)));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      CHECK(*data.loads == begun);  // no thread is left
    }
}

TEST_CASE("a source of other samples with a collate function of its own") {
  struct labelled {
    std::int64_t size() const { return 5; }
    std::pair<float, int> load(std::int64_t i) const { return {static_cast<float>(i) / 2, static_cast<int>(i) % 3}; }
  } data;
  static_assert(sample_source<labelled> && !dataset<labelled>);
  const data_loader loader(data, {.batch = 2, .shuffle = false}, [](const std::vector<drawn<std::pair<float, int>>>& samples) {
    const auto count = static_cast<extent_t>(samples.size());
    auto x = tensor<float, shape<dyn<"batch">>>::empty({count});
    std::vector<int> labels;
    for (extent_t i = 0; i < count; ++i) {
      const auto& s = samples[static_cast<std::size_t>(i)];
      x(i) = s.value.first + s.random.uniform(0);
      labels.push_back(s.value.second);
    }
    return std::pair(x, labels);
  });
  std::vector<int> labels;
  std::vector<float> first, second;
  for (const auto& [x, l] : loader.epoch(0))
    labels.insert(labels.end(), l.begin(), l.end()), first.insert(first.end(), x.data(), x.data() + x.size());
  for (const auto& [x, l] : loader.epoch(1)) second.insert(second.end(), x.data(), x.data() + x.size());
  CHECK(labels == std::vector<int>{0, 1, 2, 0, 1});
  CHECK(first != second);  // an epoch draws anew
  for (std::size_t i = 0; i < 5; ++i) CHECK((first[i] >= static_cast<float>(i) / 2 && first[i] < static_cast<float>(i) / 2 + 1));
}

TEST_CASE("numbers out of range") {
  const squares data;
  CHECK_THROWS_WITH_AS(data_loader(data, {.batch = 0}), "dcs::data_loader: batches of 0 samples; expected at least 1", error);
  CHECK_THROWS_WITH_AS(data_loader(data, {.threads = -1}), "dcs::data_loader: -1 threads; expected 0 to 1024", error);
  CHECK_THROWS_WITH_AS(data_loader(data, {.ahead = -2}), "dcs::data_loader: -2 batches ahead; expected at least 0", error);
  CHECK_THROWS_WITH_AS(prefetched<int>(-1, [](std::int64_t) { return 1; }), doctest::Contains("dcs::prefetched: -1 values"), error);
}

TEST_CASE("parts of a batch are loaded alone, and are together the batch") {
  const squares data;
  const auto epoch = [&](const loader_options& o) {
    const data_loader loader(data, o, names{});
    std::vector<std::string> all;
    for (const std::string& b : loader.epoch(2)) all.push_back(b);
    return all;
  };
  const auto whole = epoch({.batch = 4, .seed = 9});
  loader_options first{.batch = 4, .seed = 9}, rest = first;
  // Of the last batch, of three samples, the first part is empty.
  first.own = [](std::int64_t samples) { return std::pair<std::int64_t, std::int64_t>(0, samples == 4 ? 1 : 0); };
  rest.own = [](std::int64_t samples) { return std::pair<std::int64_t, std::int64_t>(samples == 4 ? 1 : 0, samples); };
  *data.loads = 0;
  const auto a = epoch(first);
  CHECK(*data.loads == 2);
  const auto b = epoch(rest);
  CHECK(*data.loads == 2 + 9);
  REQUIRE(a.size() == whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) CHECK(a[i] + b[i] == whole[i]);
  CHECK(a.back().empty());
}
