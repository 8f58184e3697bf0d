// A run's configuration, and its file format: config.json, and the copy of it in every checkpoint. A value that a flag would not accept is refused in
// a file too. The network's own options (nn/options.hpp) are entries like the others, under their names.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/io/file.hpp>
#include <dcs/io/names.hpp>
#include <dcs/nn/options.hpp>
#include <dcs/optim/optimizer.hpp>
#include <dcs/optim/schedule.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <set>
#include <string>
#include <variant>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

using json = nlohmann::json;

/// A type-erased option of a network: its name, range and value; where it can be chosen from the boxes of a training set, how, and whether it is to
/// be.
struct network_option {
  std::string name, help;
  double low = 0, high = 0;  // of numbers
  std::variant<bool, std::int64_t, double, std::vector<double>> value;
  chosen_from_boxes from_boxes{};
  bool automatic = false;
};

/// The options of a network, in the order of its fields.
template <class Options>
std::vector<network_option> listed_options(const Options& o) {
  std::vector<network_option> list;
  if constexpr (has_fields<Options>)
    Options::fields(o, [&]<class T, class... Rest>(const char* name, const T& value, const Rest&... rest) {
      network_option n;
      n.name = name;
      const auto take = [&]<class R>(const R& r) {
        if constexpr (std::is_convertible_v<R, std::string>)
          n.help = r;
        else if constexpr (std::is_same_v<R, chosen_from_boxes>)
          n.from_boxes = r;
        else
          n.low = static_cast<double>(r.low), n.high = static_cast<double>(r.high);
      };
      (take(rest), ...);
      if constexpr (std::is_same_v<T, bool>)
        n.value = value;
      else if constexpr (std::is_integral_v<T>)
        n.value = static_cast<std::int64_t>(value);
      else if constexpr (std::is_floating_point_v<T>)
        n.value = static_cast<double>(value);
      else
        n.value = std::vector<double>(value.begin(), value.end());
      list.push_back(std::move(n));
    });
  return list;
}
/// Whether an option of the list is to be chosen from boxes.
inline bool wants_boxes(const std::vector<network_option>& list) {
  return std::any_of(list.begin(), list.end(), [](const network_option& o) { return o.automatic; });
}
/// Chooses an option's numbers from the boxes of a training set's objects.
inline void choose_from_boxes(network_option& o, const std::vector<box<float>>& boxes) {
  expect(o.from_boxes.choose != nullptr, "dcs::run: ", o.name, " cannot be chosen from boxes; expected a value");
  o.value = o.from_boxes.choose(boxes), o.automatic = false;
}

/// The options with values from a list of listed_options.
template <class Options>
Options assigned_options(Options o, const std::vector<network_option>& list) {
  if constexpr (has_fields<Options>) {
    std::size_t at = 0;
    Options::fields(o, [&]<class T>(const char* name, T& value, const auto&...) {
      expect(at < list.size() && list[at].name == name, "dcs::run: the options of a configuration are not those of its network: ", name,
             " is missing");
      const auto& setting = list[at++].value;
      if constexpr (std::is_same_v<T, bool>) {
        value = std::get<bool>(setting);
      } else if constexpr (std::is_integral_v<T>) {
        value = static_cast<T>(std::get<std::int64_t>(setting));
      } else if constexpr (std::is_floating_point_v<T>) {
        value = static_cast<T>(std::get<double>(setting));
      } else {
        const auto& numbers = std::get<std::vector<double>>(setting);
        expect(numbers.size() == value.size(), "dcs::run: ", name, " has ", numbers.size(), " numbers; expected ", value.size());
        for (std::size_t i = 0; i < numbers.size(); ++i) value[i] = static_cast<typename T::value_type>(numbers[i]);
      }
    });
  }
  return o;
}

/// The settings of a run. `network`: the network's own options.
struct run_config {
  std::string net, data, backbone;
  std::string data_fingerprint;  // of the data set that the run began with (data/fingerprint.hpp); empty before
  int side = 128, epochs = 100, batch = 4, warmup = 0;
  std::uint64_t seed = 0;
  double rate = 2e-4, weight_decay = 1e-4, momentum = 0.9, ema = 0;
  double oversample_small = 0, copy_paste = 0;  // data/lesion_sampling.hpp: the exponent of weights, and the probability; 0: off
  double backbone_rate = 1;                     // the rate of the network's encoder, as a factor of `rate`
  bool decay_norms = true;                      // whether norms and biases have weight decay
  std::string optimizer = "adamw", rate_schedule = "plateau";
  int patience = 5, stop_after = 20, images = 0;
  bool augment = true, imagenet_input = false, nesterov = false;
  bool instances = false;       // the values of a mask number its objects
  bool native_targets = false;  // objects, and the targets of regions, are those of masks at their own size; the data set is to keep them
  int shards = 0;               // into which each batch is cut (train/shards/stepper.hpp); 0: it is not
  bool sync_norm = true, fast_reduce = false;  // of shards
  std::vector<network_option> network{};
};

/// Parses JSON in which a key occurs only once in an object, as parsers silently use the last of two. `where` begins the messages of errors.
inline json parse_json(const std::string& text, const std::string& where) {
  std::vector<std::set<std::string>> open;
  const auto unique_keys = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key) {
      const auto key = value.get<std::string>();
      expect(open.back().insert(key).second, "key '", key, "' stands twice");
    }
    return true;
  };
  try {
    return json::parse(text, unique_keys);
  } catch (const std::exception& e) {
    fail(where, ": ", e.what());
  }
}
inline json read_json(const std::string& path) { return parse_json(io::read_bytes(path, "dcs::run", 1 << 26), path); }
/// Writes a text file, whole or not at all.
inline void write_text(const std::string& path, const std::string& text) { io::write_bytes(path, "dcs::run", text); }

/// What a text of a configuration may be.
inline json to_json(const network_option& o) {
  return std::visit([](const auto& v) { return json(v); }, o.value);
}
inline json to_json(const run_config& c) {
  json j{{"net", c.net},
         {"data", json_name(c.data)},
         {"data_fingerprint", c.data_fingerprint},
         {"backbone", json_name(c.backbone)},
         {"side", c.side},
         {"epochs", c.epochs},
         {"batch", c.batch},
         {"seed", c.seed},
         {"optimizer", c.optimizer},
         {"rate", c.rate},
         {"backbone_rate", c.backbone_rate},
         {"rate_schedule", c.rate_schedule},
         {"warmup", c.warmup},
         {"weight_decay", c.weight_decay},
         {"decay_norms", c.decay_norms},
         {"momentum", c.momentum},
         {"nesterov", c.nesterov},
         {"ema", c.ema},
         {"patience", c.patience},
         {"stop_after", c.stop_after},
         {"images", c.images},
         {"augment", c.augment},
         {"oversample_small", c.oversample_small},
         {"copy_paste", c.copy_paste},
         {"imagenet_input", c.imagenet_input},
         {"instances", c.instances},
         {"native_targets", c.native_targets},
         {"shards", c.shards},
         {"sync_norm", c.sync_norm},
         {"fast_reduce", c.fast_reduce}};
  for (const auto& o : c.network) {
    expect(!j.contains(o.name), "dcs::run: an option of the network is named ", o.name,
           ", as one of every run is; expected another name in its options' fields");
    j[o.name] = to_json(o);
  }
  return j;
}

template <class N>
N number_at(const json& j, const char* key, N low, N high) {
  const json& v = j.at(key);
  expect(std::is_integral_v<N> ? v.is_number_integer() : v.is_number(), key, " is ", v.dump(), "; expected a number");
  const double x = v.get<double>();
  expect(x >= static_cast<double>(low) && x <= static_cast<double>(high), key, " is ", v.dump(), "; expected ", low, " to ", high);
  return v.get<N>();
}

template <std::size_t N>
std::string name_at(const json& j, const char* key, const std::array<const char*, N>& names) {
  const auto value = j.at(key).get<std::string>();
  std::string all;
  for (const char* n : names) all += std::string(all.empty() ? "" : ", ") + n;
  expect(std::find(names.begin(), names.end(), value) != names.end(), key, " is ", printable(value), "; expected one of ", all);
  return value;
}
/// Sets an option to the value in a configuration.
inline void read_option(const json& j, network_option& o) {
  const json& v = j.at(o.name);
  const auto number = [&](const json& x) {
    expect(x.is_number(), o.name, " is ", v.dump(), "; expected a number");
    const double n = x.get<double>();
    expect(n >= o.low && n <= o.high, o.name, " is ", v.dump(), "; expected ", o.low, " to ", o.high);
    return n;
  };
  if (std::holds_alternative<bool>(o.value)) {
    o.value = v.get<bool>();
  } else if (std::holds_alternative<std::int64_t>(o.value)) {
    expect(v.is_number_integer(), o.name, " is ", v.dump(), "; expected a whole number");
    o.value = static_cast<std::int64_t>(number(v));
  } else if (std::holds_alternative<double>(o.value)) {
    o.value = number(v);
  } else {
    auto& numbers = std::get<std::vector<double>>(o.value);
    expect(v.is_array() && v.size() == numbers.size(), o.name, " is ", v.dump(), "; expected ", numbers.size(), " numbers");
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = number(v[i]);
  }
}

/// The configuration in `j`, for a network with these options: each key but data_fingerprint, which is written once the run has begun, and those
/// that younger versions have added; and no other.
/// `where` begins the messages of errors.
inline run_config config_of(const json& j, const std::string& where, const std::vector<network_option>& network) {
  run_config c;
  c.network = network;
  try {
    c.net = j.at("net"), c.data = name_of_json(j.at("data")), c.backbone = name_of_json(j.at("backbone"));
    expect(!c.data.empty(), "data is empty; expected a folder");
    c.data_fingerprint = j.value("data_fingerprint", "");
    c.side = number_at(j, "side", 64, 2048);
    expect(c.side % 32 == 0, "side is ", c.side, "; expected a multiple of 32");
    c.epochs = number_at(j, "epochs", 1, 100000), c.batch = number_at(j, "batch", 1, 1024);
    c.seed = number_at(j, "seed", std::uint64_t{0}, ~std::uint64_t{0});
    c.optimizer = name_at(j, "optimizer", optimizer_names), c.rate_schedule = name_at(j, "rate_schedule", schedule_names);
    c.rate = number_at(j, "rate", 1e-6, 10.0), c.weight_decay = number_at(j, "weight_decay", 0.0, 10.0);
    c.warmup = number_at(j, "warmup", 0, 100000), c.momentum = number_at(j, "momentum", 0.0, 0.9999), c.ema = number_at(j, "ema", 0.0, 0.999999);
    c.patience = number_at(j, "patience", 1, 100000), c.stop_after = number_at(j, "stop_after", 1, 100000);
    c.images = number_at(j, "images", 0, 1000000000);
    c.augment = j.at("augment"), c.imagenet_input = j.at("imagenet_input"), c.nesterov = j.at("nesterov");
    c.instances = j.at("instances");
    // Younger than the format: a run that lacks them has one rate, decays everything, shows each image once as it is, and has targets of the
    // network's size and whole batches.
    if (j.contains("backbone_rate")) c.backbone_rate = number_at(j, "backbone_rate", 0.0, 10.0);
    c.decay_norms = j.value("decay_norms", true);
    if (j.contains("oversample_small")) c.oversample_small = number_at(j, "oversample_small", 0.0, 4.0);
    if (j.contains("copy_paste")) c.copy_paste = number_at(j, "copy_paste", 0.0, 1.0);
    c.native_targets = j.value("native_targets", false);
    if (j.contains("shards")) c.shards = number_at(j, "shards", 0, c.batch);
    c.sync_norm = j.value("sync_norm", true), c.fast_reduce = j.value("fast_reduce", false);
    for (auto& o : c.network) read_option(j, o);
    const json known = to_json(c);
    for (const auto& [key, value] : j.items()) expect(known.contains(key), "unknown key '", key, "'");
  } catch (const std::exception& e) {
    fail(where, ": ", e.what());
  }
  return c;
}
inline run_config read_config(const std::string& path, const std::vector<network_option>& network) {
  return config_of(read_json(path), path, network);
}
/// The name of the network in a configuration.
inline std::string net_of_config(const std::string& path) {
  try {
    return read_json(path).at("net");
  } catch (const json::exception& e) {
    fail(path, ": ", e.what());
  }
}

/// The first key in which two configurations differ, of those that cannot change in a run: all but the number of epochs and the path of the data.
/// Empty where there is none.
inline std::string differing_key(const run_config& a, const run_config& b) {
  const json x = to_json(a), y = to_json(b);
  for (const auto& [key, value] : x.items())
    if (key != "epochs" && key != "data" && value != y.at(key)) return key;
  return "";
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
