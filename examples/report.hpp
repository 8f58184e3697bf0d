// The report of a run: one HTML file that needs no other, and no network.
#pragma once

#include <string>

namespace programs {

/// Writes RUN/report.html, whole or not at all, from config.json, results.csv, evaluation.json and overlays/, of which only the first must be there:
/// configuration, curves, means, a table of images, and up to `overlays` pictures, the worst first. Returns its path. Throws dcs::error where a file
/// cannot be read or is not what dcs_train and dcs_evaluate write.
std::string write_report(const std::string& run, int overlays);

}  // namespace programs
