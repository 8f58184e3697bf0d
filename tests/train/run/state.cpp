// What a run reads of its configuration and of its checkpoint's metadata: everything is checked as the flags are.
#include <dcs/train/run/state.hpp>

#include "scratch.hpp"

using namespace dcs;

namespace {

// The width of the widest box, and twice that.
std::vector<double> widest(const std::vector<box<float>>& boxes) {
  double width = 0;
  for (const auto& b : boxes) width = std::max(width, static_cast<double>(b.width()));
  return {width, 2 * width};
}

// Options of a network, one of each kind.
struct options {
  int box_samples = 512;
  bool truth_regions = false;
  double dice = 1;
  std::array<double, 2> scales{32, 64};
  template <class Self, class Field>
  static void fields(Self& o, Field&& field) {
    field("box_samples", o.box_samples, bounds{4, 2000}, "boxes");
    field("truth_regions", o.truth_regions, "regions");
    field("dice", o.dice, bounds{0.0, 10.0}, "weight");
    field("scales", o.scales, bounds{1.0, 100.0}, "scales", chosen_from_boxes{&widest});
  }
};
std::vector<network_option> own_options() { return listed_options(options{}); }

run_config config() {
  run_config c;
  c.network = own_options();
  c.data = "/sets/brain", c.data_fingerprint = "0123456789abcdef";
  return c;
}
// The message of a configuration in which one key's text is another.
std::string reading(const std::string& key, const std::string& value) {
  const json j = to_json(config());
  std::string text = "{";
  for (const auto& [k, v] : j.items()) text += (text == "{" ? "\"" : ",\"") + k + "\":" + (k == key ? value : v.dump());
  if (!j.contains(key)) text += ",\"" + key + "\":" + value;
  return message_of([&] { config_of(parse_json(text + "}", "config.json"), "config.json", own_options()); });
}

using strings = std::map<std::string, std::string>;
// After three epochs, of which the second was the best.
strings metadata() {
  run_state s(config());
  s.epochs = 3, s.rate = 1e-4, s.plateau.best = 0.5, s.plateau.since_best = s.plateau.since_change = 1;
  return s.metadata(config());
}
std::string reading_state(const std::string& key, const std::string& value) {
  strings m = metadata();
  m[key] = value;
  return message_of([&] { run_state::of(m, config(), "last.safetensors"); });
}

}  // namespace

TEST_CASE("a configuration is read back") {
  run_config c = config();
  c.seed = ~std::uint64_t{0}, c.rate = 0.1, c.backbone_rate = 0.1, c.decay_norms = false, c.oversample_small = 0.5, c.copy_paste = 0.25,
  c.data = "/sets/p\xeb\\x\n", c.augment = false, c.native_targets = true;
  const auto read = config_of(parse_json(to_json(c).dump(2), ""), "", own_options());
  CHECK(to_json(read) == to_json(c));
  CHECK(read.data == c.data);
  CHECK((read.rate == 0.1 && read.native_targets));
  CHECK(differing_key(read, c) == "");
}

TEST_CASE("a network's options are read back, and given to it") {
  run_config c = config();
  options o;
  o.box_samples = 64, o.truth_regions = true, o.dice = 0.25, o.scales = {8, 16.5};
  c.network = listed_options(o);
  const auto read = config_of(parse_json(to_json(c).dump(), ""), "", own_options());
  const auto given = assigned_options(options{}, read.network);
  CHECK(given.box_samples == 64);
  CHECK(given.truth_regions);
  CHECK(given.dice == 0.25);
  CHECK(given.scales == o.scales);
  CHECK(differing_key(read, c) == "");
  CHECK(differing_key(read, config()) == "box_samples");
}

TEST_CASE("an option that says how is chosen from boxes; another is not") {
  run_config c = config();
  CHECK(!wants_boxes(c.network));
  auto& scales = c.network.back();
  REQUIRE(scales.name == "scales");
  scales.automatic = true;
  CHECK(wants_boxes(c.network));
  choose_from_boxes(scales, {{0, 0, 3, 9}, {1, 1, 6, 2}});
  CHECK(!wants_boxes(c.network));
  CHECK(assigned_options(options{}, c.network).scales == std::array<double, 2>{5, 10});
  CHECK(to_json(c).at("scales") == json{5.0, 10.0});
  CHECK(says(message_of([&] { choose_from_boxes(c.network.front(), {}); }), c.network.front().name + " cannot be chosen from boxes"));
}

TEST_CASE("a network's option has a name that no number of a run has") {
  run_config c = config();
  for (const char* taken : {"rate", "seed", "optimizer"}) {
    c.network[0].name = taken;
    CHECK(says(message_of([&] { to_json(c); }), std::string("is named ") + taken));
  }
}

TEST_CASE("a configuration's values are what the flags accept") {
  const std::pair<const char*, std::vector<const char*>> wrong[] = {{"side", {"-64", "0", "80", "4096", "64.5", "\"64\"", "null", "1e300", "[64]"}},
                                                                    {"epochs", {"0", "-1", "100001", "1.5", "true"}},
                                                                    {"batch", {"0", "1025"}},
                                                                    {"seed", {"-1", "0.5", "18446744073709551616"}},
                                                                    {"rate", {"0", "-1", "11", "1e999", "\"nan\"", "null"}},
                                                                    {"weight_decay", {"-0.1", "11"}},
                                                                    {"backbone_rate", {"-0.1", "11", "\"1\""}},
                                                                    {"decay_norms", {"0", "\"true\"", "null"}},
                                                                    {"oversample_small", {"-0.1", "4.5", "\"1\""}},
                                                                    {"copy_paste", {"-0.1", "1.5", "true"}},
                                                                    {"patience", {"0", "1e3"}},
                                                                    {"stop_after", {"0"}},
                                                                    {"images", {"-1", "1000000001"}},
                                                                    {"box_samples", {"3", "2001"}},
                                                                    {"augment", {"1", "\"true\"", "null"}},
                                                                    {"instances", {"1", "\"true\"", "null"}},
                                                                    {"native_targets", {"1", "\"true\"", "null"}},
                                                                    {"rate_schedule", {"0", "\"never\""}},
                                                                    {"optimizer", {"\"adam\""}},
                                                                    {"truth_regions", {"0", "null"}},
                                                                    {"dice", {"-1", "11", "true"}},
                                                                    {"scales", {"32", "[32]", "[32, 64, 128]", "[0, 64]", "[32, \"64\"]"}},
                                                                    {"net", {"1", "null"}},
                                                                    {"data", {"\"\"", "1", "\"a\\u0000b\"", "\"a\\\\b\""}},
                                                                    {"data_fingerprint", {"1"}},
                                                                    {"unheard", {"1"}}};
  for (const auto& [name, values] : wrong)
    for (const char* value : values) {
      const std::string key = name;  // a structured binding cannot be captured
      CAPTURE(key);
      CAPTURE(value);
      CHECK(says(reading(key, value), "config.json: "));
    }
  CHECK(says(reading("unheard", "1"), "unknown key 'unheard'"));
  CHECK(says(reading("side", "80"), "side is 80; expected a multiple of 32"));
  const json whole = to_json(config());
  const std::set<std::string> younger{"data_fingerprint", "backbone_rate", "decay_norms", "native_targets", "oversample_small",
                                      "copy_paste",       "shards",        "sync_norm",   "fast_reduce"};  // earlier versions did not write them
  for (const auto& [key, value] : whole.items()) {
    json j = whole;
    j.erase(key);
    const auto m = message_of([&] { config_of(j, "config.json", own_options()); });
    CHECK((younger.count(key) != 0 ? m.empty() : says(m, "key '" + key + "' not found")));
  }
}

TEST_CASE("a key that stands twice is an error, at any depth; the same key of two objects is none") {
  CHECK(says(message_of([] { parse_json(R"({"a": 1, "b": 2, "a": 1})", "x"); }), "x: key 'a' stands twice"));
  CHECK(says(message_of([] { parse_json(R"({"a": [{"b": 1, "b": 2}]})", "x"); }), "key 'b' stands twice"));
  CHECK(message_of([] { parse_json(R"({"a": {"a": 1}, "b": {"a": 2}, "c": [{"a": 1}, {"a": 1}]})", "x"); }) == "");
  CHECK(says(message_of([] { parse_json("{\"a\": \"\xeb\"}", "x"); }), "x: "));
  CHECK(says(message_of([] { parse_json("", "x"); }), "x: "));
}

TEST_CASE("names of files as JSON: any bytes, one spelling each, and back") {
  CHECK(json_name("000001.png") == "000001.png");
  CHECK(json_name("pati\xebnt.png") == "pati\\xebnt.png");
  CHECK(json_name("pati\xc3\xabnt.png") == "pati\xc3\xabnt.png");
  CHECK(json_name("a\\xeb") == "a\\\\xeb");
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& name : {all, std::string("\xed\xa0\x80"), std::string("\\"), std::string("\xc3"), std::string()}) {
    CHECK(dcs::is_utf8(json_name(name)));
    CHECK(name_of_json(json_name(name)) == name);
    CHECK_NOTHROW((void)json(json_name(name)).dump());
  }
  for (const char* text : {"\\", "a\\", "\\x", "\\xe", "\\xg0", "\\x0g", "\\x41", "\\n"}) {
    CAPTURE(text);
    CHECK(says(message_of([&] { name_of_json(text); }), "a backslash"));
  }
}

TEST_CASE("paths are absolute, and links in them stay") {
  CHECK(absolute_path("") == "");
  CHECK(absolute_path("/a/./b//c") == "/a/b/c");
  const std::string here = std::filesystem::current_path().string();
  CHECK(absolute_path("set") == here + "/set");
  CHECK(absolute_path("./set") == here + "/set");
  CHECK(absolute_path("a/../set") == std::filesystem::weakly_canonical(here).string() + "/set");
}

TEST_CASE("the state of a run is read back to the same bits") {
  run_state s(config());
  s.epochs = 7, s.rate = 2e-4 / 3, s.plateau.best = 1.0 / 3, s.plateau.since_best = 5, s.plateau.since_change = 2;
  const auto read = run_state::of(s.metadata(config()), config(), "");
  CHECK(read.epochs == 7);
  CHECK(read.rate == s.rate);
  CHECK(read.plateau.best == s.plateau.best);
  CHECK(read.plateau.since_best == 5);
  CHECK(read.plateau.since_change == 2);
  CHECK(read.plateau.patience == config().patience);
  // No epoch's loss was a number.
  s.plateau.best = std::numeric_limits<double>::infinity(), s.plateau.since_best = 7;
  CHECK(run_state::of(s.metadata(config()), config(), "").plateau.best == s.plateau.best);
}

TEST_CASE("a state that no run could have come to is an error that names it") {
  const std::pair<const char*, std::vector<const char*>> wrong[] = {
      {"epoch", {"nan", "-5", "1.5", "1e300", "", " 1", "1x", "+1", "0x1", "100000", "99999999999999999999", "0"}},  // 0: since_best is 1
      {"rate", {"nan", "0", "-1e-4", "inf", "1e-4x", "", "1e999", "3e-4", "0.1"}},
      {"best_loss", {"nan", "inf", "-inf", "", "1,5", "1e999"}},
      {"since_best", {"-9", "3", "4", "nan", "", "1.0", "0"}},  // 0: since_change is 1
      {"since_change", {"-1", "2", "5", "x"}}};
  CHECK(reading_state("epoch", "2") == "");
  for (const auto& [name, values] : wrong) {
    const std::string key = name;
    for (const char* value : values) {
      CAPTURE(key);
      CAPTURE(value);
      CHECK(says(reading_state(key, value), "last.safetensors: "));
    }
    strings m = metadata();
    m.erase(key);
    CHECK(says(message_of([&] { run_state::of(m, config(), "last.safetensors"); }), "lacks " + key));
  }
  CHECK(says(reading_state("epoch", "1e300"), "epoch is 1e300; expected a whole number from 0 to 99999"));
}

TEST_CASE("a checkpoint of another configuration is an error that names the key; length and place of a run may change") {
  const auto comparing = [](const run_config& c) {
    return message_of([&] { expect_same_config(metadata(), "last.safetensors", c, "config.json"); });
  };
  run_config c = config();
  c.epochs = 7, c.data = "/elsewhere";
  CHECK(comparing(c) == "");
  c.rate = 1e-3;
  CHECK(says(comparing(c), "config.json: rate is 0.001, but last.safetensors was trained with 0.0002"));
  c = config(), c.augment = false;
  CHECK(says(comparing(c), "augment is false, but last.safetensors was trained with true"));
  c = config(), c.data_fingerprint = "";
  CHECK(says(comparing(c), "data_fingerprint"));
  strings m = metadata();
  m["config"] = "{}";
  CHECK(says(message_of([&] { expect_same_config(m, "last.safetensors", config(), "config.json"); }), "last.safetensors: config: "));
  m.erase("config");
  CHECK(says(message_of([&] { expect_same_config(m, "last.safetensors", config(), "config.json"); }), "lacks config"));
}

TEST_CASE("why a run has ended") {
  run_config c = config();
  c.epochs = 3;
  run_state s(c);
  CHECK(s.ended(c) == "");
  s.epochs = 2;
  CHECK(s.ended(c) == "");
  s.epochs = 3;
  CHECK(says(s.ended(c), "3 epochs are done, of 3"));
  c.epochs = 50, s.epochs = 30, s.plateau.since_best = c.stop_after;
  CHECK(says(s.ended(c), "not improved for 20 epochs"));
}
