// A file is written whole or not at all: what goes wrong leaves the old one and nothing beside it.
#include "base/files.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <vector>

#include "base/strings.h"
#include "fork_child.h"
#include "graphs.h"

namespace nnseq::testing {
namespace {

namespace fs = std::filesystem;

// A folder of its own, so that what was left behind is seen.
struct Folder {
  fs::path path = fs::path(::testing::TempDir()) / concat("nnseq_files_", ::getpid());
  Folder() { fs::create_directory(path); }
  ~Folder() { fs::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename());
    return names;
  }
};

void put(const std::string& path, const std::string& text) {
  const std::string_view parts[] = {text};
  write_file(path, parts);
}

// Is writing refused by one line that names the path?
bool refused(const std::string& path, const std::string& text) {
  try {
    put(path, text);
  } catch (const Error& e) {
    const std::string what = e.what();
    return e.kind() == ErrorKind::kFile && what.rfind(path + ": cannot be written", 0) == 0 &&
           what.find('\n') == std::string::npos;
  }
  return false;
}

TEST(WriteFile, ADiskWithoutRoomLeavesTheOldFile) {
  const Folder folder;
  const std::string path = folder.file("m.nnseq");
  put(path, "old");
  EXPECT_TRUE(in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);  // the write itself says EFBIG then
    const rlimit limit{1 << 16, 1 << 16};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return refused(path, std::string(1 << 20, 'x')) &&
           refused(path, std::string((1 << 16) + 1, 'x'));
  }));
  EXPECT_EQ(FileBytes(path).view(), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"m.nnseq"});
  put(path, "new");
  EXPECT_EQ(FileBytes(path).view(), "new");
}

TEST(WriteFile, AFolderInItsPlaceStays) {
  const Folder folder;
  fs::create_directory(folder.path / "m.nnseq");
  EXPECT_TRUE(refused(folder.file("m.nnseq"), "new"));
  EXPECT_TRUE(fs::is_directory(folder.path / "m.nnseq"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"m.nnseq"});
}

TEST(WriteFile, NoFolderToWriteIn) {
  const Folder folder;
  put(folder.file("file"), "old");
  EXPECT_TRUE(refused(folder.file("file/m.nnseq"), "new"));
  EXPECT_TRUE(refused(folder.file("none/m.nnseq"), "new"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"file"});
}

TEST(WriteFile, AFolderThatIsNotOurs) {
  const Folder folder;
  const std::string path = folder.file("m.nnseq");
  put(path, "old");
  EXPECT_TRUE(in_child([&] {
    // Root may write anywhere: the child is somebody else.
    if (::getuid() == 0 && (::chmod(folder.path.c_str(), 0755) != 0 || ::setuid(65534) != 0)) {
      return false;
    }
    if (::getuid() != 65534) ::chmod(folder.path.c_str(), 0555);
    const bool right = refused(path, "new");
    if (::getuid() != 65534) ::chmod(folder.path.c_str(), 0755);
    return right;
  }));
  EXPECT_EQ(FileBytes(path).view(), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"m.nnseq"});
}

}  // namespace
}  // namespace nnseq::testing
