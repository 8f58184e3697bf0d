// Tests on a GPU: skipped with a message where there is none.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include <cuda_runtime.h>

int main(int argc, char** argv) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    std::printf("skipped: no GPU (%s)\n", status == cudaSuccess ? "the machine has none" : cudaGetErrorString(status));
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
