// A run is a folder: config.json, results.csv, curves.png, last.safetensors, previous.safetensors, best.safetensors, evaluation.json, overlays/.
// docs/runs.md describes each, and the state after a failure. Independent of the network.
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
  std::string curves() const { return file("curves.png"); }
  std::string events() const { return file("events.out.tfevents.dcs"); }
  std::string best() const { return file("best.safetensors"); }
  /// The checkpoint to continue from, and the one before it.
  std::string last() const { return file("last.safetensors"); }
  std::string previous() const { return file("previous.safetensors"); }

  /// Locks the folder, if it exists, and removes unfinished files of processes that were killed. Throws error where another process trains in it.
  void claim() {
    if (lock_ || !std::filesystem::is_directory(folder_)) return;
    lock_.emplace(folder_);
    remove_unfinished();
  }
  /// Creates and locks the folder.
  void create() {
    io::create_folders(folder_, "dcs::run");
    claim();
    expect(lock_.has_value(), folder_, " leads to no folder");
  }
  /// Whether there is a checkpoint to continue from.
  bool has_checkpoint() const { return stands(last()) || stands(previous()); }
  /// Throws error where the folder holds a run that another would overwrite.
  void expect_new() const {
    expect(!has_checkpoint() && !stands(best()), folder_, " holds a run already; --resume continues it, another --out starts a new one");
  }

  /// The result of read(path) for the last checkpoint; where it throws because that file is unreadable or invalid, for the previous one, with a
  /// warning. Where that fails too, throws the error about the last one. A checkpoint of another version is not damaged, and its error is thrown at
  /// once.
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
    notice(what + "; going on from " + previous() + " instead, which is the checkpoint before");
    keep_previous_ = true;
    return result;
  }

  /// Writes a checkpoint by write(path) as the new last one; the former last one becomes the previous one. At every moment, also after a kill or a
  /// power failure, `last` exists and at least one of the two is intact.
  template <class Write>
  void write_last(const Write& write) {
    write(next());
    // Where the last checkpoint is damaged, the previous one is the only intact one and must be kept.
    if (!keep_previous_ && stands(last())) last_becomes_previous();
    keep_previous_ = false;
    rename(next(), last());
    io::sync_folder(folder_, "dcs::run");
  }

 private:
  std::string file(const char* name) const { return (std::filesystem::path(folder_) / name).string(); }
  std::string next() const { return file("next.safetensors"); }
  // True for a broken link too.
  static bool stands(const std::string& path) {
    std::error_code none;
    return std::filesystem::symlink_status(path, none).type() != std::filesystem::file_type::not_found;
  }
  static void rename(const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0) io::detail::refuse_call("dcs::run", ("rename " + from + " to").c_str(), to);
  }
  // By a hard link, so that `last` exists at every moment; by renaming it where the file system has no hard links.
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
  // Only files that training writes are removed: dcs_evaluate may be writing evaluation.json at this moment.
  void remove_unfinished() const {
    namespace fs = std::filesystem;
    // A complete checkpoint that had not been renamed yet. Where there is a last one, what came after it is repeated, with the same bits.
    if (stands(next()) && !stands(last())) rename(next(), last());
    ::unlink(next().c_str());
    for (const auto& e : fs::directory_iterator(folder_)) {
      const std::string name = e.path().filename().string();
      const bool partial = name.size() > 8 && name.compare(name.size() - 8, 8, ".partial") == 0;
      for (const char* own : {"config.json.", "results.csv.", "curves.png.", "events.out.tfevents.dcs.", "best.safetensors.", "last.safetensors.",
                              "previous.safetensors.", "next.safetensors."})
        if (partial && name.rfind(own, 0) == 0) ::unlink(e.path().c_str());  // leaves folders alone
    }
  }

  std::string folder_;
  std::optional<run_lock> lock_;
  bool keep_previous_ = false;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
