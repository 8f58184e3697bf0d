// A run's folder: who holds it, which checkpoint it goes on from, which set it belongs to.
#include <dcs/data/fingerprint.hpp>
#include <dcs/io/names.hpp>
#include <dcs/train/run/folder.hpp>

#include "scratch.hpp"

#include <sys/wait.h>

using namespace dcs;

namespace {

// Runs `body` in a process of its own, which then ends at once; its exit code.
template <class F>
int in_child(const F& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("a folder is held by one process, and free when that ends, however it ends") {
  const run_scratch s;
  {
    const run_lock held(s.folder);
    CHECK(s.text(".lock") == std::to_string(::getpid()) + "\n");
    const int code = in_child([&] {
      const auto m = message_of([&] { run_lock second(s.folder); });
      return says(m, s.folder) && says(m, "process " + std::to_string(::getppid()) + " is training") ? 3 : 4;
    });
    CHECK(code == 3);
    CHECK(s.text(".lock") == std::to_string(::getpid()) + "\n");
  }
  CHECK(s.names() == "");
  // A process that ends without any clean-up leaves its file.
  in_child([&] {
    new run_lock(s.folder);
    return 0;
  });
  CHECK(s.names() == ".lock ");
  { const run_lock again(s.folder); }
  CHECK(s.names() == "");
  CHECK(warnings.empty());
}

TEST_CASE("a lock's file is made by the lock: neither a FIFO nor a link is taken for it") {
  const run_scratch s;
  REQUIRE(::mkfifo(s(".lock").c_str(), 0600) == 0);
  CHECK(says(message_of([&] { run_lock l(s.folder); }), "/.lock is no file"));
  fs::remove(s(".lock"));
  s.put("other", "text");
  fs::create_symlink("other", s(".lock"));
  CHECK(says(message_of([&] { run_lock l(s.folder); }), "cannot open"));
  CHECK(s.text("other") == "text");
}

TEST_CASE("what a killed process had not finished is removed; other files are not") {
  const run_scratch s;
  for (const char* name :
       {"config.json.7-0.partial", "results.csv.7-12.partial", "last.safetensors.partial", "best.safetensors.7-0.partial", "next.safetensors",
        "next.safetensors.7-0.partial", "last.safetensors", "evaluation.json.7-0.partial", "notes.partial", "last.safetensors.old"})
    s.put(name, name);
  run_folder run(s.folder);
  run.claim();
  CHECK(s.names() == ".lock evaluation.json.7-0.partial last.safetensors last.safetensors.old notes.partial ");
  CHECK(s.text("last.safetensors") == "last.safetensors");
}

TEST_CASE("a whole checkpoint that had not got its name is the last one where there is none") {
  const run_scratch s;
  s.put("next.safetensors", "3");
  s.put("previous.safetensors", "2");
  run_folder run(s.folder);
  run.claim();
  CHECK(run.read_last([&](const std::string& path) { return dcs::io::read_bytes(path, "test", 9); }) == "3");
}

TEST_CASE("the last two checkpoints stay") {
  const run_scratch s;
  run_folder run(s.folder);
  CHECK(!run.has_checkpoint());
  for (const std::string text : {"1", "2", "3", "4"}) {
    run.write_last([&](const std::string& path) {
      CHECK(path != run.last());
      dcs::io::write_bytes(path, "test", text);
    });
    CHECK(s.text("last.safetensors") == text);
    if (text != "1") CHECK(s.text("previous.safetensors") == std::to_string(std::stoi(text) - 1));
  }
  CHECK(s.names() == "last.safetensors previous.safetensors ");
  // What cannot be written leaves both.
  CHECK(says(message_of([&] { run.write_last([](const std::string&) { dcs::fail("the disk is full"); }); }), "full"));
  CHECK(s.text("last.safetensors") == "4");
  CHECK(s.text("previous.safetensors") == "3");
  // As a kill between two names leaves it.
  fs::remove(s("previous.safetensors"));
  fs::create_hard_link(s("last.safetensors"), s("previous.safetensors"));
  run.write_last([&](const std::string& path) { dcs::io::write_bytes(path, "test", "5"); });
  CHECK(s.text("last.safetensors") == "5");
  CHECK(s.text("previous.safetensors") == "4");
  CHECK(s.names() == "last.safetensors previous.safetensors ");
}

TEST_CASE("where the last checkpoint is damaged, the one before is read, with a warning, and stays until there is a whole one") {
  const run_scratch s;
  run_folder run(s.folder);
  const auto read = [](const std::string& path) {
    const auto text = dcs::io::read_bytes(path, "test", 99);
    if (text == "version") throw dcs::checkpoint_version_error(path + ": another version");
    dcs::expect(text.size() == 1, path, ": damaged");
    return text;
  };
  s.put("last.safetensors", "2");
  CHECK(run.read_last(read) == "2");
  s.put("previous.safetensors", "1");
  CHECK(run.read_last(read) == "2");
  CHECK(warnings.empty());

  s.put("last.safetensors", "damage");
  CHECK(run.read_last(read) == "1");
  REQUIRE(warnings.size() == 1);
  CHECK(says(warnings[0], "last.safetensors: damaged; going on from " + s("previous.safetensors")));
  run.write_last([&](const std::string& path) { dcs::io::write_bytes(path, "test", "2"); });
  CHECK(s.text("last.safetensors") == "2");
  CHECK(s.text("previous.safetensors") == "1");  // not the damaged one

  fs::remove(s("last.safetensors"));
  CHECK(run.read_last(read) == "1");
  CHECK(says(warnings.at(1), "last.safetensors is not there"));
  REQUIRE(::mkfifo(s("last.safetensors").c_str(), 0600) == 0);
  CHECK(run.read_last(read) == "1");
  fs::remove(s("last.safetensors"));
  fs::create_symlink("/nowhere/x", s("last.safetensors"));
  CHECK(run.read_last(read) == "1");
  CHECK(warnings.size() == 4);

  s.put("last.safetensors", "version");
  CHECK(says(message_of([&] { run.read_last(read); }), "another version"));
  s.put("last.safetensors", "damage");
  s.put("previous.safetensors", "damage");
  const auto both = message_of([&] { run.read_last(read); });
  CHECK(says(both, "last.safetensors: damaged"));
  CHECK(says(both, "previous.safetensors: damaged"));
  fs::remove(s("previous.safetensors"));
  CHECK(says(message_of([&] { run.read_last(read); }), "last.safetensors: damaged"));
}

TEST_CASE("a new run is not begun where there is one") {
  for (const char* name : {"last.safetensors", "previous.safetensors", "best.safetensors"}) {
    const run_scratch s;
    const run_folder run(s.folder);
    s.put("config.json", "{}");
    CHECK(message_of([&] { run.expect_new(); }) == "");
    fs::create_symlink("/nowhere/x", s(name));
    CHECK(says(message_of([&] { run.expect_new(); }), "holds a run already"));
  }
}

TEST_CASE("a set's fingerprint: names and contents of what is trained on, wherever it lies") {
  const run_scratch s;
  const auto make = [&](const std::string& set) {
    for (const char* split : {"train", "val", "test"})
      for (const char* kind : {"images", "masks"}) {
        fs::create_directories(s(set + "/" + split + "/" + kind));
        s.put(set + "/" + split + "/" + kind + "/1.png", std::string(split) + kind);
        s.put(set + "/" + split + "/" + kind + "/2.png", std::string(100000, 'x'));
      }
  };
  make("set"), make("other");
  const std::string print = data_fingerprint(s("set"));
  CHECK(print.size() == 16);
  CHECK(data_fingerprint(s("other")) == print);
  s.put("other/test/images/3.png", "3");
  s.put("other/train/images/.hidden", "3");
  fs::create_directory(s("other/train/images/folder"));
  CHECK(data_fingerprint(s("other")) == print);
  fs::create_symlink("2.png", s("other/val/masks/link.png"));
  const std::string linked = data_fingerprint(s("other"));
  CHECK(linked != print);
  fs::remove(s("other/val/masks/link.png"));
  fs::rename(s("other/train/masks/1.png"), s("other/train/masks/3.png"));
  CHECK(data_fingerprint(s("other")) != print);
  fs::rename(s("other/train/masks/3.png"), s("other/train/masks/1.png"));
  CHECK(data_fingerprint(s("other")) == print);
  s.put("other/val/masks/2.png", std::string(99999, 'x') + "y");  // of the same size
  CHECK(data_fingerprint(s("other")) != print);
  fs::remove(s("other/val/masks/2.png"));
  fs::create_symlink("/nowhere/x", s("other/val/masks/2.png"));
  const std::string without = data_fingerprint(s("other"));  // a link to nothing is no file
  CHECK(without != print);
  fs::remove(s("other/val/masks/2.png"));
  CHECK(data_fingerprint(s("other")) == without);
}

TEST_CASE("a fingerprint knows which files are left out") {
  const auto print = [](const std::string& set, const std::vector<std::string>& names) {
    std::vector<file_fault> faults;
    for (const auto& name : names) faults.push_back({set + "/" + name, "cannot be used", ""});
    return fingerprint_without("0123456789abcdef", set, faults);
  };
  CHECK(print("/a", {}) == "0123456789abcdef");
  const std::string one = print("/a", {"train/images/1.png"});
  CHECK(one.size() == 16);
  CHECK(one != "0123456789abcdef");
  CHECK(one == print("/moved/b", {"train/images/1.png"}));
  for (const char* name : {"train/images/2.png", "val/images/1.png"}) CHECK(print("/a", {name}) != one);
  const std::string two = print("/a", {"train/images/1.png", "val/images/1.png"});
  CHECK(two != one);
  CHECK(two == print("/a", {"val/images/1.png", "train/images/1.png"}));
}

TEST_CASE("pictures of images that share a name without its extension have the whole name") {
  using names = std::vector<std::string>;
  CHECK(picture_names({"a.png", "b.jpg", "c"}) == names{"a", "b", "c"});
  CHECK(picture_names({"a.jpg", "a.png", "b.png"}) == names{"a.jpg", "a.png", "b"});
  CHECK(says(message_of([] { picture_names({"a.jpg", "a.jpg.png", "a.png"}); }), "a.jpg.png: its picture would have the name of that of a.jpg"));
}
