#include "results.hpp"

#include "text.hpp"

#include <dcs/data/json_numbers.hpp>
#include <dcs/io/names.hpp>
#include <dcs/train/run/config.hpp>

#include <filesystem>
#include <limits>

namespace programs {

namespace {

// `m`: segmentation_metrics or mean_metrics.
json metrics_json(const auto& m) {
  json j{{"missed", m.missed}};
  for (const auto& named : dcs::named_metrics) j[named.name] = m.*named.value;
  return j;
}
dcs::segmentation_metrics metrics_of(const json& j) {
  dcs::segmentation_metrics m;
  for (const auto& named : dcs::named_metrics) m.*named.value = j.at(named.name).get<double>();
  m.missed = j.at("missed");
  return m;
}

json box_json(const dcs::box<double>& b, const json& last) { return {b.x1, b.y1, b.x2, b.y2, last}; }
dcs::box<double> box_of(const json& j) {
  if (!j.is_array() || j.size() != 5) dcs::fail("a box is ", dcs::shown(j), "; expected 5 numbers");
  return {j[0].get<double>(), j[1].get<double>(), j[2].get<double>(), j[3].get<double>()};
}

constexpr std::int64_t most_pixels = std::int64_t{1} << 40;

std::vector<std::int64_t> counts(const json& list) {
  std::vector<std::int64_t> all;
  for (const json& n : list) all.push_back(dcs::whole_number(n, 0, most_pixels));
  return all;
}
std::int32_t match_of(const json& lesion) {
  return static_cast<std::int32_t>(dcs::whole_number(lesion.at("match"), -1, std::numeric_limits<std::int32_t>::max()));
}

// What the figures depend on is checked. How images were measured is only compared, but has to be there for that.
measuring measuring_of(const json& s) {
  for (const char* key : {"spacing", "tolerance", "lesion_iou"}) s.at(key);
  measuring m;
  m.sizes = {dcs::whole_number(s.at("sizes").at(0), 1, most_pixels), dcs::whole_number(s.at("sizes").at(1), 1, most_pixels)};
  m.bins = dcs::whole_number(s.at("calibration_bins"), 1, 1'000'000);
  m.bootstrap.replicates = dcs::whole_number(s.at("replicates"), 1, 1'000'000);
  m.bootstrap.level = s.at("level");
  dcs::expect(m.bootstrap.level > 0 && m.bootstrap.level < 1, "a level of ", m.bootstrap.level, "; expected a number between 0 and 1");
  dcs::expect(s.at("bootstrap_seed").is_number_unsigned(), "a bootstrap_seed of ", s.at("bootstrap_seed").dump(), "; expected a whole number from 0");
  m.bootstrap.seed = s.at("bootstrap_seed");
  check(m);
  return m;
}

// What masks were made by, in words: the views, and the rule where dcs_tune chose one.
std::string method_of(const json& j) {
  constexpr std::int64_t most = most_pixels;
  std::string text = j.at("test_time_augmentation").get<bool>() ? "mirrored views" : "one view";
  if (!j.contains("postprocessing")) return text + ", above 0.5";
  const json& r = j.at("postprocessing");
  text += formatted(", above %.2f", dcs::number_at(r, "threshold", 0.0, 1.0));
  if (const auto n = dcs::number_at(r, "most_components", std::int64_t{0}, most); n > 0) text += ", the " + std::to_string(n) + " largest";
  if (const auto n = dcs::number_at(r, "smallest_component", std::int64_t{0}, most); n > 0) text += ", of " + std::to_string(n) + " pixels at least";
  return text + formatted(", temperature %.2f", dcs::number_at(r, "temperature", 0.0, 1e6));
}

void expect_matches(const dcs::image_lesions& l) {
  const auto answers = [](const auto& from, const auto& to, std::size_t i) {
    const auto match = from[i].match;
    return match == -1 ||
           (match >= 0 && static_cast<std::size_t>(match) < to.size() && to[static_cast<std::size_t>(match)].match == static_cast<std::int32_t>(i));
  };
  for (std::size_t i = 0; i < l.truth.size(); ++i)
    dcs::expect(answers(l.truth, l.predicted, i), "the match of lesion ", i, " is not matched with it");
  for (std::size_t i = 0; i < l.predicted.size(); ++i)
    dcs::expect(answers(l.predicted, l.truth, i), "the match of predicted lesion ", i, " is not matched with it");
}

dcs::image_result image_of(const json& j, std::int64_t bins) {
  dcs::image_result r;
  r.metrics = metrics_of(j);
  r.group = j.value("group", "");
  for (const json& l : j.at("lesions")) r.lesions.truth.push_back({dcs::whole_number(l.at("pixels"), 1, most_pixels), match_of(l), metrics_of(l)});
  for (const json& l : j.at("predicted_lesions"))
    r.lesions.predicted.push_back({dcs::whole_number(l.at("pixels"), 1, most_pixels), l.at("score"), match_of(l)});
  expect_matches(r.lesions);
  for (const json& b : j.at("true_boxes")) r.true_boxes.push_back({box_of(b), dcs::whole_number(b[4], 1, most_pixels)});
  for (const json& b : j.at("predicted_boxes")) r.predicted_boxes.push_back({box_of(b), b[4].get<double>()});
  const json& c = j.at("calibration");
  r.calibration.pixels = counts(c.at("pixels"));
  r.calibration.lesion = counts(c.at("lesion"));
  r.calibration.probability = c.at("probability").get<std::vector<double>>();
  for (const std::size_t n : {r.calibration.pixels.size(), r.calibration.lesion.size(), r.calibration.probability.size()})
    dcs::expect(static_cast<std::int64_t>(n) == bins, "its calibration has ", n, " bins; expected ", bins);
  return r;
}

// NaN, as the bounds of an interval may be, has no JSON.
json finite_or_null(double x) { return dcs::is_finite(x) ? json(x) : json(); }

}  // namespace

json to_json(const dcs::mean_metrics& m) {
  json j = metrics_json(m);
  j["images"] = m.images;
  return j;
}

json to_json(const dcs::image_result& r) {
  json j = metrics_json(r.metrics);
  j["name"] = dcs::json_name(r.name);
  if (!r.group.empty()) j["group"] = dcs::json_name(r.group);
  json lesions = json::array(), predicted = lesions, true_boxes = lesions, predicted_boxes = lesions;
  for (const auto& l : r.lesions.truth) {
    json entry = metrics_json(l.metrics);
    entry["pixels"] = l.pixels, entry["match"] = l.match;
    lesions.push_back(entry);
  }
  for (const auto& l : r.lesions.predicted) predicted.push_back({{"pixels", l.pixels}, {"score", l.score}, {"match", l.match}});
  for (const auto& b : r.true_boxes) true_boxes.push_back(box_json(b.box, b.pixels));
  for (const auto& b : r.predicted_boxes) predicted_boxes.push_back(box_json(b.box, b.score));
  j["lesions"] = lesions, j["predicted_lesions"] = predicted, j["true_boxes"] = true_boxes, j["predicted_boxes"] = predicted_boxes;
  j["calibration"] = {{"pixels", r.calibration.pixels}, {"lesion", r.calibration.lesion}, {"probability", r.calibration.probability}};
  return j;
}

json to_json(const measuring& m, bool millimetres) {
  const dcs::pixel_spacing s = m.spacing.value_or(dcs::pixel_spacing{});
  return {{"spacing", millimetres ? json("of the set") : json{s.rows, s.columns}},
          {"tolerance", m.lesions.surface.tolerance},
          {"lesion_iou", m.lesions.iou},
          {"sizes", {m.sizes.medium, m.sizes.large}},
          {"calibration_bins", m.bins},
          {"replicates", m.bootstrap.replicates},
          {"bootstrap_seed", m.bootstrap.seed},
          {"level", m.bootstrap.level}};
}

json figures_json(const std::vector<dcs::figure>& figures, const dcs::bootstrap& resampled) {
  json list = json::array();
  for (const auto& f : figures)
    if (const auto e = resampled(f.value))
      list.push_back({{"figure", f.name},
                      {"stratum", dcs::name_of(f.stratum)},
                      {"value", e->value},
                      {"low", finite_or_null(e->low)},
                      {"high", finite_or_null(e->high)}});
  return list;
}

json groups_json(const std::vector<dcs::image_result>& images) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<dcs::segmentation_metrics>> of_group;
  for (const auto& r : images) {
    if (r.group.empty()) continue;
    if (!of_group.contains(r.group)) order.push_back(r.group);
    of_group[r.group].push_back(r.metrics);
  }
  json list = json::array();
  for (const auto& g : order) {
    json entry = to_json(dcs::mean_of(of_group[g]));
    entry["group"] = dcs::json_name(g);
    list.push_back(entry);
  }
  return list;
}

json evaluation_json(const std::string& path) { return dcs::parse_json(dcs::io::read_bytes(path, "dcs::evaluation", std::int64_t{1} << 32), path); }

stored_evaluation read_evaluation(const std::string& run) {
  namespace fs = std::filesystem;
  stored_evaluation e;
  e.path = fs::is_directory(run) ? (fs::path(run) / "evaluation.json").string() : run;
  const json j = evaluation_json(e.path);
  std::string image;
  try {
    const json& s = j.at("settings");
    e.settings = s;
    for (const char* key : {"split", "boxes", "native_size"}) e.settings[key] = j.at(key);
    for (const char* key : {"replicates", "bootstrap_seed"}) e.settings.erase(key);
    e.native_size = j.at("native_size");
    e.method = method_of(j);
    e.how = measuring_of(s);
    std::map<std::string, dcs::image_result> by_name;
    for (const json& entry : j.at("images")) {
      image = "image '" + entry.at("name").get<std::string>() + "': ";
      dcs::image_result r = image_of(entry, e.how.bins);
      r.name = entry.at("name");
      dcs::expect(by_name.emplace(r.name, r).second, "it stands twice");
    }
    image.clear();
    for (auto& [name, r] : by_name) e.images.push_back(std::move(r));
    dcs::expect(!e.images.empty(), "it has no image");
  } catch (const std::exception& error) {
    dcs::fail(e.path, ": ", image, error.what(), "; dcs_evaluate writes it anew");
  }
  return e;
}

}  // namespace programs
