#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <system_error>
#include <utility>

#include "base/strings.h"
#include "nnseq/error.h"

namespace nnseq {
namespace {

[[noreturn]] void bad(const std::string& path, std::string_view what, int error = 0) {
  std::string text = concat(path, ": ", what);
  if (error != 0) text += ": " + std::generic_category().message(error);
  throw Error(ErrorKind::kFile, one_line(text));
}

class Handle {
 public:
  explicit Handle(int fd) : fd_(fd) {}
  ~Handle() { close(); }
  Handle(Handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Handle& operator=(Handle&&) = delete;
  int get() const { return fd_; }
  int close() { return fd_ < 0 ? 0 : ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

// A new file beside `target`, with a name that no other writer has.
std::pair<Handle, std::string> new_file_beside(const std::string& target) {
  const std::size_t slash = target.rfind('/');
  const std::size_t base = slash == std::string::npos ? 0 : slash + 1;
  for (int attempt = 0;; ++attempt) {
    std::string name = concat(target.substr(0, base), ".", target.substr(base), ".", ::getpid(),
                              ".", attempt, ".tmp");
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return {Handle(fd), std::move(name)};
    if (errno != EEXIST || attempt == 100) bad(target, "cannot be written", errno);
  }
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Makes the renaming itself permanent, where the system can.
void sync_folder_of(const std::string& target) {
  const std::size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  const Handle handle(::open(folder.c_str(), O_RDONLY | O_CLOEXEC));
  if (handle.get() >= 0) ::fsync(handle.get());
}

std::string target_of(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real == nullptr ? path : std::string(real.get());
}

}  // namespace

FileBytes::FileBytes(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) bad(path, "cannot be opened", errno);
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) bad(path, "cannot be opened", errno);
  if (!S_ISREG(info.st_mode)) bad(path, "is no regular file");
  const auto size = static_cast<std::size_t>(info.st_size);
  try {
    data_ = std::make_unique_for_overwrite<char[]>(size);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kMemory, concat(path, ": no memory for its ", size, " bytes"));
  }
  while (size_ < size) {
    const ssize_t n = ::read(file.get(), data_.get() + size_, size - size_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) bad(path, "cannot be read", errno);
    if (n == 0) break;  // cut short meanwhile: the reader of the format says so
    size_ += static_cast<std::size_t>(n);
  }
}

void write_file(const std::string& path, std::span<const std::string_view> parts) {
  const std::string target = target_of(path);
  auto [file, name] = new_file_beside(target);
  struct stat old = {};
  bool done = ::stat(target.c_str(), &old) != 0 || ::fchmod(file.get(), old.st_mode & 0777) == 0;
  for (std::string_view part : parts) done = done && write_all(file.get(), part);
  done = done && ::fsync(file.get()) == 0 && file.close() == 0;
  if (done && ::rename(name.c_str(), target.c_str()) == 0) return sync_folder_of(target);
  const int error = errno;
  ::unlink(name.c_str());
  bad(path, "cannot be written", error);
}

}  // namespace nnseq
