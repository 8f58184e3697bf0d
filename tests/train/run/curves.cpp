// The columns of any network's results.csv become panels and events; curves.png and the event file are whole.
#include <dcs/io/image.hpp>
#include <dcs/train/run/curves.hpp>
#include <dcs/train/run/events.hpp>

#include "scratch.hpp"

using namespace dcs;

namespace {

const char* const head = "epoch,rate,seconds,total,dice_loss,regions,val_total,val_dice_loss,dice,iou,precision,hd95,missed";

}  // namespace

TEST_CASE("a results.csv is read by columns") {
  const run_scratch scratch;
  scratch.put("results.csv", std::string(head) + "\n3,0.001,1.5,4,3,12,5,4.5,0.5,0.4,0.6,7,1\n4,0.0005,1.5,3,2,12,4,3.5,0.6,0.5,0.7,inf,0\n");
  const auto c = read_results(scratch("results.csv"));
  CHECK(c.names.size() == 13);
  CHECK(c.rows() == 2);
  REQUIRE(c.find("val_total"));
  CHECK(*c.find("val_total") == std::vector<double>{5, 4});
  CHECK(c.find("nothing") == nullptr);

  const auto panels = curves_of(c);
  REQUIRE(panels.size() == 6);
  CHECK(panels[0].title == "loss");
  CHECK(panels[0].curves.size() == 2);
  CHECK(panels[0].first == 3);
  CHECK(panels[1].curves[0].name == "dice_loss");
  CHECK(panels[1].curves[0].values == std::vector<double>{4.5, 3.5});
  CHECK(panels[2].curves.size() == 3);  // dice, iou, precision
  CHECK(panels[3].title == "hd95");
  CHECK(panels[4].title == "missed");  // though no more than one was
  CHECK(panels[5].curves[0].values == std::vector<double>{0.001, 0.0005});

  const run_folder run(scratch.folder);
  write_curves(run);
  const image i = io::read_image(run.curves(), {});
  CHECK((i.width == 1280 && i.height == 1200));
  const std::string before = scratch.text("curves.png");
  write_curves(run);
  CHECK((scratch.text("curves.png") == before));
  CHECK(scratch.names() == "curves.png results.csv ");
}

TEST_CASE("a table without rows has empty panels; what is no table is an error, and no picture") {
  const run_scratch scratch;
  const run_folder run(scratch.folder);
  CHECK(says(message_of([&] { write_curves(run); }), "results.csv"));
  scratch.put("results.csv", "name,size\na,3\n");
  CHECK(says(message_of([&] { write_curves(run); }), "expected names of columns, the first of them epoch"));
  CHECK(scratch.names() == "results.csv ");
  scratch.put("results.csv", std::string(head) + "\n");
  write_curves(run);
  CHECK(scratch.names() == "curves.png results.csv ");
}

TEST_CASE("an event file follows the table: what it has stays byte by byte, what is done again stands in it once") {
  const run_scratch scratch;
  const run_folder run(scratch.folder);
  const std::string one = std::string(head) + "\n1,0.001,1.5,4,3,12,5,4.5,0.5,0.4,0.6,7,1\n",
                    two = one + "2,0.0005,1.5,3,2,12,4,3.5,0.6,0.5,0.7,8,0\n";
  scratch.put("results.csv", one);
  write_events(run, 100);
  const std::string first = scratch.text("events.out.tfevents.dcs");
  scratch.put("results.csv", two);
  write_events(run, 200);
  const std::string second = scratch.text("events.out.tfevents.dcs");
  CHECK(second.substr(0, first.size()) == first);
  const auto events = io::read_events(run.events());
  REQUIRE(events.size() == 2);
  CHECK(events[1].wall_time == 200);
  CHECK(events[1].step == 2);
  const std::vector<std::string> tags{"rate",
                                      "seconds",
                                      "train/total",
                                      "train/dice_loss",
                                      "train/regions",
                                      "validation/total",
                                      "validation/dice_loss",
                                      "validation/dice",
                                      "validation/iou",
                                      "validation/precision",
                                      "validation/hd95",
                                      "validation/missed"};
  REQUIRE(events[1].scalars.size() == tags.size());
  for (std::size_t k = 0; k < tags.size(); ++k) CHECK(events[1].scalars[k].first == tags[k]);
  CHECK(events[1].scalars[7].second == 0.6f);
  write_events(run, 300);
  CHECK((scratch.text("events.out.tfevents.dcs") == second));
  scratch.put("results.csv", one);  // the second epoch is done again
  write_events(run, 400);
  CHECK((scratch.text("events.out.tfevents.dcs") == first));
  CHECK(warnings.empty());
  scratch.put("events.out.tfevents.dcs", "damage");
  write_events(run, 100);
  CHECK((scratch.text("events.out.tfevents.dcs") == first));
  CHECK(warnings.size() == 1);
}

TEST_CASE("at most 34 epochs of a run have pictures in its event file, the first and the last among them") {
  for (const int epochs : {1, 2, 10, 32, 33, 100, 300, 100000}) {
    CAPTURE(epochs);
    int some = 0;
    for (int e = 1; e <= epochs; ++e) some += has_pictures(e, epochs);
    CHECK(some <= 34);
    CHECK(some >= std::min(epochs, 17));
    CHECK((has_pictures(1, epochs) && has_pictures(epochs, epochs)));
  }
}
