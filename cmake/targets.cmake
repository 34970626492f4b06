# aft_add_library(NAME SOURCES … LINKS …): a layer's static library.
function(aft_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC aft_options ${ARG_LINKS})
endfunction()

# aft_add_module(NAME SOURCES … LINKS …): something loaded with dlopen, as
# build/modules/NAME.so, installed as lib/aftershock/NAME.so (base/path.c looks there), in a
# package of its own where COMPONENT names one.
function(aft_add_module name)
  cmake_parse_arguments(ARG "" "COMPONENT" "SOURCES;LINKS" ${ARGN})
  if(NOT ARG_COMPONENT)
    set(ARG_COMPONENT ${CMAKE_INSTALL_DEFAULT_COMPONENT_NAME})
  endif()
  add_library(${name} MODULE ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE aft_options ${ARG_LINKS})
  set_target_properties(${name} PROPERTIES PREFIX ""
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/modules)
  if(NOT AFT_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,-z,defs) # a missing symbol is a build error
  endif()
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/aftershock
    COMPONENT ${ARG_COMPONENT})
endfunction()

# aft_add_test(NAME SOURCES … LINKS … [TIMEOUT seconds] [LABELS …]): a cmocka program.
# It finds the source tree as AFT_SOURCE_DIR and the build tree as AFT_BUILD_DIR.
function(aft_add_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE aft_options ${ARG_LINKS} PkgConfig::CMOCKA)
  target_compile_definitions(${name} PRIVATE AFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    AFT_BUILD_DIR="${PROJECT_BINARY_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "OPENBLAS_NUM_THREADS=1")
  if(ARG_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
  endif()
endfunction()

# aft_embed(FILE): its bytes as FILE's name.inc in AFT_EMBEDDED_DIR, for an initialiser.
set(AFT_EMBEDDED_DIR ${PROJECT_BINARY_DIR}/embedded)
function(aft_embed file)
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  file(CONFIGURE OUTPUT ${AFT_EMBEDDED_DIR}/${name}.inc CONTENT "${bytes}\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endfunction()
