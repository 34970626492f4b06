# Language, warnings, optimisation and sanitizers: one place for all targets.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(AFT_WITH_TORCH "Build the torch engine where libtorch is found" ON)
option(AFT_WERROR "Warnings are errors" OFF)
option(AFT_COVERAGE "Count covered lines (gcov)" OFF)
set(AFT_SANITIZE "" CACHE STRING "Sanitizers, such as address,undefined")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O3 -g -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g -DNDEBUG")

add_library(aft_options INTERFACE)
target_include_directories(aft_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(aft_options INTERFACE _GNU_SOURCE
  AFT_VERSION="${PROJECT_VERSION}")
# Results must have the same bits from build to build: no reassociation, and
# products and sums are fused only where a file asks for it.
target_compile_options(aft_options INTERFACE -Wall -Wextra -ffp-contract=off
  -fvisibility=hidden
  $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes>)
if(AFT_WERROR)
  target_compile_options(aft_options INTERFACE -Werror)
endif()
if(AFT_SANITIZE)
  target_compile_options(aft_options INTERFACE -fsanitize=${AFT_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(aft_options INTERFACE -fsanitize=${AFT_SANITIZE})
  target_compile_definitions(aft_options INTERFACE AFT_SANITIZED=1)
endif()
if(AFT_COVERAGE)
  target_compile_options(aft_options INTERFACE --coverage)
  target_link_options(aft_options INTERFACE --coverage)
endif()
