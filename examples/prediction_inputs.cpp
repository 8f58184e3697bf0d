#include "prediction_inputs.hpp"

#include <dcs/data/spacing.hpp>
#include <dcs/io/file.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

namespace programs {

namespace fs = std::filesystem;

namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}
bool is_volume(const std::string& name) { return lower(name).ends_with(".nii") || lower(name).ends_with(".nii.gz"); }
bool is_list(const std::string& path) { return lower(path).ends_with(".txt") && !fs::is_directory(path); }

std::string result_name(const fs::path& path) {
  const std::string name = path.filename().string();
  return lower(name).ends_with(".nii.gz") ? name.substr(0, name.size() - 7) : path.stem().string();
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& e : fs::directory_iterator(folder)) {
    const std::string name = e.path().filename().string();
    const bool known = is_volume(name) || dcs::without_image_extension(name) != name;
    if (known && name.front() != '.' && !e.is_directory()) files.push_back(e.path().string());
  }
  std::sort(files.begin(), files.end());
  dcs::expect(!files.empty(), folder, ": this folder holds no image or volume (.png, .jpg, .jpeg, .tif, .tiff, .nii, .nii.gz)");
  return files;
}

std::vector<std::string> lines_of(const std::string& list) {
  std::istringstream text(dcs::io::read_bytes(list, "dcs::predict", std::int64_t{1} << 28));
  std::vector<std::string> paths;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const std::string path = (fs::path(list).parent_path() / line).string();
    dcs::expect(!is_list(path), list, ": names the list ", line, "; expected images, volumes and folders");
    paths.push_back(path);
  }
  dcs::expect(!paths.empty(), list, ": this list names nothing; expected a path in each line");
  return paths;
}

// Tables of spacings by the set's folder, each read once.
class known_spacings {
 public:
  std::optional<dcs::pixel_spacing> of(const std::string& image) {
    const fs::path whole = dcs::absolute_path(image);
    if (whole.parent_path().filename() != "images") return {};
    const std::string set = whole.parent_path().parent_path().parent_path().string();
    auto at = tables_.find(set);
    if (at == tables_.end()) at = tables_.emplace(set, dcs::read_spacing(set)).first;
    const auto found = at->second.find(dcs::without_image_extension(whole.filename().string()));
    return found == at->second.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string, dcs::spacing_table> tables_;
};

}  // namespace

std::vector<prediction_input> prediction_inputs(const std::vector<std::string>& arguments) {
  std::vector<std::string> named, files;
  for (const auto& a : arguments) {
    const auto paths = is_list(a) ? lines_of(a) : std::vector{a};
    named.insert(named.end(), paths.begin(), paths.end());
  }
  for (const auto& path : named) {
    const auto of_path = fs::is_directory(path) ? files_in(path) : std::vector{path};
    files.insert(files.end(), of_path.begin(), of_path.end());
  }
  std::vector<prediction_input> inputs;
  std::map<std::string, std::string> taken;
  known_spacings spacings;
  for (const auto& path : files) {
    prediction_input i{path, result_name(path), is_volume(path)};
    const auto [other, is_new] = taken.emplace(i.name, path);
    dcs::expect(is_new, path, ": its results would have the names of those of ", other->second);
    if (!i.is_volume) i.spacing = spacings.of(path);
    inputs.push_back(std::move(i));
  }
  return inputs;
}

}  // namespace programs
