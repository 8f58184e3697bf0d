# The CUDA toolkit and cuDNN: of the system, or where pip lays them (nvidia-cuda-nvcc, nvidia-cudnn-cu13, …). Gives the targets dcs_cuda (what kernels of dcs need) and
# dcs_cudnn (cuDNN and cuBLASLt besides).
execute_process(COMMAND python3 -c "import nvidia, os; print(';'.join(os.path.join(p, d) for p in nvidia.__path__ for d in sorted(os.listdir(p))))"
                OUTPUT_VARIABLE dcs_pip_nvidia OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT CMAKE_CUDA_COMPILER)
  find_program(DCS_NVCC nvcc HINTS $ENV{CUDA_PATH} /usr/local/cuda ${dcs_pip_nvidia} PATH_SUFFIXES bin)
  if(NOT DCS_NVCC)
    message(FATAL_ERROR "DCS_CUDA: no nvcc on PATH, in CUDA_PATH, in /usr/local/cuda or among pip's packages")
  endif()
  set(CMAKE_CUDA_COMPILER ${DCS_NVCC})
endif()
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90)
endif()
enable_language(CUDA)
# What runs on this machine alone, tests and benchmarks, is compiled for its GPU, or without one for 8.0 and what translates from it: half the cost.
execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader --id=0 OUTPUT_VARIABLE dcs_gpu OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
                RESULT_VARIABLE dcs_no_gpu)
if(dcs_no_gpu OR NOT dcs_gpu MATCHES "^[0-9]+\\.[0-9]$")
  set(dcs_gpu 8.0)
endif()
string(REPLACE "." "" DCS_GPU_HERE ${dcs_gpu})
find_package(CUDAToolkit 12 REQUIRED)
find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS $ENV{CUDNN_PATH} ${CUDAToolkit_INCLUDE_DIRS} ${dcs_pip_nvidia} PATH_SUFFIXES include)
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS $ENV{CUDNN_PATH} ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT} ${dcs_pip_nvidia} PATH_SUFFIXES lib lib64)
if(NOT CUDNN_INCLUDE_DIR OR NOT CUDNN_LIBRARY)
  message(FATAL_ERROR "DCS_CUDA: no cuDNN 9 beside the toolkit, in CUDNN_PATH or among pip's packages")
endif()

add_library(dcs_cuda INTERFACE)
target_link_libraries(dcs_cuda INTERFACE dcs CUDA::cudart)
# CMake 3.25 does not know that this nvcc takes C++20: hence -std.
target_compile_options(dcs_cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20 --expt-relaxed-constexpr>)
add_library(dcs_cudnn INTERFACE)
target_link_libraries(dcs_cudnn INTERFACE dcs_cuda CUDA::cublasLt ${CUDNN_LIBRARY})
target_include_directories(dcs_cudnn SYSTEM INTERFACE ${CUDNN_INCLUDE_DIR})
message(STATUS "CUDA ${CUDAToolkit_VERSION}, cuDNN at ${CUDNN_LIBRARY}, architectures ${CMAKE_CUDA_ARCHITECTURES}, tests for ${DCS_GPU_HERE}")
