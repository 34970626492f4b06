aft_add_test(test_snapshot SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_snapshot.c LINKS aft_recovery)
aft_add_test(test_keeper SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_keeper.c LINKS aft_recovery)
