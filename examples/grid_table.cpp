#include "grid_table.hpp"

#include "results.hpp"
#include "session.hpp"
#include "text.hpp"
#include "text_table.hpp"

#include <dcs/core/printable.hpp>
#include <dcs/io/csv.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

namespace programs {

namespace {

struct figure_column {
  const char *title, *key;
  double scale;
  bool more_is_better;
};
constexpr std::array figures{figure_column{"Dice", "dice", 100, true}, figure_column{"IoU", "iou", 100, true},
                             figure_column{"Precision", "precision", 100, true}, figure_column{"95HD", "hd95", 1, false}};

struct figure_value {
  double mean = 0;
  std::optional<double> deviation{};
};
struct table_row {
  const grid_network* network = nullptr;
  std::array<std::optional<figure_value>, figures.size()> values{};
  std::size_t done = 0, runs = 0;
  std::optional<network_cost> cost{};  // where the table has it, and it is known
};

double mean_of_values(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum / static_cast<double>(x.size());
}
std::optional<double> deviation_of(const std::vector<double>& x) {
  if (x.size() < 2) return {};
  const double mean = mean_of_values(x);
  double squares = 0;
  for (const double v : x) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / static_cast<double>(x.size() - 1));
}

// `of_seeds`: of each seed the numbers of its folds.
std::optional<figure_value> value_of(const std::vector<std::vector<double>>& of_seeds) {
  std::vector<double> means;
  for (const auto& folds : of_seeds)
    if (!folds.empty()) means.push_back(mean_of_values(folds));
  if (means.empty()) return {};
  if (means.size() > 1) return figure_value{mean_of_values(means), deviation_of(means)};
  const auto only = std::find_if(of_seeds.begin(), of_seeds.end(), [](const auto& folds) { return !folds.empty(); });
  return figure_value{means[0], deviation_of(*only)};
}

std::array<double, figures.size()> figures_of_run(const grid_run& r) {
  const std::string path = (std::filesystem::path(r.folder) / "evaluation.json").string();
  const json j = evaluation_json(path);
  std::array<double, figures.size()> x{};
  try {
    dcs::expect(j.at("split") == "test", path, ": it is of the split ", j.at("split").dump(), "; expected test");
    for (std::size_t f = 0; f < x.size(); ++f) x[f] = figures[f].scale * j.at("mean").at(figures[f].key).get<double>();
  } catch (const json::exception& e) {
    dcs::fail(path, ": ", e.what());
  }
  return x;
}

template <class T>
std::size_t index_of(const std::vector<T>& all, const std::string& name) {
  return static_cast<std::size_t>(std::find_if(all.begin(), all.end(), [&](const T& x) { return x.name == name; }) - all.begin());
}

// Empty, with a line on stderr, where there is none: the rest of a table needs no cost.
std::optional<network_cost> cost_or_none(const grid& g, const grid_network& n, const std::optional<int>& side, const dcs::stop_request& stop) {
  try {
    dcs::expect(side.has_value(), "the size of its images is its plan's, and no run with it has begun");
    return cost_of(g, n.net, *side, stop);
  } catch (const dcs::error& e) {
    report("the cost of " + n.name + ": " + e.what());
    return {};
  }
}

table_row row_of(const grid& g, const std::vector<grid_run>& runs, const grid_table& t, const std::string& network, const dcs::stop_request& stop) {
  const std::size_t set = index_of(g.sets, t.set), variant = index_of(g.variants, t.variant), n = index_of(g.networks, network);
  table_row row;
  row.network = &g.networks[n];
  std::array<std::vector<std::vector<double>>, figures.size()> numbers;
  numbers.fill(std::vector<std::vector<double>>(g.seeds.size()));
  std::optional<int> side;
  for (const grid_run& r : runs) {
    if (r.set != set || r.variant != variant || r.network != n) continue;
    ++row.runs;
    if (row.done == 0) side = side_of(r);
    if (!is_done(r)) continue;
    ++row.done;
    const auto x = figures_of_run(r);
    for (std::size_t f = 0; f < x.size(); ++f) numbers[f][r.seed].push_back(x[f]);
  }
  for (std::size_t f = 0; f < figures.size(); ++f) row.values[f] = value_of(numbers[f]);
  if (t.cost && !stop) row.cost = cost_or_none(g, *row.network, side, stop);
  return row;
}

std::string label_of(const grid_network& n, const std::string& column) {
  for (const auto& [name, text] : n.labels)
    if (name == column) return text;
  return column == "Model" ? n.name : "";
}

// Whether a row's number is the best of its column, of two at least.
bool is_best(const std::vector<table_row>& rows, std::size_t f, double mean) {
  std::size_t others = 0;
  for (const auto& row : rows) {
    if (!row.values[f]) continue;
    ++others;
    if (figures[f].more_is_better ? row.values[f]->mean > mean : row.values[f]->mean < mean) return false;
  }
  return others > 1;
}

std::string cell_of(const std::optional<figure_value>& v, bool best, bool latex) {
  if (!v) return latex ? "--" : "–";
  std::string text = formatted("%.2f", v->mean);
  if (v->deviation) text += (latex ? " $\\pm$ " : " ± ") + formatted("%.2f", *v->deviation);
  if (!best) return text;
  return latex ? "\\textbf{" + text + "}" : "**" + text + "**";
}

std::vector<std::vector<std::string>> cells(const grid_table& t, const std::vector<table_row>& rows, bool latex) {
  const auto escaped = [&](const std::string& text) { return latex ? escaped_latex(text) : escaped_markdown(text); };
  std::vector<std::vector<std::string>> lines(1);
  for (const auto& label : t.labels) lines[0].push_back(escaped(label));
  for (const auto& f : figures)
    lines[0].push_back(std::string(f.title) + (latex ? (f.more_is_better ? " $\\uparrow$" : " $\\downarrow$") : f.more_is_better ? " ↑" : " ↓"));
  if (t.cost) lines[0].insert(lines[0].end(), {"Params", "GFLOPs"});
  std::string before;
  for (const auto& row : rows) {
    std::vector<std::string> line;
    for (const auto& label : t.labels) line.push_back(escaped(label_of(*row.network, label)));
    // As in the paper, networks of one category follow one another, and the first alone names it.
    if (t.labels.size() > 1 && t.labels[0] == "Category") {
      if (line[0] == before) line[0].clear();
      before = line[0].empty() ? before : line[0];
    }
    for (std::size_t f = 0; f < figures.size(); ++f)
      line.push_back(cell_of(row.values[f], row.values[f] && is_best(rows, f, row.values[f]->mean), latex));
    if (row.cost)
      line.insert(line.end(), {formatted("%.2fM", row.cost->parameters / 1e6), formatted("%.2f", row.cost->multiply_adds / 1e9)});
    else if (t.cost)
      line.insert(line.end(), 2, cell_of({}, false, latex));
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string csv_of(const grid_table& t, const std::vector<table_row>& rows) {
  std::string out;
  for (const auto& row : rows) {
    const std::string head = dcs::io::csv_text(t.title) + "," + t.set + "," + t.variant + "," + row.network->name + ",";
    const std::string end = "," + std::to_string(row.done) + "," + std::to_string(row.runs) + "\n";
    for (std::size_t f = 0; f < figures.size(); ++f) {
      const auto& v = row.values[f];
      out += head + figures[f].key + "," + (v ? formatted("%.17g", v->mean) : "") + "," +
             (v && v->deviation ? formatted("%.17g", *v->deviation) : "") + end;
    }
    if (!t.cost) continue;
    out += head + "parameters," + (row.cost ? formatted("%.17g", row.cost->parameters) : "") + "," + end;
    out += head + "multiply_adds," + (row.cost ? formatted("%.17g", row.cost->multiply_adds) : "") + "," + end;
  }
  return out;
}

std::string text_of(const grid_table& t, const std::vector<table_row>& rows, const std::string& format) {
  if (format == "csv") return csv_of(t, rows);
  std::size_t done = 0, all = 0;
  for (const auto& row : rows) done += row.done, all += row.runs;
  const std::string missing = done == all ? "" : std::to_string(done) + " of " + std::to_string(all) + " runs are done\n";
  if (format == "markdown")
    return escaped_markdown(t.title) + "\n\n" + markdown_table(cells(t, rows, false)) + (missing.empty() ? "" : "\n" + missing);
  return "% " + dcs::printable(t.title) + "\n" + latex_table(cells(t, rows, true)) + (missing.empty() ? "" : "% " + missing);
}

}  // namespace

grid_tables tables_of(const grid& g, const std::vector<grid_run>& runs, const std::string& format, const dcs::stop_request& stop) {
  dcs::expect(format == "markdown" || format == "csv" || format == "latex", "--format ", format, ": expected markdown, csv or latex");
  grid_tables all;
  if (format == "csv") all.text = "table,set,variant,network,figure,mean,deviation,done,runs\n";
  for (std::size_t k = 0; k < g.tables.size(); ++k) {
    std::vector<table_row> rows;
    for (const auto& network : g.tables[k].networks) {
      rows.push_back(row_of(g, runs, g.tables[k], network, stop));
      if (g.tables[k].cost && !rows.back().cost) ++all.without_cost;
    }
    all.text += (k > 0 && format != "csv" ? "\n" : "") + text_of(g.tables[k], rows, format);
  }
  return all;
}

}  // namespace programs
