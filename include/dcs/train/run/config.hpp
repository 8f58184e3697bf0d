// A run's configuration as a file: config.json, and the copy of it in every checkpoint. What a flag would not accept, a file must not bring in.
#pragma once

#include "names.hpp"
#include "session.hpp"

#include <dcs/io/file.hpp>

#include <nlohmann/json.hpp>

#include <set>

namespace programs {

using json = nlohmann::json;

/// JSON, in which every key of an object stands once: parsers take the last of two without a word. `where` begins the messages of errors.
inline json parse_json(const std::string& text, const std::string& where) {
  std::vector<std::set<std::string>> open;
  const auto unique_keys = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key) {
      const auto key = value.get<std::string>();
      dcs::expect(open.back().insert(key).second, "key '", key, "' stands twice");
    }
    return true;
  };
  try {
    return json::parse(text, unique_keys);
  } catch (const std::exception& e) {
    dcs::fail(where, ": ", e.what());
  }
}
inline json read_json(const std::string& path) { return parse_json(dcs::io::read_bytes(path, "dcs::run", 1 << 26), path); }
/// Writes a text file, whole or not at all.
inline void write_text(const std::string& path, const std::string& text) { dcs::io::write_bytes(path, "dcs::run", text); }

inline json to_json(const train_config& c) {
  return {{"net", c.net},
          {"data", json_name(c.data)},
          {"data_fingerprint", c.data_fingerprint},
          {"backbone", json_name(c.backbone)},
          {"side", c.side},
          {"epochs", c.epochs},
          {"batch", c.batch},
          {"seed", c.seed},
          {"rate", c.rate},
          {"weight_decay", c.weight_decay},
          {"patience", c.patience},
          {"stop_after", c.stop_after},
          {"images", c.images},
          {"augment", c.augment},
          {"schedule", c.schedule},
          {"truth_regions", c.truth_regions},
          {"imagenet_input", c.imagenet_input},
          {"cosine", c.cosine},
          {"box_samples", c.box_samples}};
}

template <class N>
N number_at(const json& j, const char* key, N low, N high) {
  const json& v = j.at(key);
  dcs::expect(std::is_integral_v<N> ? v.is_number_integer() : v.is_number(), key, " is ", v.dump(), "; expected a number");
  const double x = v.get<double>();
  dcs::expect(x >= static_cast<double>(low) && x <= static_cast<double>(high), key, " is ", v.dump(), "; expected ", low, " to ", high);
  return v.get<N>();
}

/// The configuration that `j` holds: each key but data_fingerprint, which earlier versions did not write, and no other. `where` begins the messages
/// of errors.
inline train_config config_of(const json& j, const std::string& where) {
  train_config c;
  try {
    c.net = j.at("net"), c.data = name_of_json(j.at("data")), c.backbone = name_of_json(j.at("backbone"));
    dcs::expect(!c.data.empty(), "data is empty; expected a folder");
    c.data_fingerprint = j.value("data_fingerprint", "");
    c.side = number_at(j, "side", 64, 2048);
    dcs::expect(c.side % 32 == 0, "side is ", c.side, "; expected a multiple of 32");
    c.epochs = number_at(j, "epochs", 1, 100000), c.batch = number_at(j, "batch", 1, 1024);
    c.seed = number_at(j, "seed", std::uint64_t{0}, ~std::uint64_t{0}), c.rate = number_at(j, "rate", 1e-6, 10.0),
    c.weight_decay = number_at(j, "weight_decay", 0.0, 10.0);
    c.patience = number_at(j, "patience", 1, 100000), c.stop_after = number_at(j, "stop_after", 1, 100000);
    c.images = number_at(j, "images", 0, 1000000000), c.box_samples = number_at(j, "box_samples", 4, 2000);
    c.augment = j.at("augment"), c.schedule = j.at("schedule"), c.truth_regions = j.at("truth_regions");
    c.imagenet_input = j.at("imagenet_input"), c.cosine = j.at("cosine");
    const json known = to_json(c);
    for (const auto& [key, value] : j.items()) dcs::expect(known.contains(key), "unknown key '", key, "'");
  } catch (const std::exception& e) {
    dcs::fail(where, ": ", e.what());
  }
  return c;
}
inline train_config read_config(const std::string& path) { return config_of(read_json(path), path); }

/// The first key in which two configurations differ, of those that a run keeps for good: neither epochs nor the set's place. Empty where there is
/// none.
inline std::string differing_key(const train_config& a, const train_config& b) {
  const json x = to_json(a), y = to_json(b);
  for (const auto& [key, value] : x.items())
    if (key != "epochs" && key != "data" && value != y.at(key)) return key;
  return "";
}

}  // namespace programs
