// An owning tensor: memory of one device, shape and dtype. Row-major, no strides. Copies share.
#pragma once

#include <cstddef>
#include <memory>

#include "nnseq/export.h"
#include "nnseq/shape.h"

namespace nnseq {

class Buffer;
class Device;

class NNSEQ_API Tensor {
 public:
  Tensor() = default;
  // Uninitialised memory of `type` on `device`.
  Tensor(const std::shared_ptr<Device>& device, const TensorType& type);
  // A view of `type` into `buffer`, `offset` bytes from its start.
  Tensor(std::shared_ptr<Buffer> buffer, std::size_t offset, const TensorType& type)
      : buffer_(std::move(buffer)), offset_(offset), type_(type) {}

  explicit operator bool() const noexcept { return buffer_ != nullptr; }
  const TensorType& type() const noexcept { return type_; }
  const Shape& shape() const noexcept { return type_.shape; }
  DType dtype() const noexcept { return type_.dtype; }
  std::size_t bytes() const noexcept { return static_cast<std::size_t>(type_.bytes()); }
  void* data() const noexcept;  // a device address
  const char* device() const noexcept;
  const std::shared_ptr<Buffer>& buffer() const noexcept { return buffer_; }

  void copy_from_host(const void* src) const;
  void copy_to_host(void* dst) const;
  template <class T>
  T item() const {  // the single element of a scalar
    T value{};
    copy_to_host(&value);
    return value;
  }

 private:
  std::shared_ptr<Buffer> buffer_;
  std::size_t offset_ = 0;
  TensorType type_;
};

}  // namespace nnseq
