/* The snapshot region, its invariants attacked from a second process. */
#include "recovery/snapshot.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SLOT = 40000 };

static struct aft_snapshot_region *make_region(void)
{
    struct aft_snapshot_region *region = NULL;
    struct aft_snapshot_sizes sizes = {.slot = SLOT,
                                       .history_record = 16,
                                       .history_capacity = 64,
                                       .event_record = 8,
                                       .event_capacity = 4};
    struct aft_error error;
    assert_int_equal(aft_snapshot_create(&region, &sizes, &error), AFT_OK);
    return region;
}

static void seal_filled(struct aft_snapshot_region *region, unsigned char fill, size_t size)
{
    unsigned char bytes[SLOT];
    struct aft_snapshot_info info = {.size = size, .stage = 1, .step = fill};
    memset(bytes, fill, sizeof bytes);
    assert_int_equal(aft_snapshot_seal(region, bytes, &info, NULL), AFT_OK);
}

static void snapshot_copy__gives_what_was_sealed_last(void **state)
{
    (void)state;
    struct aft_snapshot_region *region = make_region();
    void *bytes = NULL;
    size_t capacity = 0;
    struct aft_snapshot_info info;
    struct aft_error error;
    assert_int_equal(aft_snapshot_copy(region, &bytes, &capacity, &info, &error), AFT_ERR_MISSING);
    for (unsigned char fill = 1; fill < 20; fill++) {
        seal_filled(region, fill, 1000u + fill);
        assert_int_equal(aft_snapshot_copy(region, &bytes, &capacity, &info, &error), AFT_OK);
        assert_int_equal(info.sequence, fill);
        assert_int_equal(info.size, 1000 + fill);
        assert_int_equal(info.step, fill);
        assert_int_equal(((unsigned char *)bytes)[info.size - 1], fill);
    }
    free(bytes);
    aft_snapshot_destroy(region);
}

static void snapshot_seal__refuses_what_does_not_fit(void **state)
{
    (void)state;
    struct aft_snapshot_region *region = make_region();
    unsigned char byte = 0;
    struct aft_snapshot_info info = {.size = SLOT + 1, .stage = 1};
    struct aft_error error;
    assert_int_equal(aft_snapshot_seal(region, &byte, &info, &error), AFT_ERR_MEMORY);
    assert_int_equal(aft_snapshot_sequence(region), 0);
    aft_snapshot_destroy(region);
}

/* A child seals as fast as it can, every byte of a snapshot alike, until it is killed at
 * a random moment; every copy on the way, and the one after, is whole. */
static void snapshot_copy__is_whole_while_the_worker_writes_and_dies(void **state)
{
    (void)state;
    void *bytes = NULL;
    size_t capacity = 0;
    struct aft_snapshot_info info;
    struct aft_error error;
    for (int round = 0; round < 20; round++) {
        struct aft_snapshot_region *region = make_region();
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (unsigned char fill = 1;; fill++) {
                seal_filled(region, fill, SLOT);
            }
        }
        while (aft_snapshot_sequence(region) < 10) {
        }
        for (int copies = 0; copies < 50 + 7 * round; copies++) {
            assert_int_equal(aft_snapshot_copy(region, &bytes, &capacity, &info, &error), AFT_OK);
            const unsigned char *at = bytes;
            assert_int_equal(at[0], (unsigned char)info.step);
            assert_memory_equal(at, at + 1, SLOT - 1);
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(aft_snapshot_copy(region, &bytes, &capacity, &info, &error), AFT_OK);
        assert_memory_equal(bytes, (unsigned char *)bytes + 1, SLOT - 1);
        aft_snapshot_destroy(region);
    }
    free(bytes);
}

/* A worker gone wild writes over its slots: the copy is refused, not believed. */
static void snapshot_copy__refuses_a_slot_that_was_written_over(void **state)
{
    (void)state;
    struct aft_snapshot_region *region = make_region();
    void *bytes = NULL;
    size_t capacity = 0;
    struct aft_snapshot_info info;
    struct aft_error error;
    seal_filled(region, 3, SLOT);
    off_t size = lseek(aft_snapshot_memory_fd(region), 0, SEEK_END);
    unsigned char *mapping = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
                                  aft_snapshot_memory_fd(region), 0);
    assert_true(mapping != MAP_FAILED);
    unsigned char *middle = memchr(mapping + 4096, 3, (size_t)size - 4096);
    assert_non_null(middle);
    middle[SLOT / 2] ^= 1;
    assert_int_equal(aft_snapshot_copy(region, &bytes, &capacity, &info, &error), AFT_ERR_CORRUPT);
    (void)munmap(mapping, (size_t)size);
    free(bytes);
    aft_snapshot_destroy(region);
}

static void events_take__gives_only_what_was_sealed(void **state)
{
    (void)state;
    struct aft_snapshot_region *region = make_region();
    int64_t event = 11;
    aft_events_put(region, &event);
    assert_null(aft_events_take(region));
    seal_filled(region, 1, 8);
    event = 12;
    aft_events_put(region, &event);
    const int64_t *taken = aft_events_take(region);
    assert_non_null(taken);
    assert_int_equal(*taken, 11);
    assert_null(aft_events_take(region));
    aft_snapshot_prepare_worker(region); /* the worker died: event 12 never was */
    event = 13;
    aft_events_put(region, &event);
    seal_filled(region, 2, 8);
    taken = aft_events_take(region);
    assert_non_null(taken);
    assert_int_equal(*taken, 13);
    assert_null(aft_events_take(region));
    aft_snapshot_destroy(region);
}

/* The ring holds 3 unread events; a slow keeper holds the worker up, and loses none. */
static void events_put__waits_for_a_slow_keeper(void **state)
{
    (void)state;
    struct aft_snapshot_region *region = make_region();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (int64_t event = 1; event <= 200; event++) {
            aft_events_put(region, &event);
            seal_filled(region, 1, 8);
        }
        _exit(0);
    }
    for (int64_t expected = 1; expected <= 200;) {
        const int64_t *taken = aft_events_take(region);
        if (taken != NULL) {
            assert_int_equal(*taken, expected);
            expected++;
        }
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    aft_snapshot_destroy(region);
}

static void history_put__is_bounded(void **state)
{
    (void)state;
    struct aft_snapshot_region *region = make_region();
    const char record[16] = "fifteen letters";
    struct aft_error error;
    assert_int_equal(aft_history_put(region, 63, record, &error), AFT_OK);
    assert_memory_equal(aft_history_at(region, 63), record, sizeof record);
    assert_int_equal(aft_history_put(region, 64, record, &error), AFT_ERR_MEMORY);
    assert_null(aft_history_at(region, 64));
    aft_snapshot_destroy(region);
}

static void worker_announce__reaches_the_keeper_and_is_forgotten_by_the_next(void **state)
{
    (void)state;
    struct aft_snapshot_region *region = make_region();
    struct aft_error told = {.code = AFT_ERR_NUMERIC, .message = "the loss is not finite"};
    struct aft_error heard;
    assert_int_equal(aft_worker_announced(region, &heard), AFT_ANNOUNCED_NOTHING);
    aft_worker_announce(region, AFT_ANNOUNCED_FAILURE, &told);
    assert_int_equal(aft_worker_announced(region, &heard), AFT_ANNOUNCED_FAILURE);
    assert_int_equal(heard.code, AFT_ERR_NUMERIC);
    assert_string_equal(heard.message, told.message);
    aft_snapshot_prepare_worker(region);
    assert_int_equal(aft_worker_announced(region, &heard), AFT_ANNOUNCED_NOTHING);
    aft_snapshot_destroy(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_copy__gives_what_was_sealed_last),
        cmocka_unit_test(snapshot_seal__refuses_what_does_not_fit),
        cmocka_unit_test(snapshot_copy__is_whole_while_the_worker_writes_and_dies),
        cmocka_unit_test(snapshot_copy__refuses_a_slot_that_was_written_over),
        cmocka_unit_test(events_take__gives_only_what_was_sealed),
        cmocka_unit_test(events_put__waits_for_a_slow_keeper),
        cmocka_unit_test(history_put__is_bounded),
        cmocka_unit_test(worker_announce__reaches_the_keeper_and_is_forgotten_by_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
