// What the progress display of a run says.
#include <dcs/train/run/progress.hpp>

#include <doctest/doctest.h>

using namespace dcs;

TEST_CASE("times") {
  CHECK(clock_time(0) == "0:00");
  CHECK(clock_time(-1) == "0:00");
  CHECK(clock_time(59.6) == "1:00");
  CHECK(clock_time(3599) == "59:59");
  CHECK(clock_time(3600) == "1:00:00");
  CHECK(clock_time(36000 + 62) == "10:01:02");
  CHECK(clock_time(1e300) == "100000:00:00");
}

TEST_CASE("a bar where there is room, and never more than the terminal's width") {
  progress_numbers p{3, 40, 12, 48, 0.12345, 23.06, 80, 3731};
  CHECK(terminal_progress(p, 120) == "epoch 3/40  [=======>                      ]  12/48  loss 0.1235  23.1 images/s  1:20 left, run 1:02:11");
  CHECK(terminal_progress(p, 70) == "epoch 3/40  12/48  loss 0.1235  23.1 images/s  1:20 left, run 1:02:11");
  p.step = 48;
  CHECK(terminal_progress(p, 120).find("[==============================]") != std::string::npos);
  p.step = 0;
  CHECK(terminal_progress(p, 120).find("[>                             ]") != std::string::npos);
  for (int columns = 0; columns < 130; ++columns) CHECK(static_cast<int>(terminal_progress(p, columns).size()) <= std::max(columns - 1, 0));
}

TEST_CASE("a plain line") {
  CHECK(plain_progress({3, 40, 12, 48, 0.12345, 23.06, 80, 3731}) == "epoch 3/40  12/48  loss 0.1235  23.1 images/s  80 s left");
}
