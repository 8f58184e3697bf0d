// Prints a network layer by layer: output shape, parameters, multiply-adds.
#include "command_line.hpp"
#include "session.hpp"

static int body(int argc, char** argv) {
  std::string net = "small-scratch", device = "cpu";
  int side = 256;
  CLI::App app{"Prints a network layer by layer. Networks: " + programs::net_names()};
  app.add_option("--net", net, "network")->capture_default_str();
  app.add_option("--size", side, "side of the image")->capture_default_str()->check(CLI::Range(64, 2048));
  programs::add_device(app, device);
  programs::add_conventions(app, "dcs_summary", {"--net small-scratch", "--net small-scratch --size 512"});
  CLI11_PARSE(app, argc, argv);
  programs::make_session(net, device)->summary(side);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_summary", body, argc, argv); }
