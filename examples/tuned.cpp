#include "tuned.hpp"

#include <dcs/image/fusion.hpp>
#include <dcs/io/crc32c.hpp>
#include <dcs/io/file.hpp>
#include <dcs/metrics/temperature.hpp>
#include <dcs/metrics/tuning.hpp>
#include <dcs/train/views.hpp>

#include <filesystem>

namespace programs {

namespace fs = std::filesystem;
using json = nlohmann::json;

namespace {

constexpr int format_version = 1;
constexpr const char* file_name = "postprocessing.json";

json to_json(const tuned_rule& r) {
  return {{"threshold", r.rule.threshold},
          {"smallest_component", r.rule.smallest},
          {"most_components", r.rule.most},
          {"temperature", r.temperature},
          {"dice", r.dice},
          {"dice_without", r.dice_without},
          {"calibration_error", r.calibration_error},
          {"calibration_error_without", r.calibration_error_without},
          {"negative_log_likelihood", r.likelihood},
          {"negative_log_likelihood_without", r.likelihood_without}};
}
tuned_rule rule_of(const json& j) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  tuned_rule r;
  r.rule = {static_cast<float>(dcs::number_at(j, "threshold", 0.0, 1.0)), dcs::number_at(j, "smallest_component", std::int64_t{0}, most),
            dcs::number_at(j, "most_components", std::int64_t{0}, most)};
  r.temperature = dcs::number_at(j, "temperature", dcs::temperature_fit::lowest, dcs::temperature_fit::highest);
  r.dice = dcs::number_at(j, "dice", 0.0, 1.0), r.dice_without = dcs::number_at(j, "dice_without", 0.0, 1.0);
  r.calibration_error = dcs::number_at(j, "calibration_error", 0.0, 1.0);
  r.calibration_error_without = dcs::number_at(j, "calibration_error_without", 0.0, 1.0);
  r.likelihood = dcs::number_at(j, "negative_log_likelihood", 0.0, 1e6);
  r.likelihood_without = dcs::number_at(j, "negative_log_likelihood_without", 0.0, 1e6);
  return r;
}
void expect_no_other_key(const json& j, const json& known) {
  for (const auto& [key, value] : j.items()) dcs::expect(known.contains(key), "unknown key '", key, "'");
}

// What is gathered over the images of a split for one way of predicting.
struct choosing {
  dcs::postprocessing_search search;
  dcs::temperature_fit fit;
  void add(const dcs::prediction& found, const dcs::sample& s) {
    const dcs::prediction p = found.checked(s.name, s.truth.height, s.truth.width);
    search.add(p, s.truth), fit.add(p.probability, s.truth);
  }
  tuned_rule chosen() const {
    const auto best = search.best();
    const double t = fit.temperature();
    return {best.rule,
            t,
            best.dice,
            best.default_dice,
            fit.calibration_error(t),
            fit.calibration_error(1),
            fit.negative_log_likelihood(t),
            fit.negative_log_likelihood(1)};
  }
};

void print_rule(const char* views, const tuned_rule& r) {
  std::printf("%s: dice %.4f, %.4f without post-processing; threshold %.2f, components of at least %lld pixels, ", views, r.dice, r.dice_without,
              static_cast<double>(r.rule.threshold), static_cast<long long>(r.rule.smallest));
  std::printf(r.rule.most > 0 ? "the %lld largest\n" : "all\n", static_cast<long long>(r.rule.most));
  std::printf("%s: temperature %.4f, calibration error %.4f, %.4f without, negative log-likelihood %.4f, %.4f without\n", views, r.temperature,
              r.calibration_error, r.calibration_error_without, r.likelihood, r.likelihood_without);
}

}  // namespace

std::vector<std::string> weights_of(const ensemble& runs) {
  std::vector<std::string> all;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    const std::string bytes = dcs::io::read_bytes(runs.weights(k), "dcs::tuning", std::int64_t{1} << 36);
    char text[16];
    std::snprintf(text, sizeof text, "%08x", dcs::io::crc32c(bytes.data(), bytes.size()));
    all.emplace_back(text);
  }
  return all;
}

json to_json(const tuning& t) {
  return {{"format_version", format_version},
          {"split", dcs::json_name(t.split)},
          {"images", t.images},
          {"checkpoint", t.checkpoint},
          {"weights", t.weights},
          {"side", t.side},
          {"test_time_augmentation", t.augmented},
          {"one_view", to_json(t.one_view)},
          {"mirrored_views", to_json(t.mirrored_views)}};
}

tuning read_tuning(const std::string& path) {
  const json j = dcs::read_json(path);
  tuning t;
  try {
    dcs::number_at(j, "format_version", format_version, format_version);
    t.split = dcs::name_of_json(j.at("split")), t.checkpoint = dcs::name_at(j, "checkpoint", std::array{"best", "last"});
    t.images = dcs::number_at(j, "images", std::int64_t{1}, std::int64_t{1} << 40);
    t.weights = j.at("weights").get<std::vector<std::string>>();
    t.side = dcs::number_at(j, "side", 64, 2048);
    t.augmented = j.at("test_time_augmentation");
    t.one_view = rule_of(j.at("one_view")), t.mirrored_views = rule_of(j.at("mirrored_views"));
    const json known = to_json(t);
    expect_no_other_key(j, known);
    for (const char* views : {"one_view", "mirrored_views"}) expect_no_other_key(j.at(views), known.at(views));
  } catch (const std::exception& e) {
    dcs::fail(path, ": ", e.what(), "; dcs_tune writes it anew");
  }
  return t;
}

dcs::mask finished_how::mask_of(const dcs::prediction& p) const {
  if (!chosen) return p.above();
  const double counted = static_cast<double>(chosen->side) * chosen->side;
  return dcs::postprocessed(p, rule()->rule, static_cast<double>(p.height) * static_cast<double>(p.width) / counted);
}
std::vector<float> finished_how::calibrated(std::vector<float> probability) const {
  if (chosen)
    for (float& p : probability) p = dcs::at_temperature(p, rule()->temperature);
  return probability;
}

finished_how finishing_of(const finishing& flags, const ensemble& runs, const std::string& folder) {
  finished_how how;
  const std::string there = folder.empty() ? "" : (fs::path(folder) / file_name).string();
  const std::string path = !flags.postprocessing.empty() ? flags.postprocessing : !there.empty() && fs::exists(there) ? there : "";
  if (flags.postprocess && !path.empty()) {
    how.chosen = read_tuning(path);
    const auto& t = *how.chosen;
    dcs::expect(t.checkpoint == runs.checkpoint() && t.side == runs.config().side && t.weights == weights_of(runs), path,
                ": it was chosen for other weights (checkpoint ", t.checkpoint, " of ", t.weights.size(),
                " runs); dcs_tune chooses anew, --no-postprocessing does without");
  }
  how.augmented = flags.augmented.value_or(how.chosen && how.chosen->augmented);
  if (how.chosen && how.augmented != how.chosen->augmented && how.chosen->one_view.dice != how.chosen->mirrored_views.dice)
    std::printf("test-time augmentation: on %s, %lld images, the dice of one view is %.4f and that of mirrored views %.4f; you chose the worse\n",
                dcs::printable(how.chosen->split).c_str(), static_cast<long long>(how.chosen->images), how.chosen->one_view.dice,
                how.chosen->mirrored_views.dice);
  return how;
}

void tune(const tune_request& r) {
  dcs::expect(r.runs.size() == 1 || !r.out.empty(), "--out is required with several runs: the folder for ", file_name);
  const ensemble runs(r);
  const ensemble_data data(runs, r.data, r.split, r.limits, r.skip_bad);
  report_left_out(data.first());
  const std::string folder = r.out.empty() ? runs.run(0) : r.out;
  dcs::io::create_folders(folder, "dcs::tune");
  choosing one, mirrored;
  for (std::int64_t i = 0; i < data.first().size(); ++i) {
    const auto samples = data.load(i);
    const auto views = runs.views(samples, true);
    std::vector<dcs::prediction> as_it_is;
    for (std::size_t v = 0; v < views.size(); v += dcs::mirrored_views) as_it_is.push_back(views[v]);
    one.add(dcs::fused_prediction(as_it_is), samples[0]), mirrored.add(dcs::fused_prediction(views), samples[0]);
  }
  tuning t{r.split, runs.checkpoint(), data.first().size(), weights_of(runs), runs.config().side, false, one.chosen(), mirrored.chosen()};
  t.augmented = t.mirrored_views.dice > t.one_view.dice;
  const std::string path = (fs::path(folder) / file_name).string();
  dcs::write_text(path, to_json(t).dump(2) + "\n");
  print_rule("one view", t.one_view);
  print_rule("mirrored views", t.mirrored_views);
  std::printf("%s, of %lld images of %s: %s\n", dcs::printable(path).c_str(), static_cast<long long>(t.images), dcs::printable(t.split).c_str(),
              t.augmented ? "mirrored views, which are better" : "one view, as mirrored views are no better");
}

}  // namespace programs
