# cpack -G DEB: aftershock, and aftershock-torch with the torch engine, which needs libtorch.
# What is linked is found by dpkg-shlibdeps; what the program loads on demand is named here.
set(CPACK_PACKAGE_NAME aftershock)
# Who builds a package maintains it, and says so as for every Debian package (debchange(1)).
set(contact "The Aftershock authors")
if("$ENV{DEBEMAIL}" MATCHES "<.+>")
  set(contact "$ENV{DEBEMAIL}")
elseif(DEFINED ENV{DEBEMAIL} AND DEFINED ENV{DEBFULLNAME})
  set(contact "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()
set(CPACK_PACKAGE_CONTACT "${contact}" CACHE STRING "The packages' maintainer: NAME <ADDRESS>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "trainer for the controller of an actively damped building")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR})
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/finish_deb.cmake)
set(CPACK_AFT_SOURCE_DIR ${PROJECT_SOURCE_DIR})

set(CPACK_COMPONENTS_ALL aftershock)
if(TARGET aftershock_torch)
  list(APPEND CPACK_COMPONENTS_ALL torch)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_AFTERSHOCK_PACKAGE_NAME aftershock)
set(CPACK_DEBIAN_AFTERSHOCK_PACKAGE_DEPENDS liblapacke)       # environment/linear_algebra.c
set(CPACK_DEBIAN_AFTERSHOCK_PACKAGE_RECOMMENDS coinor-libclp1) # environment/linear_program.c
set(CPACK_DEBIAN_AFTERSHOCK_PACKAGE_SUGGESTS aftershock-torch)
# libaftershock is public: ldconfig is to know of it, and what is built against it depends on us.
get_target_property(soversion aftershock_library SOVERSION)
file(WRITE ${PROJECT_BINARY_DIR}/packaging/triggers "activate-noawait ldconfig\n")
file(WRITE ${PROJECT_BINARY_DIR}/packaging/shlibs
  "libaftershock ${soversion} aftershock (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_AFTERSHOCK_PACKAGE_CONTROL_EXTRA
  ${PROJECT_BINARY_DIR}/packaging/triggers ${PROJECT_BINARY_DIR}/packaging/shlibs)
set(CPACK_DEBIAN_TORCH_PACKAGE_NAME aftershock-torch)
set(CPACK_DEBIAN_TORCH_PACKAGE_DEPENDS "aftershock (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_AFTERSHOCK_DESCRIPTION
"Aftershock trains with PPO through a staged curriculum of stronger and
stronger earthquakes, and goes on after any interruption with the result
that an undisturbed run would have had.")
set(CPACK_COMPONENT_TORCH_DESCRIPTION
"This package holds the engine that computes with libtorch: on a GPU,
where libtorch has CUDA, or on the CPU.")
include(CPack)
