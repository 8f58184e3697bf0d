// Writes the network of a trained run as an ONNX file.
#include "command_line.hpp"
#include "session.hpp"

static int body(int argc, char** argv) {
  programs::export_request c;
  CLI::App app{"Writes the network of a run of dcs_train as an ONNX file: from an image at the run's size to the probability of every pixel"};
  app.add_option("--run", c.run, "folder of the run")->required()->check(CLI::ExistingDirectory);
  app.add_option("--out", c.out, "the file")->required();
  app.add_option("--checkpoint", c.checkpoint, "best or last")->capture_default_str()->check(CLI::IsMember({"best", "last"}));
  programs::add_conventions(app, "dcs_export", {"--run runs/a --out network.onnx", "--run runs/a --checkpoint last --out network.onnx"});
  CLI11_PARSE(app, argc, argv);
  programs::make_session(programs::net_of_run(c.run))->export_onnx(c);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_export", body, argc, argv); }
