aft_add_test(test_random SOURCES test_random.c LINKS aft_base m)
aft_add_test(test_thread_pool SOURCES test_thread_pool.c LINKS aft_base)
aft_add_test(test_task_lanes SOURCES test_task_lanes.c LINKS aft_base)
