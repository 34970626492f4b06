# The torch engine against finite differences, a textbook Adam and the native
# engine. Modules are loaded by path, so nothing of the engines is linked.
aft_add_test(test_torch_engine
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_torch_engine.c
  LINKS ${CMAKE_DL_LIBS} m)
foreach(engine aftershock_torch aftershock_native)
  if(TARGET ${engine})
    add_dependencies(test_torch_engine ${engine})
  endif()
endforeach()
