# cuDNN 9, beside the toolkit (which must have been found), in CUDNN_PATH or where pip lays it (dcs_pip_nvidia): CUDNN_INCLUDE_DIR and CUDNN_LIBRARY.
find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS $ENV{CUDNN_PATH} ${CUDAToolkit_INCLUDE_DIRS} ${dcs_pip_nvidia} PATH_SUFFIXES include)
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS $ENV{CUDNN_PATH} ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT} ${dcs_pip_nvidia} PATH_SUFFIXES lib lib64)
