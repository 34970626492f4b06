#include "recovery/snapshot.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t REGION_MAGIC = 0x3153545f54464121u;
enum { REGION_ALIGNMENT = 4096, COPY_ATTEMPTS = 1000 };

struct slot_header {
    _Atomic uint64_t sequence; /* 0 while the slot is being written (S2) */
    struct aft_snapshot_info info;
    uint64_t events; /* put before this seal (S3) */
    uint64_t checksum;
};

struct control { /* the first bytes of the mapping */
    uint64_t magic;
    struct aft_snapshot_sizes sizes;
    _Atomic uint64_t sequence; /* of the last sealed snapshot; its slot is sequence & 1 (S1) */
    struct slot_header slots[2];
    _Atomic uint64_t events_put; /* by the worker, sealed or not */
    _Atomic uint64_t events_taken;
    _Atomic int phase;
    _Atomic int announced;
    struct aft_error failure;
    _Atomic int64_t published;
    _Atomic uint64_t copied;
};

struct aft_snapshot_region {
    struct control *control;
    struct aft_snapshot_sizes sizes; /* a copy that a worker gone wild cannot change */
    unsigned char *slot[2];
    unsigned char *history;
    unsigned char *events;
    size_t mapped;
    int memory_fd, to_keeper_fd, to_worker_fd;
};

static size_t rounded(size_t size)
{
    return (size + REGION_ALIGNMENT - 1) / REGION_ALIGNMENT * REGION_ALIGNMENT;
}

static size_t region_size(const struct aft_snapshot_sizes *sizes)
{
    return rounded(sizeof(struct control)) + 2 * rounded(sizes->slot) +
           rounded(sizes->history_record * sizes->history_capacity) +
           rounded(sizes->event_record * sizes->event_capacity);
}

static void lay_out(struct aft_snapshot_region *region, const struct aft_snapshot_sizes *sizes)
{
    region->sizes = *sizes;
    unsigned char *at = (unsigned char *)region->control + rounded(sizeof(struct control));
    for (int i = 0; i < 2; i++) {
        region->slot[i] = at;
        at += rounded(sizes->slot);
    }
    region->history = at;
    region->events = at + rounded(sizes->history_record * sizes->history_capacity);
}

enum aft_code aft_snapshot_create(struct aft_snapshot_region **region,
                                  const struct aft_snapshot_sizes *sizes, struct aft_error *error)
{
    struct aft_snapshot_region *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aft_fail(error, AFT_ERR_MEMORY, "create snapshot region: no memory");
    }
    made->mapped = region_size(sizes);
    made->memory_fd = memfd_create("aftershock-snapshot", MFD_CLOEXEC);
    made->to_keeper_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    made->to_worker_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    void *mapping = MAP_FAILED;
    if (made->memory_fd >= 0 && made->to_keeper_fd >= 0 && made->to_worker_fd >= 0 &&
        ftruncate(made->memory_fd, (off_t)made->mapped) == 0) {
        mapping = mmap(NULL, made->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, made->memory_fd, 0);
    }
    if (mapping == MAP_FAILED) {
        enum aft_code code =
            aft_fail_errno(error, "create snapshot region of %zu bytes", made->mapped);
        aft_snapshot_destroy(made);
        return code;
    }
    made->control = mapping;
    made->control->magic = REGION_MAGIC;
    made->control->sizes = *sizes;
    lay_out(made, sizes);
    *region = made;
    return AFT_OK;
}

enum aft_code aft_snapshot_attach(struct aft_snapshot_region **region, int memory_fd,
                                  int to_keeper_fd, int to_worker_fd, struct aft_error *error)
{
    struct stat status;
    if (fstat(memory_fd, &status) != 0) {
        return aft_fail_errno(error, "attach to snapshot region");
    }
    void *mapping =
        mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
    if (mapping == MAP_FAILED) {
        return aft_fail_errno(error, "map snapshot region");
    }
    const struct control *control = mapping;
    struct aft_snapshot_region *made = calloc(1, sizeof *made);
    if (made == NULL || control->magic != REGION_MAGIC ||
        region_size(&control->sizes) != (size_t)status.st_size) {
        free(made);
        (void)munmap(mapping, (size_t)status.st_size);
        return aft_fail(error, AFT_ERR_CORRUPT, "attach to snapshot region: it is not one");
    }
    made->control = mapping;
    made->mapped = (size_t)status.st_size;
    made->memory_fd = memory_fd;
    made->to_keeper_fd = to_keeper_fd;
    made->to_worker_fd = to_worker_fd;
    lay_out(made, &control->sizes);
    *region = made;
    return AFT_OK;
}

void aft_snapshot_destroy(struct aft_snapshot_region *region)
{
    if (region == NULL) {
        return;
    }
    if (region->control != NULL) {
        (void)munmap(region->control, region->mapped);
    }
    const int fds[] = {region->memory_fd, region->to_keeper_fd, region->to_worker_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    free(region);
}

int aft_snapshot_memory_fd(const struct aft_snapshot_region *region)
{
    return region->memory_fd;
}

int aft_snapshot_to_keeper_fd(const struct aft_snapshot_region *region)
{
    return region->to_keeper_fd;
}

int aft_snapshot_to_worker_fd(const struct aft_snapshot_region *region)
{
    return region->to_worker_fd;
}

static void ring_bell(int fd)
{
    const uint64_t one = 1;
    /* EAGAIN means that the other side has not looked for 2^64 rings: it will. */
    (void)!write(fd, &one, sizeof one);
}

static void wait_for_bell(int fd, int timeout_ms)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    if (poll(&waiting, 1, timeout_ms) > 0) {
        uint64_t rings;
        (void)!read(fd, &rings, sizeof rings);
    }
}

/* Fletcher's sum over 64-bit words: order-sensitive, and as fast as memory. */
static uint64_t checksum_of(const unsigned char *bytes, size_t size)
{
    uint64_t sum = size;
    uint64_t sum_of_sums = 0;
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        uint64_t word;
        memcpy(&word, bytes + at, 8);
        sum += word;
        sum_of_sums += sum;
    }
    uint64_t last = 0;
    memcpy(&last, bytes + at, size - at);
    sum += last;
    sum_of_sums += sum;
    return sum_of_sums * 0x9e3779b97f4a7c15u ^ sum;
}

enum aft_code aft_snapshot_seal(struct aft_snapshot_region *region, const void *bytes,
                                const struct aft_snapshot_info *info, struct aft_error *error)
{
    struct control *control = region->control;
    if (info->size > region->sizes.slot) {
        return aft_fail(error, AFT_ERR_MEMORY, "seal snapshot: %zu bytes do not fit a slot of %zu",
                        info->size, region->sizes.slot);
    }
    uint64_t next = atomic_load(&control->sequence) + 1;
    struct slot_header *slot = &control->slots[next & 1];
    atomic_store(&slot->sequence, 0);
    memcpy(region->slot[next & 1], bytes, info->size);
    slot->info = *info;
    slot->info.sequence = next;
    slot->events = atomic_load(&control->events_put);
    slot->checksum = checksum_of(region->slot[next & 1], info->size);
    atomic_store(&slot->sequence, next);
    atomic_store(&control->sequence, next);
    ring_bell(region->to_keeper_fd);
    return AFT_OK;
}

uint64_t aft_snapshot_sequence(const struct aft_snapshot_region *region)
{
    return atomic_load(&region->control->sequence);
}

bool aft_snapshot_peek(const struct aft_snapshot_region *region, struct aft_snapshot_info *info)
{
    for (int attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
        uint64_t sequence = aft_snapshot_sequence(region);
        if (sequence == 0) {
            return false;
        }
        const struct slot_header *slot = &region->control->slots[sequence & 1];
        *info = slot->info;
        atomic_thread_fence(memory_order_seq_cst);
        if (atomic_load(&slot->sequence) == sequence && info->sequence == sequence) {
            return true;
        }
    }
    return false;
}

/* One try at S2: false when the worker was faster, or the bytes are not what was sealed. */
static bool copy_slot(struct aft_snapshot_region *region, uint64_t sequence, void *bytes,
                      struct aft_snapshot_info *info)
{
    const struct slot_header *slot = &region->control->slots[sequence & 1];
    *info = slot->info;
    uint64_t checksum = slot->checksum;
    if (atomic_load(&slot->sequence) != sequence || info->size > region->sizes.slot) {
        return false;
    }
    memcpy(bytes, region->slot[sequence & 1], info->size);
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load(&slot->sequence) == sequence && info->sequence == sequence &&
           checksum_of(bytes, info->size) == checksum;
}

enum aft_code aft_snapshot_copy(struct aft_snapshot_region *region, void **bytes, size_t *capacity,
                                struct aft_snapshot_info *info, struct aft_error *error)
{
    if (*capacity < region->sizes.slot) {
        /* Reserved, not touched: pages that no snapshot reaches take no memory. */
        void *grown = realloc(*bytes, region->sizes.slot);
        if (grown == NULL) {
            return aft_fail(error, AFT_ERR_MEMORY, "copy snapshot: no memory for %zu bytes",
                            region->sizes.slot);
        }
        *bytes = grown;
        *capacity = region->sizes.slot;
    }
    for (int attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
        uint64_t sequence = aft_snapshot_sequence(region);
        if (sequence == 0) {
            return aft_fail(error, AFT_ERR_MISSING, "copy snapshot: nothing was sealed yet");
        }
        if (copy_slot(region, sequence, *bytes, info)) {
            return AFT_OK;
        }
        if (attempt > COPY_ATTEMPTS / 2) {
            (void)usleep(100);
        }
    }
    return aft_fail(error, AFT_ERR_CORRUPT, "copy snapshot: its checksum is wrong");
}

enum aft_code aft_history_put(struct aft_snapshot_region *region, size_t index, const void *record,
                              struct aft_error *error)
{
    const struct aft_snapshot_sizes *sizes = &region->sizes;
    if (index >= sizes->history_capacity) {
        return aft_fail(error, AFT_ERR_MEMORY, "append to history: its %zu records are full",
                        sizes->history_capacity);
    }
    memcpy(region->history + index * sizes->history_record, record, sizes->history_record);
    return AFT_OK;
}

const void *aft_history_at(const struct aft_snapshot_region *region, size_t index)
{
    const struct aft_snapshot_sizes *sizes = &region->sizes;
    return index < sizes->history_capacity ? region->history + index * sizes->history_record : NULL;
}

void aft_events_put(struct aft_snapshot_region *region, const void *record)
{
    struct control *control = region->control;
    const struct aft_snapshot_sizes *sizes = &region->sizes;
    uint64_t place = atomic_load(&control->events_put);
    /* One place stays free: the record that the keeper took last, and may be reading. */
    while (place - atomic_load(&control->events_taken) >= sizes->event_capacity - 1) {
        ring_bell(region->to_keeper_fd);
        (void)usleep(1000);
    }
    memcpy(region->events + place % sizes->event_capacity * sizes->event_record, record,
           sizes->event_record);
    atomic_store(&control->events_put, place + 1);
}

/* The number of events put before the last seal (S3); those already taken where
 * the slots are being rewritten at this moment. */
static uint64_t sealed_events(struct control *control)
{
    for (int attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
        uint64_t sequence = atomic_load(&control->sequence);
        const struct slot_header *slot = &control->slots[sequence & 1];
        uint64_t events = slot->events;
        if (sequence == 0 || atomic_load(&slot->sequence) == sequence) {
            return sequence == 0 ? 0 : events;
        }
    }
    return atomic_load(&control->events_taken);
}

const void *aft_events_take(struct aft_snapshot_region *region)
{
    struct control *control = region->control;
    const struct aft_snapshot_sizes *sizes = &region->sizes;
    uint64_t place = atomic_load(&control->events_taken);
    if (place >= sealed_events(control)) {
        return NULL;
    }
    atomic_store(&control->events_taken, place + 1);
    return region->events + place % sizes->event_capacity * sizes->event_record;
}

void aft_worker_set_phase(struct aft_snapshot_region *region, enum aft_worker_phase phase)
{
    atomic_store(&region->control->phase, (int)phase);
}

enum aft_worker_phase aft_worker_phase(const struct aft_snapshot_region *region)
{
    return (enum aft_worker_phase)atomic_load(&region->control->phase);
}

void aft_worker_announce(struct aft_snapshot_region *region, enum aft_announcement what,
                         const struct aft_error *error)
{
    if (error != NULL) {
        region->control->failure = *error;
    }
    atomic_store(&region->control->announced, (int)what);
    ring_bell(region->to_keeper_fd);
}

enum aft_announcement aft_worker_announced(const struct aft_snapshot_region *region,
                                           struct aft_error *error)
{
    enum aft_announcement what = (enum aft_announcement)atomic_load(&region->control->announced);
    if (what == AFT_ANNOUNCED_FAILURE && error != NULL) {
        *error = region->control->failure;
        error->message[sizeof error->message - 1] = '\0';
    }
    return what;
}

void aft_stage_set_published(struct aft_snapshot_region *region, int64_t stage)
{
    atomic_store(&region->control->published, stage);
    ring_bell(region->to_worker_fd);
}

int64_t aft_stage_published(const struct aft_snapshot_region *region)
{
    return atomic_load(&region->control->published);
}

void aft_stage_wait_published(struct aft_snapshot_region *region, int64_t stage)
{
    while (aft_stage_published(region) < stage) {
        wait_for_bell(region->to_worker_fd, 1000);
    }
}

void aft_snapshot_set_copied(struct aft_snapshot_region *region, uint64_t sequence)
{
    atomic_store(&region->control->copied, sequence);
    ring_bell(region->to_worker_fd);
}

void aft_snapshot_wait_copied(struct aft_snapshot_region *region, uint64_t sequence)
{
    while (atomic_load(&region->control->copied) < sequence) {
        wait_for_bell(region->to_worker_fd, 1000);
    }
}

void aft_snapshot_prepare_worker(struct aft_snapshot_region *region)
{
    struct control *control = region->control;
    atomic_store(&control->events_put, sealed_events(control));
    atomic_store(&control->announced, (int)AFT_ANNOUNCED_NOTHING);
    atomic_store(&control->phase, (int)AFT_PHASE_START);
}
