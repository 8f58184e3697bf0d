// Conversion: COCO's segmentations as pycocotools draws them (goldens/coco.py), YOLO's segments, folders as Kvasir-SEG is, and the sets that are
// written.
#include "../io/raw_images.hpp"

#include <dcs/data/coco.hpp>
#include <dcs/data/folder.hpp>
#include <dcs/data/folder_source.hpp>
#include <dcs/data/yolo.hpp>

#include <cstdlib>
#include <set>

using namespace dcs;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct temporary_folder {
  fs::path root = fs::temp_directory_path() / ("dcs_convert_test_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)));
  temporary_folder() { fs::create_directories(root); }
  temporary_folder(const temporary_folder&) = delete;
  ~temporary_folder() { fs::remove_all(root); }
  std::string operator/(const std::string& name) const { return (root / name).string(); }
  // A grey image, in a folder that is made for it.
  void put_image(const std::string& name, std::int64_t h, std::int64_t w, std::uint8_t value = 50) const {
    fs::create_directories((root / name).parent_path());
    io::write_png((root / name).string(), {h, w, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(h * w), value)});
  }
  std::string put(const std::string& name, const std::string& bytes) const {
    fs::create_directories((root / name).parent_path());
    raw::put_bytes((root / name).string(), bytes);
    return (root / name).string();
  }
};

json coco_golden() {
  const char* tests = std::getenv("DCS_TEST_DATA");
  return json::parse(raw::bytes_of(std::string(tests ? tests : "tests") + "/goldens/coco.json"));
}
std::string rows_of(const label_map& m) {
  std::string text;
  for (const auto k : m.pixels) text += k != 0 ? '1' : '0';
  return text;
}

}  // namespace

TEST_CASE("COCO: the text of runs is the one that pycocotools writes, and the runs of an object are its mask") {
  const json all = coco_golden().at("annotations");
  int texts = 0;
  for (std::size_t k = 0; k + 1 < all.size() && all[k].at("segmentation").is_object(); k += 2) {
    // Each mask stands there twice: in numbers, and as text.
    const auto runs = all[k].at("segmentation").at("counts").get<std::vector<std::int64_t>>();
    const auto size = all[k].at("segmentation").at("size").get<std::vector<std::int64_t>>();
    const auto text = all[k + 1].at("segmentation").at("counts").get<std::string>();
    CHECK(detail::text_of_runs(runs) == text);
    CHECK(detail::runs_of_text(text) == runs);
    label_map objects{size[0], size[1], std::vector<std::int32_t>(static_cast<std::size_t>(size[0] * size[1]), 3)};
    detail::for_each_pixel_of_runs(runs, size[0], size[1], [&](std::int64_t y, std::int64_t x) { objects.at(y, x) = 5; });
    const auto all_runs = detail::runs_of_objects(objects, 5);
    REQUIRE(all_runs.size() == 5);
    CHECK(all_runs[0] == std::vector<std::int64_t>{size[0] * size[1]});  // there is no object 1
    CHECK(all_runs[4] == runs);
    ++texts;
  }
  CHECK(texts == 4);
  // Objects that touch, end at the last pixel, and lie in each other.
  const label_map touching{3, 3, {1, 1, 4, 2, 3, 2, 2, 2, 2}};
  const auto runs = detail::runs_of_objects(touching, 3);
  CHECK(runs == std::vector<std::vector<std::int64_t>>{{0, 1, 2, 1, 5}, {1, 2, 2, 1, 1, 2}, {4, 1, 4}});
  for (const std::int64_t n : {0, 1, 15, 16, 31, 32, 1023, 1024, 1 << 20})
    CHECK(detail::runs_of_text(detail::text_of_runs({n, 5, n, 1, 7, n + 3})) == std::vector<std::int64_t>{n, 5, n, 1, 7, n + 3});
}

TEST_CASE("COCO: runs as pycocotools has them; polygons differ from it in pixels of the outline alone") {
  const temporary_folder t;
  const json file = coco_golden();
  for (const auto& i : file.at("images")) t.put_image("images/" + i.at("file_name").get<std::string>(), 40, 50);
  const coco_source source(t / "images", t.put("coco.json", file.dump()));
  REQUIRE(source.images().size() == file.at("expected").size());
  CHECK(source.images()[3].name == "sub_3");
  for (std::size_t k = 0; k < source.images().size(); ++k) {
    CAPTURE(k);
    const converted_image c = source.read(k);
    std::string expected;
    for (const auto& row : file.at("expected")[k]) expected += row.get<std::string>();
    const std::string found = rows_of(c.objects);
    REQUIRE(found.size() == expected.size());
    if (!file.at("annotations")[k].at("segmentation").is_array()) {
      CHECK(found == expected);
      continue;
    }
    for (std::int64_t y = 0; y < 40; ++y)
      for (std::int64_t x = 0; x < 50; ++x) {
        const auto at = [&](std::int64_t v, std::int64_t u) {
          return expected[static_cast<std::size_t>(std::clamp<std::int64_t>(v, 0, 39) * 50 + std::clamp<std::int64_t>(u, 0, 49))];
        };
        if (found[static_cast<std::size_t>(y * 50 + x)] == at(y, x)) continue;
        bool outline = false;  // a neighbour, by side or corner, is of the other kind
        for (std::int64_t v = y - 1; v <= y + 1; ++v)
          for (std::int64_t u = x - 1; u <= x + 1; ++u) outline |= at(v, u) != at(y, x);
        CHECK(outline);
      }
  }
}

TEST_CASE("COCO: classes, several objects, and what is wrong") {
  const temporary_folder t;
  t.put_image("images/a.png", 4, 6);
  const auto file = [&](const std::string& segmentation, const std::string& more = "", const std::string& name = "a.png") {
    return t.put("coco.json", R"({"images":[{"id":1,"file_name":")" + name +
                                  R"(","height":4,"width":6}],"categories":[{"id":1,"name":"x"},{"id":2,"name":"y"}],)"
                                  R"("annotations":[{"image_id":1,"category_id":1,"segmentation":)" +
                                  segmentation + "}" + more + "]}");
  };
  const std::string square = "[[0,0,2,0,2,2,0,2]]", other = R"(,{"image_id":1,"category_id":2,"segmentation":[[1,0,4,0,4,1,1,1]]})";
  CHECK(rows_of(coco_source(t / "images", file(square, other)).read(0).objects) == "111100110000000000000000");
  CHECK(coco_source(t / "images", file(square, other)).read(0).objects.at(0, 1) == 2);  // the later object
  CHECK(rows_of(coco_source(t / "images", file(square, other), {"y"}).read(0).objects) == "011100000000000000000000");
  const auto refused = [&](const std::string& path, const char* words, const std::vector<std::string>& classes = {}) {
    CHECK_THROWS_WITH_AS((void)coco_source(t / "images", path, classes).read(0), doctest::Contains(words), error);
    CHECK_THROWS_WITH_AS((void)coco_source(t / "images", path, classes).read(0), doctest::Contains("coco.json"), error);
  };
  // Names with a backslash or a byte that is no UTF-8, as they are or as json_name spells them.
  const std::string odd = "b\\\xff.png", plain = R"(c\d.png)";
  t.put_image("images/" + odd, 4, 6), t.put_image("images/" + plain, 4, 6);
  for (const std::string& name : {json_name(odd), json_name(plain), plain}) {
    const std::string quoted = json(name).dump();
    CHECK(coco_source(t / "images", file(square, "", quoted.substr(1, quoted.size() - 2))).read(0).objects.at(0, 0) == 1);
  }
  refused(file(square), "no category z", {"z"});
  refused(file("[[0,0,2,0]]"), "2 corners");
  refused(file("[[0,0,2,0,1]]"), "a polygon of 5 numbers");
  refused(file(R"([["a"]])"), "a.png");
  refused(file(R"({"size":[4,6],"counts":[3,5]})"), "runs of 8 pixels in all");
  refused(file(R"({"size":[4,6],"counts":[3,500000000000]})"), "a run of 500000000000 pixels");
  refused(file(R"({"size":[4,6],"counts":[30,-6]})"), "a run of 30 pixels");
  refused(file(R"({"size":[6,4],"counts":[24]})"), "another size than its image");
  refused(file(R"({"size":[4,6],"counts":"o"})"), "ends within a number");
  refused(file(R"({"size":[4,6],"counts":"oooooooooooooooooooo"})"), "ends within a number");
  refused(file(R"({"size":[4,6],"counts":" "})"), "character 32");
  refused(file(R"({"size":[4,6],"counts":"PPPPPPPPPP1"})"), "a run of 1125899906842624 pixels; expected 0 to 2^40");
  refused(file(R"({"size":[4,6],"counts":"O"})"), "a run of -1 pixels; expected 0 to 2^40");
  for (const char* none : {"[]", "null", "\"\""}) refused(file(none), "it has no outline");
  refused(file(square, R"(,{"image_id":1,"category_id":7,"segmentation":[[0,0,2,0,2,2]]})"), "an annotation of category 7");
  refused(file(square, "", "v1.0/frame7"), "v1.0/frame7 has no extension");
  refused(file(square, R"(,{"image_id":9,"category_id":1,"segmentation":[]})"), "an annotation of image 9");
  refused(file(square, "", "../a.png"), "is not below");
  refused(file(square, "", "/etc/a.png"), "is not below");
  refused(t.put("coco.json", R"({"images":[)"), "parse error");
  refused(t.put("coco.json", R"({"images":[{}]})"), "file_name");
  t.put_image("images/a.png", 5, 6);
  refused(file(square), "a.png is 4 × 6; the image, as it is shown, is 5 × 6");
}

TEST_CASE("YOLO: segments, images without any, and what is wrong") {
  const temporary_folder t;
  t.put_image("images/a.png", 4, 8), t.put_image("images/b.png", 4, 8);
  t.put("labels/a.txt", "0 0 0 0.5 0 0.5 0.5 0 0.5\r\n\n3 0.5 0.5 1 0.5 1 1 0.5 1");
  t.put("labels/classes.txt", "names");
  const yolo_source source(t / "images", t / "labels");
  REQUIRE(source.images().size() == 2);
  CHECK(rows_of(source.read(0).objects) ==
        "11110000"
        "11110000"
        "00001111"
        "00001111");
  CHECK(source.read(0).objects.objects() == 2);
  CHECK(source.read(1).objects.objects() == 0);
  CHECK(yolo_source(t / "images", t / "labels", {3}).read(0).objects.objects() == 1);
  for (const auto& [text, words] : {std::pair("0 0.1 0.1 0.2 0.2\n", "four are a box"), std::pair("0 0 0 1 0 1 1 0\n", "7 numbers after the class"),
                                    std::pair("\nx 0 0 1 0 1 1\n", "line 2: class x"), std::pair("0 0 0 1 0 1 1.5\n", "1.5; expected a share"),
                                    std::pair("0 0 0 1 0 1 nan\n", "nan; expected a share"), std::pair("0\n", "0 numbers")}) {
    t.put("labels/a.txt", text);
    CHECK_THROWS_WITH_AS((void)source.read(0), doctest::Contains(words), error);
    CHECK_THROWS_WITH_AS((void)source.read(0), doctest::Contains("a.txt"), error);
  }
  t.put("labels/c.txt", "");
  CHECK_THROWS_WITH_AS(yolo_source(t / "images", t / "labels"), doctest::Contains("c.txt belongs to no image"), error);
}

TEST_CASE("a folder as Kvasir-SEG is: JPEG masks become PNG, boxes are compared") {
  const raw::warnings said;
  const temporary_folder t;
  image picture{32, 48, 1, std::vector<std::uint8_t>(32 * 48, 0)};
  for (std::size_t y = 8; y < 16; ++y)
    for (std::size_t x = 16; x < 32; ++x) picture.pixels[y * 48 + x] = 255;
  fs::create_directories(t.root / "images"), fs::create_directories(t.root / "masks");
  raw::write_jpeg(t / "images/a.jpg", picture, {90}), raw::write_jpeg(t / "masks/a.jpg", picture, {100});
  const auto boxes = [&](const std::string& entry) { t.put("kavsir_bboxes.json", R"({"a":{"height":32,"width":48,"bbox":[)" + entry + "]}}"); };
  CHECK(folder_source(t.root.string()).read(0).objects.objects() == 1);
  boxes(R"({"label":"polyp","xmin":16,"ymin":8,"xmax":31,"ymax":15})");
  CHECK(folder_source(t.root.string()).read(0).file == t / "images/a.jpg");
  CHECK(said.files("") == 0);
  boxes(R"({"label":"polyp","xmin":16,"ymin":8,"xmax":20,"ymax":99999999999})");
  (void)folder_source(t.root.string()).read(0);
  CHECK(said.files("outside of the boxes") == 1);
  t.put("kavsir_bboxes.json", R"({"a":{"height":32,"width":47,"bbox":[]}})");
  CHECK_THROWS_WITH_AS((void)folder_source(t.root.string()).read(0), doctest::Contains("a is 32 × 47; the image is 32 × 48"), error);
  t.put("kavsir_bboxes.json", R"({"a":{}})");
  CHECK_THROWS_WITH_AS((void)folder_source(t.root.string()).read(0), doctest::Contains("kavsir_bboxes.json"), error);
  t.put("kavsir_bboxes.json", "{}");
  (void)folder_source(t.root.string()).read(0);
  CHECK(said.files("says nothing") == 1);
}

TEST_CASE("a converted set: read by folder_dataset, the same each time, in folds of links; nothing is left of one that fails") {
  const temporary_folder t;
  for (int k = 0; k < 12; ++k) {
    const std::string name = std::string(k < 10 ? "0" : "") + std::to_string(k);
    t.put_image("in/images/" + name + ".png", 8, 8, static_cast<std::uint8_t>(10 * k));
    if (k != 3) t.put("in/labels/" + name + ".txt", "0 0 0 0.5 0 0.5 0.5 0 0.5\n0 0.5 0.5 1 0.5 1 1 0.5 1\n");
  }
  const yolo_source source(t / "in/images", t / "in/labels");
  conversion_options o{{0.25, 0.25, 0, {}, 1}};
  const conversion_summary w = convert(source, t / "set", o);
  CHECK((w.train == 6 && w.val == 3 && w.test == 3 && w.empty == 1));
  std::set<std::string> names;
  for (const char* split : {"train", "val", "test"}) {
    const folder_dataset d(t / "set", split, 8);
    for (std::int64_t i = 0; i < d.size(); ++i) {
      names.insert(d.name(i));
      CHECK(d.load(i).truth.count() == (d.name(i) == "03.png" ? 0 : 32));
      CHECK(raw::bytes_of(d.path(i)) == raw::bytes_of(t / "in/images/" + d.name(i)));
    }
  }
  CHECK(names.size() == 12);
  CHECK_THROWS_WITH_AS((void)convert(source, t / "set", o), doctest::Contains("exists already"), error);
  convert(source, t / "again", o);
  for (const auto& e : fs::recursive_directory_iterator(t / "set"))
    if (e.is_regular_file()) CHECK(raw::bytes_of(e.path().string()) == raw::bytes_of(t / "again/" + fs::relative(e.path(), t / "set").string()));

  o.instances = true, o.folds = 3;
  CHECK(convert(source, t / "folds/", o).linked);
  const folder_dataset fold(t / "folds/fold2", "test", 8, {}, mask_values::objects);
  CHECK(fold.size() == 4);
  CHECK(fold.load(0).objects.objects() == (fold.name(0) == "03.png" ? 0 : 2));
  CHECK(fs::hard_link_count(fold.path(0)) == 3);
  CHECK_FALSE(fs::exists(t / "folds.partial"));

  t.put("in/labels/11.txt", "broken");
  CHECK_THROWS_AS((void)convert(source, t / "fails", o), error);
  CHECK_FALSE(fs::exists(t / "fails"));
  CHECK_FALSE(fs::exists(t / "fails.partial"));
}

TEST_CASE("names that are no file's, and masks of many objects") {
  struct named final : conversion_source {
    std::vector<split_image> all;
    const std::vector<split_image>& images() const override { return all; }
    converted_image read(std::size_t) const override {
      label_map objects{1, 300, {}};
      for (int k = 0; k < 300; ++k) objects.pixels.push_back(k + 1);
      return {{1, 300, 1, std::vector<std::uint8_t>(300, 0)}, {}, objects, pixel_spacing{0.5, 0.25}};
    }
  };
  const temporary_folder t;
  named source;
  for (const std::string& name : std::vector<std::string>{"", ".hidden", "a/b", "a\nb", std::string("a\0b", 3), std::string(300, 'a')}) {
    source.all = {{name}};
    CHECK_THROWS_WITH_AS((void)convert(source, t / "set", {{0, 0}}), doctest::Contains("an image named"), error);
  }
  source.all = {{"a"}, {"a"}};
  CHECK_THROWS_WITH_AS((void)convert(source, t / "set", {{0, 0}}), doctest::Contains("two images are named a"), error);
  source.all = {};
  CHECK_THROWS_WITH_AS((void)convert(source, t / "set", {{0, 0}}), doctest::Contains("holds no image"), error);
  source.all = {{"a"}};
  convert(source, t / "set", {{0, 0}, 0, true});
  CHECK(io::read_labels(t / "set/train/masks/a.png").objects() == 300);
  CHECK(folder_dataset(t / "set", "train", 64).load(0).spacing == pixel_spacing{0.5, 0.25});
}
