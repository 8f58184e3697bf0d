// The curves of a run, from its results.csv alone: panels of losses, measures and rate, and their picture, curves.png.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/plot.hpp>
#include <dcs/io/png.hpp>
#include <dcs/train/run/folder.hpp>
#include <dcs/train/run/results.hpp>

DCS_EXACT_MATH
namespace dcs {

/// Panels of a run's table, of whatever network: the losses of training and validation; the terms of the validation loss; its measures between 0 and
/// 1; every other measure by itself; the learning rate. Measures are the columns behind the last that begins with val_.
inline std::vector<plot_panel> curves_of(const result_columns& c) {
  const std::int64_t first = c.rows() > 0 ? static_cast<std::int64_t>(c.values[0][0]) : 1;
  const auto column = [&](std::size_t k, const std::string& name) { return curve{name, c.values[k]}; };
  plot_panel losses{"loss", {}, first}, terms{"terms of the validation loss", {}, first}, shares{"measures of the validation", {}, first};
  std::vector<plot_panel> others;
  std::size_t behind = 0;
  for (std::size_t k = 0; k < c.names.size(); ++k) {
    const std::string& name = c.names[k];
    if (name == "total") losses.curves.push_back(column(k, "training"));
    if (name.rfind("val_", 0) != 0) continue;
    behind = k + 1;
    (name == "val_total" ? losses : terms).curves.push_back(column(k, name == "val_total" ? "validation" : name.substr(4)));
  }
  for (std::size_t k = behind; k < c.names.size(); ++k) {
    const auto& v = c.values[k];
    if (c.names[k] != "missed" && std::all_of(v.begin(), v.end(), [](double x) { return x >= 0 && x <= 1; }))
      shares.curves.push_back(column(k, c.names[k]));
    else
      others.push_back({c.names[k], {column(k, "validation")}, first});
  }
  std::vector<plot_panel> all{losses, terms, shares};
  all.insert(all.end(), others.begin(), others.end());
  if (const auto* rate = c.find("rate")) all.push_back({"learning rate", {{"rate", *rate}}, first});
  return all;
}

/// Writes a run's curves.png from its results.csv, whole or not at all. Throws dcs::error where one cannot be read or the other not be written.
inline void write_curves(const run_folder& run) { io::write_png(run.curves(), draw_plot(curves_of(read_results(run.results())))); }

}  // namespace dcs

#include <dcs/core/header_end.inl>
