// What a run keeps of its results.csv.
#include <dcs/train/run/results.hpp>
#include "scratch.hpp"

using namespace dcs;

TEST_CASE("results.csv: rows are kept up to the checkpoint's epoch, and the file is whole after each") {
  const run_scratch s;
  results_table t(s("results.csv"), "epoch,rate,seconds,loss");
  CHECK(t.rows() == 0);
  t.write();
  for (int epoch = 1; epoch <= 3; ++epoch) t.append(epoch, 0.5, 1.25, {1.0 / epoch});
  CHECK(s.text("results.csv") == "epoch,rate,seconds,loss\n1,0.5,1.2,1\n2,0.5,1.2,0.5\n3,0.5,1.2,0.333333\n");
  CHECK(t.rows() == 3);
  results_table again(s("results.csv"), "epoch,rate,seconds,loss");
  again.keep(2);
  again.append(3, 0.25, 1, {std::numeric_limits<double>::quiet_NaN()});
  CHECK(s.text("results.csv") == "epoch,rate,seconds,loss\n1,0.5,1.2,1\n2,0.5,1.2,0.5\n3,0.25,1.0,nan\n");
  again.keep(3);
  CHECK_THROWS_AS(again.append(4, 1, 1, {1, 2}), dcs::error);
  // As earlier versions left it, which were killed while they appended a row.
  s.put("results.csv", "epoch,rate,seconds,loss\n1,0.5,1.2,1\n2,0.5,1.2,0.5\n3,0.");
  again.keep(1);
  again.write();
  CHECK(s.text("results.csv") == "epoch,rate,seconds,loss\n1,0.5,1.2,1\n");
  CHECK(warnings.empty());
  // Without the file a run continues, and warns about the missing rows each time.
  fs::remove(s("results.csv"));
  again.keep(1);
  again.append(2, 0.5, 1, {1});
  again.keep(2);
  REQUIRE(warnings.size() == 2);
  for (const auto& w : warnings) CHECK(says(w, "results.csv: the rows of epochs 1 to 1 are lost"));
}

TEST_CASE("results.csv that cannot be read, or is no table, is an error and stays as it is") {
  const run_scratch s;
  results_table t(s("results.csv"), "epoch,rate,seconds,loss");
  const std::string head = "epoch,rate,seconds,loss\n", one = "1,0.5,1.2,1\n";
  const std::pair<std::string, const char*> wrong[] = {
      {"", "first line"},
      {"1,2,3,4\n", "first line"},
      {"epoch,rate,seconds\n" + one, "first line"},
      {head, "ends at the row of epoch 0"},
      {head + one, "ends at the row of epoch 1"},
      {head + one + one, "is of epoch 1; expected 2"},
      {head + one + "3,0.5,1.2,1\n", "is of epoch 3; expected 2"},
      {head + one + "2,0.5,1.2\n", "has 3 fields; expected 4"},
      {head + one + "2,0.5,1.2,1,1\n", "has 5 fields; expected 4"},
      {head + one + "2,0.5,x,1\n", "contains 'x'"},
      {head + one + "2,0.5,,1\n", "contains ''"},
      {head + one + "2.0,0.5,1.2,1\n", "is of epoch 2.0"},
      {head + one + "\n", "has 1 fields"},
      {head + "0,0.5,1.2,1\n" + one, "is of epoch 0"},
      {head + "9223372036854775807,0.5,1.2,1\n9223372036854775807,0.5,1.2,1\n", "is of epoch 9223372036854775807"},
      {head + one + "2,0.5,1.2,1", "ends at the row of epoch 1"}};
  for (const auto& [written, expected] : wrong) {
    const std::string text = written;  // a structured binding cannot be captured
    CAPTURE(text);
    s.put("results.csv", text);
    CHECK(says(message_of([&] { t.keep(2); }), expected));
    CHECK(s.text("results.csv") == text);
  }
  fs::remove(s("results.csv"));
  fs::create_directory(s("results.csv"));
  CHECK(says(message_of([&] { t.keep(2); }), "a folder"));
  fs::remove(s("results.csv"));
  fs::create_symlink("/nowhere/x", s("results.csv"));
  CHECK(says(message_of([&] { t.keep(2); }), "cannot open"));
  fs::remove(s("results.csv"));
  REQUIRE(::mkfifo(s("results.csv").c_str(), 0600) == 0);
  CHECK(says(message_of([&] { t.keep(2); }), "a FIFO"));
  CHECK(warnings.empty());
}

TEST_CASE("columns of results.csv have names of their own") {
  CHECK(message_of([] { expect_distinct_columns("epoch,rate,dice_loss,val_dice_loss,dice"); }) == "");
  CHECK(says(message_of([] { expect_distinct_columns("epoch,rate,dice,val_dice,dice"); }), "two columns 'dice'"));
}
