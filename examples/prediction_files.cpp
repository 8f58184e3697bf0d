#include "predictions.hpp"
#include "text.hpp"

#include <dcs/data/coco.hpp>
#include <dcs/io/csv.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/names.hpp>

#include <filesystem>

namespace programs {

namespace fs = std::filesystem;
using json = nlohmann::json;

namespace {

json box_of(const dcs::lesion_size& s) { return {s.left, s.top, s.right, s.bottom}; }

json lesions_json(const found_in_image& f) {
  json all = json::array();
  for (const auto& l : f.lesions) {
    json j{{"pixels", l.in_pixels.pixels},
           {"score", l.score},
           {"box", box_of(l.in_pixels)},
           {"centre", {l.in_pixels.column, l.in_pixels.row}},
           {"diameter_pixels", l.in_pixels.diameter}};
    if (l.in_mm) j["area_mm2"] = l.in_mm->area, j["diameter_mm"] = l.in_mm->diameter;
    all.push_back(std::move(j));
  }
  return all;
}

json image_json(const found_in_image& f) {
  json j{{"image", dcs::json_name(f.path)}, {"height", f.height}, {"width", f.width}, {"detections", json::array()}, {"lesions", lesions_json(f)}};
  if (f.slice >= 0) j["slice"] = f.slice;
  j["spacing"] = f.spacing ? json{f.spacing->rows, f.spacing->columns} : json();
  for (const auto& d : f.detections) j["detections"].push_back({{"box", {d.box.x1, d.box.y1, d.box.x2, d.box.y2}}, {"score", d.score}});
  return j;
}

// The folder that all images are below, which the names in a COCO file start from.
fs::path common_folder(const std::vector<found_in_image>& found) {
  std::optional<fs::path> common;
  for (const auto& f : found) {
    if (f.slice >= 0) continue;
    const fs::path folder = fs::path(dcs::absolute_path(f.path)).parent_path();
    if (!common) common = folder;
    while (!common->empty() && *common != common->root_path()) {
      const fs::path below = folder.lexically_relative(*common);
      if (!below.empty() && *below.begin() != "..") break;
      common = common->parent_path();
    }
  }
  return common.value_or(fs::path());
}

json coco_annotation(const found_in_image& f, const found_lesion& l, std::size_t image, std::size_t id) {
  const dcs::lesion_size& s = l.in_pixels;
  return {{"id", id},
          {"image_id", image},
          {"category_id", 1},
          {"iscrowd", 0},
          {"score", l.score},
          {"area", s.pixels},
          {"bbox", {s.left, s.top, s.right - s.left, s.bottom - s.top}},
          {"segmentation", {{"size", {f.height, f.width}}, {"counts", dcs::detail::text_of_runs(l.runs)}}}};
}

// Slices of volumes are no image files, and are left out.
json coco_json(const std::vector<found_in_image>& found) {
  const fs::path folder = common_folder(found);
  json images = json::array(), annotations = json::array();
  for (const auto& f : found) {
    if (f.slice >= 0) continue;
    const std::size_t id = images.size() + 1;
    const std::string name = fs::path(dcs::absolute_path(f.path)).lexically_relative(folder).string();
    images.push_back({{"id", id}, {"file_name", dcs::json_name(name)}, {"height", f.height}, {"width", f.width}});
    for (const auto& l : f.lesions) annotations.push_back(coco_annotation(f, l, id, annotations.size() + 1));
  }
  return {{"info", {{"images_folder", dcs::json_name(folder.string())}}},
          {"images", images},
          {"categories", {{{"id", 1}, {"name", "lesion"}}}},
          {"annotations", annotations}};
}

std::string lesions_csv(const std::vector<found_in_image>& found) {
  std::string out = "image,slice,lesion,score,centre_x,centre_y,area_pixels,area_mm2,diameter_pixels,diameter_mm\n";
  for (const auto& f : found)
    for (std::size_t k = 0; k < f.lesions.size(); ++k) {
      const found_lesion& l = f.lesions[k];
      out += dcs::io::csv_text(f.path) + "," + (f.slice >= 0 ? std::to_string(f.slice) : "") + "," + std::to_string(k + 1);
      out += formatted(",%.6f,%.3f,%.3f,%lld,", l.score, l.in_pixels.column, l.in_pixels.row, static_cast<long long>(l.in_pixels.pixels));
      out += l.in_mm ? formatted("%.4f", l.in_mm->area) : "";
      out += formatted(",%.4f,", l.in_pixels.diameter) + (l.in_mm ? formatted("%.4f", l.in_mm->diameter) : "") + "\n";
    }
  return out;
}

}  // namespace

prediction_files::prediction_files(const std::string& out)
    : json((fs::path(out) / "predictions.json").string()),
      coco((fs::path(out) / "coco.json").string()),
      csv((fs::path(out) / "lesions.csv").string()) {}

void write_found(const predict_request& p, const finished_how& finish, const std::vector<found_in_image>& found) {
  const prediction_files files(p.out);
  json runs = json::array(), images = json::array();
  for (const auto& run : p.runs) runs.push_back(dcs::json_name(run));
  for (const auto& f : found) images.push_back(image_json(f));
  const json all{{"runs", std::move(runs)},
                 {"checkpoint", p.checkpoint},
                 {"test_time_augmentation", finish.augmented},
                 {"postprocessing", finish.chosen.has_value()},
                 {"images", std::move(images)}};
  dcs::io::write_bytes(files.json, "dcs::predict", all.dump(2) + "\n");
  dcs::io::write_bytes(files.coco, "dcs::predict", coco_json(found).dump() + "\n");
  dcs::io::write_bytes(files.csv, "dcs::predict", lesions_csv(found));
}

}  // namespace programs
