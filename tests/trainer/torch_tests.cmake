# The torch engine against finite differences, a textbook Adam and the native
# engine. Modules are loaded by path, so nothing of the engines is linked.
foreach(test test_torch_engine test_torch_epochs)
  aft_add_test(${test}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/${test}.c ${CMAKE_CURRENT_LIST_DIR}/torch_problem.c
    LINKS ${CMAKE_DL_LIBS} m)
  foreach(engine aftershock_torch aftershock_native)
    if(TARGET ${engine})
      add_dependencies(${test} ${engine})
    endif()
  endforeach()
endforeach()
