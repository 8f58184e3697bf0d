// Converts a data set in another layout to SET/{train,val,test}/{images,masks}/NAME, and splits it.
#include "command_line.hpp"
#include "conversion_sources.hpp"
#include "session.hpp"
#include "volume_flags.hpp"

namespace {

void add_split_flags(CLI::App& app, dcs::conversion_options& o, std::string& group) {
  app.add_option("--val", o.split.val, "share of the images to validate with")->capture_default_str()->check(programs::number(0, 1));
  app.add_option("--test", o.split.test, "share of the images to test with")->capture_default_str()->check(programs::number(0, 1));
  app.add_option("--seed", o.split.seed, "seed of the split: the same images and seed give the same split")
      ->capture_default_str()
      ->check(programs::digits());
  app.add_option("--group", group,
                 "images that stay in one split, as those of a patient: NAME.csv with rows name,group, or a regular expression on the image's name "
                 "without extension whose first parentheses are the group")
      ->capture_default_str();
  app.add_option("--block", o.split.block, "slices of a volume, in their order, that stay in one split; 0: all of a volume's")
      ->capture_default_str()
      ->check(programs::whole_number());
  app.add_option("--folds", o.folds, "write K sets OUT/fold0, OUT/fold1, ... for cross-validation; each tests with another part, --test is not asked")
      ->check(CLI::Range(2, 100));
}

void add_source_flags(CLI::App& app, programs::source_request& s) {
  app.add_option("--from", s.format, programs::formats_text())->required()->check(CLI::IsMember(programs::format_names()));
  app.add_option("--images", s.images,
                 "folder of the images or volumes; of kvasir: the folder that holds images/ and masks/; of nifti: a volume too; "
                 "of dicom: any folders of series")
      ->required();
  app.add_option("--annotations", s.annotations,
                 "of coco: the JSON file; of yolo: the folder of text files; of nifti: volumes of labels, named as their images; of "
                 "dicom: segmentations (SEG), or masks at the images' paths, with the extension .png");
  app.add_option("--classes", s.classes,
                 "what is lesion: names of coco's categories, numbers of yolo's classes, values of nifti's labels, "
                 "numbers or labels of dicom's segments; all without")
      ->delimiter(',');
  programs::add_volume_flags(app, s.volume, "; of dicom, what the files state");
  app.add_flag("--lesions-only", s.volume.lesions_only, "volumes: leave out slices without lesion");
}

int body(int argc, char** argv) {
  programs::source_request s;
  dcs::conversion_options o;
  std::string out, group;
  CLI::App app{"Converts a data set to OUT/{train,val,test}/{images,masks}/NAME. Formats that are not built in say which library they lack"};
  add_source_flags(app, s);
  app.add_option("--out", out, "new folder of the set")->required();
  app.add_flag("--instances", o.instances, "masks number their objects, for dcs_train --instances; without, they are 0 and 255");
  add_split_flags(app, o, group);
  programs::add_limits(app, s.limits);
  programs::add_conventions(app, "dcs_convert",
                            {"--from coco --images photos --annotations instances.json --classes lesion --out set",
                             "--from nifti --images volumes --annotations labels --window 40,400 --lesions-only --out set",
                             "--from kvasir --images Kvasir-SEG --group '^([0-9]+)_' --folds 5 --out set"});
  CLI11_PARSE(app, argc, argv);
  s.instances = o.instances, s.percentiles_given = app.count("--percentiles") > 0;
  const auto source = programs::make_source(s);
  if (!group.empty()) o.split.groups.emplace(group);
  const dcs::conversion_summary w = dcs::convert(*source, out, o);
  std::printf("%s: %lld images to train on, %lld to validate, %lld to test; %lld without lesion\n", dcs::printable(out).c_str(),
              static_cast<long long>(w.train), static_cast<long long>(w.val), static_cast<long long>(w.test), static_cast<long long>(w.empty));
  if (o.folds > 0)
    std::printf("%d folds (the numbers are of fold0), whose files are %s\n", o.folds,
                w.linked ? "hard links of one another" : "copies, as this file system has no hard links");
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return programs::guarded("dcs_convert", body, argc, argv); }
