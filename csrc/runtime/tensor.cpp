#include "nnseq/tensor.h"

#include "runtime/device.h"

namespace nnseq {

Tensor::Tensor(const std::shared_ptr<Device>& device, const TensorType& type)
    : buffer_(std::make_shared<Buffer>(device, static_cast<std::size_t>(type.bytes()))),
      type_(type) {}

void* Tensor::data() const noexcept {
  return buffer_ ? static_cast<char*>(buffer_->data()) + offset_ : nullptr;
}

const char* Tensor::device() const noexcept { return buffer_ ? buffer_->device().name() : ""; }

void Tensor::copy_from_host(const void* src) const {
  buffer_->device().copy_in(data(), src, bytes());
}

void Tensor::copy_to_host(void* dst) const { buffer_->device().copy_out(dst, data(), bytes()); }

}  // namespace nnseq
