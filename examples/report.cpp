#include "report.hpp"

#include "html.hpp"
#include "results.hpp"
#include "text.hpp"

#include <dcs/io/file.hpp>
#include <dcs/io/names.hpp>
#include <dcs/train/run/config.hpp>
#include <dcs/train/run/curves.hpp>

#include <filesystem>
#include <map>
#include <numeric>

namespace programs {

namespace fs = std::filesystem;
using dcs::json;

namespace {

// Light and dark by the reader's choice; nothing is loaded.
constexpr const char* style = R"(
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --soft: #ddd; --quiet: #666; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --soft: #3a3a3a; --quiet: #999; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--soft); }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)); gap: 1rem 2rem; }
.panels h3 { margin: 0; font-size: 1rem; }
.panels > div { min-width: 0; } .names { display: flex; flex-wrap: wrap; column-gap: 1em; font-size: 0.9rem; }
svg text { font-size: 12px; fill: var(--ink); } svg path { fill: none; stroke-width: 1.8; }
svg .grid { stroke: var(--soft); } svg .frame { fill: none; stroke: var(--quiet); } svg circle:hover { stroke: var(--ink); stroke-width: 3; }
table { border-collapse: collapse; } .wide { overflow-x: auto; max-height: 40rem; }
td, th { padding: 0.15rem 0.7rem; text-align: left; border-bottom: 1px solid var(--soft); } td.number { text-align: right; font-variant-numeric: tabular-nums; }
.pictures { display: flex; flex-wrap: wrap; gap: 1.2rem; } figure { margin: 0; max-width: 24rem; } img { max-width: 100%; }
figcaption { overflow-wrap: anywhere; } .quiet { color: var(--quiet); }
)";

std::string heading(const std::string& text) { return "<h2>" + escaped(text) + "</h2>\n"; }
std::string quiet(const std::string& text) { return "<p class=\"quiet\">" + escaped(text) + "</p>\n"; }
bool stands(const std::string& path) {
  std::error_code none;
  return fs::exists(path, none);
}

// A value as a reader likes it: few digits, texts without quotes.
std::string shown(const json& v) {
  if (v.is_string()) return v.get<std::string>();
  return v.is_number_float() ? formatted("%.5g", v.get<double>()) : v.dump();
}
std::string cell(const json& v) {
  return std::string(v.is_number() ? "<td class=\"number\">" : "<td>") + (v.is_null() ? "" : escaped(shown(v))) + "</td>";
}
// The values in an object by their keys, those of objects inside it as KEY.KEY.
void flatten(const json& object, const std::string& before, std::vector<std::pair<std::string, json>>& to, int depth = 0) {
  dcs::expect(depth < 16, "objects are more than 16 deep in each other, from ", before, " on");
  for (const auto& [key, value] : object.items()) {
    if (value.is_object())
      flatten(value, before + key + ".", to, depth + 1);
    else
      to.emplace_back(before + key, value);
  }
}
std::vector<std::pair<std::string, json>> flat(const json& object) {
  std::vector<std::pair<std::string, json>> all;
  flatten(object, "", all);
  return all;
}
// The values of an object, a row each, without lists that are empty or long, or hold lists and objects.
std::string table_of(const json& object) {
  std::string s = "<table>\n";
  for (const auto& [key, value] : flat(object))
    if (!value.is_array() ||
        (!value.empty() && value.size() <= 16 && std::none_of(value.begin(), value.end(), [](const json& x) { return x.is_structured(); })))
      s += "<tr><th>" + escaped(key) + "</th>" + cell(value) + "</tr>\n";
  return s + "</table>\n";
}

std::string curves(const dcs::run_folder& run) {
  if (!stands(run.results())) return heading("Curves") + quiet("There is no results.csv yet: no epoch is done.");
  const auto columns = dcs::read_results(run.results());
  std::string s = heading("Curves") +
                  quiet(std::to_string(columns.rows()) + (columns.rows() == 1 ? " epoch" : " epochs") + "; a dot shows its value under the pointer") +
                  "<div class=\"panels\">\n";
  for (const auto& p : dcs::curves_of(columns)) {
    s += "<div><h3>" + escaped(p.title) + "</h3>\n<div class=\"names\">";
    for (std::size_t k = 0; k < p.curves.size(); ++k) {
      const auto c = dcs::colour_of_curve(k);
      s += "<span style=\"color: rgb(" + std::to_string(c.r) + ", " + std::to_string(c.g) + ", " + std::to_string(c.b) + ")\">" +
           escaped(p.curves[k].name) + "</span>";
    }
    s += "</div>\n" + svg_of(p) + "</div>\n";
  }
  return s + "</div>\n";
}

// The images of an evaluation, the worst first: by Dice, where they have it.
std::vector<std::size_t> worst_first(const json& images) {
  std::vector<std::size_t> order(images.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto dice = [&](std::size_t i) {
    return images[i].contains("dice") && images[i]["dice"].is_number() ? images[i]["dice"].get<double>() : 2.0;
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return dice(a) < dice(b); });
  return order;
}
// A row for each image, a column for each key that is a number or a truth value in any of them.
std::string table_of_images(const json& images, const std::vector<std::size_t>& order) {
  std::vector<std::string> keys;
  std::vector<std::map<std::string, json>> values;
  for (const json& image : images) {
    values.emplace_back();
    for (const auto& [key, value] : flat(image)) {
      if (!value.is_number() && !value.is_boolean()) continue;
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
      values.back()[key] = value;
    }
  }
  std::string s = "<div class=\"wide\"><table>\n<tr><th>image</th>";
  for (const auto& key : keys) s += "<th>" + escaped(key) + "</th>";
  s += "</tr>\n";
  for (const std::size_t i : order) {
    s += "<tr>" + cell(images[i].at("name"));
    for (const auto& key : keys) s += cell(values[i][key]);
    s += "</tr>\n";
  }
  return s + "</table></div>\n";
}

// The unit of distances, with a space before it; nothing where the spacing is one that its user knows.
std::string unit_of(const json& evaluation) {
  const json spacing = evaluation.value("settings", json::object()).value("spacing", json());
  if (spacing == json{1, 1}) return " pixels";
  return spacing == "of the set" ? " mm" : "";
}

// What is wrong with a prediction, from its measures.
std::string what_went_wrong(const json& image, const std::string& unit) {
  const auto number = [&](const char* key) { return image.contains(key) && image[key].is_number() ? image[key].get<double>() : -1.0; };
  if (image.value("missed", json(false)) == json(true)) return "missed: nothing of the lesion was found";
  const double dice = number("dice"), precision = number("precision"), recall = number("recall"), hd95 = number("hd95");
  if (dice == 0) return "invented: there is no lesion here";
  if (dice < 0 || precision < 0 || recall < 0) return "";
  if (dice >= 0.9995) return "right";
  const double lost = 1 - recall, outside = 1 - precision;
  const char* kind = hd95 >= 0 && hd95 <= 3 ? "boundary" : lost >= outside ? "missed in part" : "false in part";
  std::string s = formatted("%s: %.0f %% of the lesion missed, %.0f %% of the prediction false", kind, 100 * lost, 100 * outside);
  if (hd95 >= 0) s += formatted(", 95 %% of the boundary within %.1f", hd95) + unit;
  return s;
}

// The overlays that dcs_evaluate drew, of the worst images first.
std::string pictures(const std::string& run, const json& images, const std::vector<std::size_t>& order, int most, const std::string& unit) {
  std::vector<std::string> names;
  for (const json& image : images) {
    names.push_back(dcs::name_of_json(image.at("name").get<std::string>()));
    // With a folder in it, it would name a picture outside overlays/.
    dcs::expect(!names.back().empty() && fs::path(names.back()).filename() == names.back(), "an image is named '",
                image.at("name").get<std::string>(), "'; expected the name of a file, without a folder");
  }
  const auto files = dcs::picture_names(names);
  std::string s;
  int drawn = 0;
  for (const std::size_t i : order) {
    const std::string path = (fs::path(run) / "overlays" / (files[i] + ".png")).string();
    if (drawn == most || !stands(path)) continue;
    ++drawn;
    const std::string name = images[i].at("name").get<std::string>();
    s += "<figure><img alt=\"" + escaped(name) + "\" src=\"data:image/png;base64," + base64(dcs::io::read_bytes(path, "dcs::report", 1 << 26)) +
         "\"/>\n";
    s += "<figcaption><b>" + escaped(name) + "</b><br/>" + escaped(what_went_wrong(images[i], unit)) + "</figcaption></figure>\n";
  }
  if (drawn == 0) return quiet("No overlays were drawn; dcs_evaluate --overlays N draws the first N images.");
  return quiet("Truth green, prediction red, boxes yellow; the worst first.") + "<div class=\"pictures\">\n" + s + "</div>\n";
}

std::string evaluation_of(const std::string& run, int overlays) {
  const std::string path = (fs::path(run) / "evaluation.json").string();
  if (!stands(path)) return heading("Evaluation") + quiet("The run is not evaluated yet; dcs_evaluate --run does it.");
  const json j = evaluation_json(path);
  try {
    const json& images = j.at("images");
    for (const json& image : images) dcs::expect(image.is_object() && image.at("name").is_string(), "an image has no name");
    const auto order = worst_first(images);
    std::string s = heading("Evaluation") + table_of(j);
    return s + heading("Pictures") + pictures(run, images, order, overlays, unit_of(j)) + heading("Images") + table_of_images(images, order);
  } catch (const std::exception& e) {
    dcs::fail(path, ": ", e.what());
  }
}

}  // namespace

std::string write_report(const std::string& run, int overlays) {
  const dcs::run_folder folder(run);
  const json config = dcs::read_json(folder.config());
  dcs::expect(config.is_object(), folder.config(), " is no configuration");
  const std::string title = shown(config.value("net", json("run"))) + ": " + run;
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width\"/>\n<title>" +
      escaped(title) + "</title>\n<style>" + style + "</style></head>\n<body>\n<h1>" + escaped(title) + "</h1>\n";
  page += curves(folder);
  page += evaluation_of(run, overlays);
  page += heading("Configuration") + table_of(config) + "</body></html>\n";
  const std::string path = (fs::path(run) / "report.html").string();
  dcs::write_text(path, page);
  return path;
}

}  // namespace programs
