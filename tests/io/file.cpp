#include <dcs/core/printable.hpp>
#include <dcs/io/file.hpp>

#include <doctest/doctest.h>
#include "../message.hpp"

#include <sys/stat.h>

using namespace dcs;
namespace fs = std::filesystem;

namespace {
struct folder {
  fs::path path = fs::temp_directory_path() / ("dcs_file_" + std::to_string(::getpid()));
  folder() { fs::create_directories(path); }
  ~folder() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};
}  // namespace

TEST_CASE("a file is replaced as a whole, and no temporary file remains") {
  const folder f;
  io::write_bytes(f / "a", "test", "old");
  io::write_bytes(f / "a", "test", "newer");
  CHECK(io::read_bytes(f / "a", "test", 100) == "newer");
  CHECK(message_of([&] { io::read_bytes(f / "a", "test", 4); }).find("has 5 bytes; expected at most 4") != std::string::npos);
  {
    io::output_file unfinished(f / "a", "test");
    unfinished.write("half");
  }
  CHECK(io::read_bytes(f / "a", "test", 100) == "newer");
  CHECK(std::distance(fs::directory_iterator(f.path), fs::directory_iterator()) == 1);
}

TEST_CASE("the new file has the permissions of the process's umask") {
  const folder f;
  const mode_t old = ::umask(027);
  io::write_bytes(f / "a", "test", "x");
  ::umask(old);
  struct stat s {};
  REQUIRE(::stat((f / "a").c_str(), &s) == 0);
  CHECK((s.st_mode & 0777) == 0640);
}

TEST_CASE("links and files under the temporary name are not overwritten") {
  const folder f;
  const std::string partial = "a." + std::to_string(::getpid()) + "-0.partial";
  io::write_bytes(f / "victim", "test", "precious");
  fs::create_symlink(f / "victim", f.path / partial);
  io::write_bytes(f / "a", "test", "x");
  CHECK(io::read_bytes(f / "victim", "test", 100) == "precious");
  CHECK(fs::is_symlink(f.path / partial));
}

TEST_CASE("a path that is no regular file is an error at once") {
  const folder f;
  REQUIRE(::mkfifo((f / "fifo").c_str(), 0600) == 0);
  CHECK(message_of([&] { io::input_file(f / "fifo", "test"); }).find("a FIFO, socket or device; expected a file") != std::string::npos);
  CHECK(message_of([&] { io::input_file("/dev/zero", "test"); }).find("a FIFO, socket or device; expected a file") != std::string::npos);
  CHECK(message_of([&] { io::input_file(f.path.string(), "test"); }).find("a folder; expected a file") != std::string::npos);
  CHECK(message_of([&] { io::input_file(f / "none", "test"); }).find("No such file or directory") != std::string::npos);
  CHECK(message_of([&] { io::write_bytes(f / "none/a", "test", "x"); }).find("No such file or directory") != std::string::npos);
}

TEST_CASE("a file that ends too early") {
  const folder f;
  io::write_bytes(f / "a", "test", "abc");
  io::input_file in(f / "a", "test");
  char four[4];
  CHECK(message_of([&] { in.read(four, 4); }).find("ends at byte 3, 1 bytes too early") != std::string::npos);
}

TEST_CASE("folders are created with their parents") {
  const folder f;
  io::create_folders(f / "x/y/z/", "test");
  io::create_folders(f / "x/y/z", "test");
  CHECK(fs::is_directory(f.path / "x/y/z"));
  io::write_bytes(f / "file", "test", "x");
  CHECK(message_of([&] { io::create_folders(f / "file/z", "test"); }).find("cannot make the folder") != std::string::npos);
}

TEST_CASE("text from outside has no control characters when it is shown") {
  CHECK(printable("Größe 木 😀.png") == "Größe 木 😀.png");
  CHECK(printable("a\nb\x1b[31m\x7f") == "a\\x0ab\\x1b[31m\\x7f");
  CHECK(printable("pati\xebnt") == "pati\\xebnt");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
  for (const char* bad : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff", "\x80"}) CHECK(!is_utf8(bad));
  for (const char* good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) CHECK(is_utf8(good));
}
