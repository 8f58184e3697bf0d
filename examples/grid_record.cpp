#include "grid_record.hpp"

#include "resuming_flags.hpp"
#include "text.hpp"

#include <dcs/core/parse.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/data/fingerprint.hpp>
#include <dcs/io/crc32c.hpp>
#include <dcs/train/run/config.hpp>
#include <dcs/train/run/folder.hpp>

#include <filesystem>

namespace programs {

namespace {

namespace fs = std::filesystem;
using dcs::json;

std::string record_path(const grid_run& r) { return (fs::path(r.folder) / "grid.json").string(); }

std::string checksum_of(const std::string& path) {
  if (!fs::is_regular_file(path)) return {};
  const std::string bytes = dcs::io::read_bytes(path, "dcs::grid", std::int64_t{1} << 32);
  return formatted("%08x", dcs::io::crc32c(bytes.data(), bytes.size()));
}

// The flags that a run keeps, or those that it may be resumed with.
std::vector<std::string> those_that(const std::vector<std::string>& arguments, bool change) {
  std::vector<std::string> some;
  for (const auto& a : arguments)
    if (may_be_resumed_with(a.substr(2, a.find('=') - 2)) == change) some.push_back(a);
  return some;
}

json config_of_run(const grid_run& r) {
  const std::string path = dcs::run_folder(r.folder).config();
  return dcs::parse_json(dcs::io::read_bytes(path, "dcs::grid", 1 << 24), path);
}

// dcs_train compares the set of a run that goes on, but not that of one that has ended, which would be evaluated on another set as if it were its
// own. Where --skip-bad left files out, the fingerprints differ, and the set is refused at its new place.
void expect_same_set(const grid_run& r, const run_record& record) {
  if (record.data == dcs::absolute_path(r.data)) return;
  const json config = config_of_run(r);
  dcs::expect(config.value("data_fingerprint", "") == dcs::data_fingerprint(r.data), record_path(r), ": the run was begun on the set ",
              dcs::printable(record.data), ", and ", dcs::printable(r.data), " differs from it; expected the same one, or another name or out");
}

}  // namespace

run_record record_now(const grid_run& r, bool done) {
  run_record record{dcs::absolute_path(r.data), r.train, r.evaluate, r.plan.empty() ? "" : checksum_of(r.plan), {}, {}, done};
  if (!done) return record;
  record.evaluation = checksum_of((fs::path(r.folder) / "evaluation.json").string());
  record.postprocessing = checksum_of((fs::path(r.folder) / "postprocessing.json").string());
  return record;
}

std::optional<run_record> read_record(const grid_run& r) {
  const std::string path = record_path(r);
  if (!fs::exists(path)) return {};
  const json j = dcs::parse_json(dcs::io::read_bytes(path, "dcs::grid", 1 << 24), path);
  try {
    return run_record{dcs::name_of_json(j.at("data")), j.at("train"), j.at("evaluate"), j.at("plan"), j.at("evaluation"),
                      j.at("postprocessing"),          j.at("done")};
  } catch (const json::exception& e) {
    dcs::fail(path, ": ", e.what());
  }
}

void write_record(const grid_run& r, const run_record& record) {
  const json j{{"data", dcs::json_name(record.data)},
               {"train", record.train},
               {"evaluate", record.evaluate},
               {"plan", record.plan},
               {"evaluation", record.evaluation},
               {"postprocessing", record.postprocessing},
               {"done", record.done}};
  dcs::io::write_bytes(record_path(r), "dcs::grid", j.dump(2) + "\n");
}

void expect_resumable(const grid_run& r, const std::optional<run_record>& record) {
  dcs::expect(record.has_value(), r.folder, ": holds a run that dcs_grid did not begin; expected another out");
  const std::string path = record_path(r);
  dcs::expect(those_that(record->train, false) == those_that(r.train, false), path,
              ": the run was begun with other options; expected the same ones, or another name or out");
  dcs::expect(record->plan == record_now(r, false).plan, path, ": the run was begun with another ", r.plan,
              "; expected the same one, or another name or out");
  expect_same_set(r, *record);
  const auto before = value_of(record->train, "epochs"), asked = value_of(r.train, "epochs");
  dcs::expect(asked || !before, path, ": the run was begun with --epochs=", before.value_or(""), "; expected epochs among its flags too");
  const auto epochs = config_number(r, "epochs");
  const auto wanted = asked ? dcs::parse_whole(*asked) : std::nullopt;
  if (epochs && wanted)
    dcs::expect(*wanted >= *epochs, path, ": the run has ", *epochs, " epochs; expected as many or more, not --epochs=", *wanted,
                ", or another name or out");
}

std::optional<std::string> value_of(const std::vector<std::string>& arguments, const std::string& name) {
  for (const auto& a : arguments)
    if (a.starts_with("--" + name + "=")) return a.substr(name.size() + 3);
  return {};
}

std::optional<std::int64_t> config_number(const grid_run& r, const char* key) {
  const std::string path = dcs::run_folder(r.folder).config();
  if (!fs::exists(path)) return {};
  const json j = config_of_run(r);
  const auto at = j.find(key);
  dcs::expect(at != j.end() && at->is_number_integer(), path, ": ", key, " is missing, or no whole number");
  return at->get<std::int64_t>();
}

std::vector<std::string> resuming_arguments(const grid_run& r) { return those_that(r.train, true); }

}  // namespace programs
