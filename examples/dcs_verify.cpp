// Names what is wrong with a data set in folders, and prints what it looks like.
#include "command_line.hpp"
#include "session.hpp"

#include <dcs/data/verify.hpp>
#include <dcs/image/contact_sheet.hpp>

namespace {

// Images of the set at equal distances, all of them where there are no more than `most`.
void write_sheet(const std::string& path, const dcs::verification& v, std::int64_t most, const dcs::io::image_limits& limits) {
  std::vector<const dcs::verified_image*> usable;
  for (const auto& i : v.images)
    if (i.usable) usable.push_back(&i);
  dcs::expect(!usable.empty(), "--sheet: no image of the set can be shown");
  const auto count = static_cast<std::int64_t>(usable.size()), shown = std::min(count, most);
  std::vector<dcs::image> pictures(static_cast<std::size_t>(shown));
  dcs::cpu::parallel_for(shown, [&](std::int64_t k) {
    const auto& files = usable[static_cast<std::size_t>(k * count / shown)]->files;
    pictures[static_cast<std::size_t>(k)] =
        dcs::contact_picture(dcs::io::read_image(files.image, limits), dcs::io::read_mask(files.mask, limits), 96);
  });
  dcs::io::write_png(path, dcs::contact_sheet(pictures, 8));
}

// A sheet may replace an older sheet, but no image or mask of the set, by whatever name or link.
void expect_no_file_of(const std::string& set, const std::string& sheet) {
  namespace fs = std::filesystem;
  if (sheet.empty() || !fs::exists(sheet)) return;
  for (const char* split : {"train", "val", "test"})
    for (const char* kind : {"images", "masks"}) {
      std::error_code no_folder;
      for (const auto& e : fs::directory_iterator(fs::path(set) / split / kind, no_folder)) {
        std::error_code other;
        dcs::expect(!fs::equivalent(e.path(), sheet, other), "--sheet ", dcs::printable(sheet), ": this is a file of the set, ",
                    dcs::printable(e.path().string()), "; expected another name");
      }
    }
}

int body(int argc, char** argv) {
  std::string set, group, sheet;
  std::int64_t pictures = 48;
  dcs::verify_options o;
  CLI::App app{
      "Reads every image and mask of SET/{train,val,test}, names each fault (exit code 1 where there is one), and prints sizes, intensities and "
      "objects"};
  app.add_option("SET", set, "folder of the set")->required();
  app.add_option("--labels", o.labels, "masks may hold the labels 0 to N; without, 0 and 1, or 0 and 255, alone")->check(CLI::Range(1, 65535));
  app.add_option(
         "--near", o.near,
         "images in two splits whose perceptual hashes (pHash, 64 bits) differ in at most this many bits are copies; -1: only equal pixels are")
      ->capture_default_str()
      ->check(CLI::Range(-1, 64));
  app.add_option("--group", group,
                 "images that belong into one split, as those of a patient: NAME.csv with rows name,group, or a regular expression on the name "
                 "without extension whose first parentheses are the group");
  app.add_option("--sheet", sheet, "write a contact sheet as PNG: images with their masks' outlines; an older one is replaced");
  app.add_option("--sheet-images", pictures, "images on the sheet at most, at equal distances")->capture_default_str()->check(CLI::Range(1, 1000));
  programs::add_limits(app, o.limits);
  programs::add_conventions(app, "dcs_verify", {"set --sheet sheet.png", "set --labels 3 --group '^patient([0-9]+)_'"});
  CLI11_PARSE(app, argc, argv);
  expect_no_file_of(set, sheet);
  if (!group.empty()) o.groups.emplace(group);
  const dcs::verification v = dcs::verify_set(set, o);
  std::printf("%s", v.statistics.text().c_str());
  for (const auto& note : v.notes) std::printf("note: %s\n", dcs::printable(note).c_str());
  for (const auto& fault : v.faults) std::printf("fault: %s\n", fault.text().c_str());
  if (!sheet.empty()) write_sheet(sheet, v, pictures, o.limits);
  std::printf("%s: %zu images, %zu faults\n", dcs::printable(set).c_str(), v.images.size(), v.faults.size());
  return v.faults.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return programs::guarded("dcs_verify", body, argc, argv); }
