# Everything that is not ours. tools/setup installs the packages that provide it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(INIH REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(LAPACKE REQUIRED IMPORTED_TARGET lapacke)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)

find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)
add_library(aft_random123 INTERFACE)
target_include_directories(aft_random123 SYSTEM INTERFACE ${RANDOM123_INCLUDE_DIR})

# CLP's header only: environment/linear_program.c loads the library on demand.
find_path(CLP_INCLUDE_DIR Clp_C_Interface.h PATH_SUFFIXES coin coin-or REQUIRED)

if(BUILD_TESTING OR NOT DEFINED BUILD_TESTING)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
endif()

if(AFT_WITH_TORCH)
  find_package(Torch QUIET)
endif()
if(NOT Torch_FOUND)
  message(STATUS "libtorch: not found or not wanted; building without the torch engine")
endif()
