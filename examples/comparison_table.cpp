#include "comparison_table.hpp"

#include "text.hpp"
#include "text_table.hpp"

#include <dcs/core/finite.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/io/csv.hpp>

#include <algorithm>

namespace programs {

namespace {

void expect_same_settings(const stored_evaluation& first, const stored_evaluation& e) {
  json keys = first.settings;
  keys.update(e.settings);
  for (const auto& [key, of_either] : keys.items()) {
    const json value = first.settings.value(key, json()), other = e.settings.value(key, json());
    dcs::expect(other == value, e.path, ": ", key, " is ", other.dump(), ", but ", value.dump(), " in ", first.path, ": they cannot be compared");
  }
}

bool same_boxes(const dcs::image_result& a, const dcs::image_result& b) {
  const auto same = [](const auto& x, const auto& y) { return x.pixels == y.pixels && x.box == y.box; };
  return std::equal(a.true_boxes.begin(), a.true_boxes.end(), b.true_boxes.begin(), b.true_boxes.end(), same);
}
bool same_boxes(const std::vector<stored_evaluation>& runs) {
  const auto& first = runs.front().images;
  return std::all_of(runs.begin(), runs.end(), [&](const auto& e) {
    return std::equal(first.begin(), first.end(), e.images.begin(), e.images.end(), [](const auto& a, const auto& b) { return same_boxes(a, b); });
  });
}

void expect_same_image(const stored_evaluation& first, const dcs::image_result& a, const stored_evaluation& e, const dcs::image_result& b) {
  const auto fail = [&](const char* what) {
    dcs::fail(e.path, ": image '", b.name, "' has other ", what, " than in ", first.path, ": they cannot be compared");
  };
  const auto same_lesion = [](const auto& x, const auto& y) { return x.pixels == y.pixels; };
  if (!std::equal(a.lesions.truth.begin(), a.lesions.truth.end(), b.lesions.truth.begin(), b.lesions.truth.end(), same_lesion)) fail("true lesions");
  if (!e.native_size && !same_boxes(a, b)) fail("true boxes");
  if (a.group != b.group) fail("groups");
}

}  // namespace

void expect_comparable(const std::vector<stored_evaluation>& runs) {
  dcs::expect(runs.size() >= 2, "dcs_compare: ", runs.size(), " runs; expected at least 2");
  const stored_evaluation& first = runs.front();
  for (const auto& e : runs) {
    expect_same_settings(first, e);
    const auto missing = [](const stored_evaluation& in, const stored_evaluation& of) {
      for (const auto& image : of.images)
        if (std::none_of(in.images.begin(), in.images.end(), [&](const auto& r) { return r.name == image.name; }))
          dcs::fail(in.path, ": there is no image '", image.name, "', which ", of.path, " has: runs are compared on the same images");
    };
    const bool same = std::equal(first.images.begin(), first.images.end(), e.images.begin(), e.images.end(),
                                 [](const auto& a, const auto& b) { return a.name == b.name; });
    if (!same) missing(e, first), missing(first, e);
    for (std::size_t i = 0; i < first.images.size(); ++i) expect_same_image(first, first.images[i], e, e.images[i]);
  }
}

std::vector<compared_figure> compared_figures(const std::vector<stored_evaluation>& runs, const std::vector<std::string>& names,
                                              const std::vector<std::string>& strata, const dcs::bootstrap_options& bootstrap) {
  std::vector<std::string> groups;
  for (const auto& r : runs.front().images) groups.push_back(r.group);
  const auto numbers = dcs::numbers_of_groups(groups);
  const dcs::bootstrap resampled(numbers, bootstrap);
  std::vector<std::vector<dcs::figure>> figures;
  for (const auto& e : runs) figures.push_back(dcs::figures_of(e.images, e.how.sizes));
  const auto listed = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (const auto& name : names) {
    std::string all;
    bool found = name == "all";
    for (const auto& f : figures[0])
      if (f.stratum == dcs::stratum::all) all += " " + f.name, found = found || f.name == name;
    dcs::expect(found, "--figures ", name, ": there is no such figure; there are all,", all);
  }
  const bool boxes = same_boxes(runs);
  std::vector<compared_figure> rows;
  for (std::size_t k = 0; k < figures[0].size(); ++k) {
    const dcs::figure& first = figures[0][k];
    if (!listed(strata, dcs::name_of(first.stratum)) || (!listed(names, first.name) && !listed(names, "all"))) continue;
    if (first.name.starts_with("box.") && !boxes) continue;
    compared_figure row{first.name, first.stratum, {}, {}};
    for (const auto& f : figures) row.of_runs.push_back(resampled(f[k].value));
    for (std::size_t r = 1; r < figures.size(); ++r) row.differences.push_back(dcs::compare(first, figures[r][k], numbers, resampled));
    if (std::any_of(row.of_runs.begin(), row.of_runs.end(), [](const auto& e) { return e.has_value(); })) rows.push_back(std::move(row));
  }
  return rows;
}

namespace {

bool is_distance(const std::string& name) { return name.ends_with("hd95") || name.ends_with("assd"); }
std::string cell(const std::string& name, const dcs::estimate& e, bool sign) {
  const char* format = is_distance(name) ? "%.2f" : "%.3f";
  const char* with_sign = !sign ? format : is_distance(name) ? "%+.2f" : "%+.3f";
  if (!dcs::is_finite(e.low)) return formatted(with_sign, e.value);  // no resampled set defines the figure
  return formatted(with_sign, e.value) + " [" + formatted(with_sign, e.low) + ", " + formatted(with_sign, e.high) + "]";
}
std::string p_cell(const std::optional<dcs::paired_difference>& d) {
  if (!d || !d->test) return "";
  return d->test->p < 0.001 ? "< 0.001" : formatted("%.3f", d->test->p);
}

// The cells of a table that is read by people: a head, what masks were made by, and a line for each figure.
std::vector<std::vector<std::string>> cells(const std::vector<compared_figure>& rows, const std::vector<compared_run>& runs) {
  std::vector<std::vector<std::string>> lines{{"figure", "lesions"}, {"masks", ""}};
  for (const auto& run : runs) lines[0].push_back(run.name), lines[1].push_back(run.method);
  for (std::size_t r = 1; r < runs.size(); ++r) {
    lines[0].insert(lines[0].end(), {runs[r].name + " - " + runs[0].name, "p"});
    lines[1].insert(lines[1].end(), {"", ""});
  }
  for (const auto& row : rows) {
    std::vector<std::string> line{row.name, dcs::name_of(row.stratum)};
    for (const auto& e : row.of_runs) line.push_back(e ? cell(row.name, *e, false) : "");
    for (const auto& d : row.differences) line.insert(line.end(), {d ? cell(row.name, d->difference, true) : "", p_cell(d)});
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string csv(const std::vector<compared_figure>& rows, const std::vector<compared_run>& runs) {
  std::string out = "figure,stratum,run,value,low,high,difference,difference_low,difference_high,p,pairs,masks\n";
  const auto numbers = [](const std::optional<dcs::estimate>& e) {
    if (!e) return std::string(",,,");
    const auto number = [](double x) { return dcs::is_finite(x) ? formatted(",%.17g", x) : std::string(","); };
    return number(e->value) + number(e->low) + number(e->high);
  };
  for (const auto& row : rows)
    for (std::size_t r = 0; r < runs.size(); ++r) {
      const dcs::paired_difference* d = r == 0 || !row.differences[r - 1] ? nullptr : &*row.differences[r - 1];
      out += row.name + "," + dcs::name_of(row.stratum) + "," + dcs::io::csv_text(dcs::printable(runs[r].name)) + numbers(row.of_runs[r]);
      out += d ? numbers(d->difference) : numbers({});
      out += d && d->test ? "," + formatted("%.17g", d->test->p) + "," + std::to_string(d->test->pairs) : ",,";
      out += "," + dcs::io::csv_text(runs[r].method) + "\n";
    }
  return out;
}

}  // namespace

std::string table(const std::vector<compared_figure>& rows, const std::vector<compared_run>& runs, const std::string& format) {
  if (format == "csv") return csv(rows, runs);
  auto lines = cells(rows, runs);
  if (format == "markdown") {
    for (auto& cell : lines[0]) cell = escaped_markdown(cell);  // figures and numbers have nothing to escape
    return markdown_table(lines);
  }
  dcs::expect(format == "latex", "--format ", format, ": expected markdown, csv or latex");
  for (auto& line : lines)
    for (auto& cell : line) cell = escaped_latex(cell);
  return latex_table(lines);
}

}  // namespace programs
