# Where nvcc is: DCS_NVCC, found in CUDA_PATH, in /usr/local/cuda, where pip lays it (nvidia-cuda-nvcc; dcs_pip_nvidia lists pip's folders) or on PATH.
# As a script, `cmake -P cmake/nvcc.cmake`, it says where, and fails where there is none.
execute_process(COMMAND python3 -c "import nvidia, os; print(';'.join(os.path.join(p, d) for p in nvidia.__path__ for d in sorted(os.listdir(p))))"
                OUTPUT_VARIABLE dcs_pip_nvidia OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
find_program(DCS_NVCC nvcc HINTS $ENV{CUDA_PATH} /usr/local/cuda ${dcs_pip_nvidia} PATH_SUFFIXES bin)
if(CMAKE_SCRIPT_MODE_FILE)
  if(NOT DCS_NVCC)
    message(FATAL_ERROR "no nvcc")
  endif()
  message("nvcc: ${DCS_NVCC}")
endif()
