// A run is a folder: config.json, results.csv, last.safetensors, previous.safetensors, best.safetensors, evaluation.json, overlays/. docs/runs.md
// says what each is, and what a failure leaves. Nothing here knows the network.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/train/run/lock.hpp>

#include <dcs/core/warning.hpp>
#include <dcs/io/file.hpp>
#include <dcs/train/checkpoint.hpp>

#include <filesystem>
#include <optional>
#include <string>

DCS_EXACT_MATH
namespace dcs {

class run_folder {
 public:
  explicit run_folder(std::string folder) : folder_(std::move(folder)) {}

  const std::string& path() const { return folder_; }
  std::string config() const { return file("config.json"); }
  std::string results() const { return file("results.csv"); }
  std::string best() const { return file("best.safetensors"); }
  /// The checkpoint to go on from, and the one of the epoch before it.
  std::string last() const { return file("last.safetensors"); }
  std::string previous() const { return file("previous.safetensors"); }

  /// Takes the folder for this process, if there is one, and removes what processes that were killed had not finished. Throws error where
  /// another process trains in it.
  void claim() {
    if (lock_ || !std::filesystem::is_directory(folder_)) return;
    lock_.emplace(folder_);
    remove_unfinished();
  }
  /// Makes the folder, and takes it.
  void create() {
    io::create_folders(folder_, "dcs::run");
    claim();
    expect(lock_.has_value(), folder_, " leads to no folder");
  }
  /// Whether there is a checkpoint to go on from.
  bool has_checkpoint() const { return stands(last()) || stands(previous()); }
  /// Throws error where the folder holds a run that another would overwrite.
  void expect_new() const {
    expect(!has_checkpoint() && !stands(best()), folder_, " holds a run already; --resume continues it, another --out starts a new one");
  }

  /// What read(path) returns of the last checkpoint; where that cannot be read, or what it says cannot be, of the previous one, with a warning.
  /// Throws what is wrong with the last one where that fails too; also where a checkpoint is of another version, which is no damage.
  template <class Read>
  auto read_last(const Read& read) {
    std::string what = last() + " is not there";
    if (stands(last())) {
      try {
        return read(last());
      } catch (const checkpoint_version_error&) {
        throw;
      } catch (const error& e) {
        if (!stands(previous())) throw;
        what = e.what();
      }
    }
    auto result = read_previous(read, what);
    notice(what + "; going on from " + previous() + " instead, an epoch earlier");
    keep_previous_ = true;
    return result;
  }

  /// Makes what write(path) writes the last checkpoint, and the one that was last the previous one. At every moment, through a kill or a power
  /// failure, at least one of the two is whole, and `last` is there.
  template <class Write>
  void write_last(const Write& write) {
    write(next());
    // Where a damaged checkpoint is the last one, the previous one is the only one that is whole.
    if (!keep_previous_ && stands(last())) last_becomes_previous();
    keep_previous_ = false;
    rename(next(), last());
    io::sync_folder(folder_, "dcs::run");
  }

 private:
  std::string file(const char* name) const { return (std::filesystem::path(folder_) / name).string(); }
  std::string next() const { return file("next.safetensors"); }
  // A link to nothing stands too.
  static bool stands(const std::string& path) {
    std::error_code none;
    return std::filesystem::symlink_status(path, none).type() != std::filesystem::file_type::not_found;
  }
  static void rename(const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0) io::detail::refuse_call("dcs::run", ("rename " + from + " to").c_str(), to);
  }
  // By a second name for the same file, so that `last` is never away; by renaming it where the file system has no such names.
  void last_becomes_previous() const {
    const std::string linked = previous() + ".partial";
    ::unlink(linked.c_str());
    if (::link(last().c_str(), linked.c_str()) != 0) return rename(last(), previous());
    try {
      rename(linked, previous());
    } catch (...) {
      ::unlink(linked.c_str());
      throw;
    }
    ::unlink(linked.c_str());  // stays where `previous` was the same file already
  }
  template <class Read>
  auto read_previous(const Read& read, const std::string& what) const {
    try {
      return read(previous());
    } catch (const error& e) {
      fail(what, "; nor can the one before be used: ", e.what());
    }
  }
  // Files that this process alone writes; dcs_evaluate may be writing evaluation.json now.
  void remove_unfinished() const {
    namespace fs = std::filesystem;
    // A whole checkpoint that had not got its name yet. Where there is a last one, the epoch after that is done again, to the same bits.
    if (stands(next()) && !stands(last())) rename(next(), last());
    ::unlink(next().c_str());
    for (const auto& e : fs::directory_iterator(folder_)) {
      const std::string name = e.path().filename().string();
      const bool partial = name.size() > 8 && name.compare(name.size() - 8, 8, ".partial") == 0;
      for (const char* own : {"config.json.", "results.csv.", "best.safetensors.", "last.safetensors.", "previous.safetensors.", "next.safetensors."})
        if (partial && name.rfind(own, 0) == 0) ::unlink(e.path().c_str());  // folders stay
    }
  }

  std::string folder_;
  std::optional<run_lock> lock_;
  bool keep_previous_ = false;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
