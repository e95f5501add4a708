/* A subscriber of framebus in C11, written by docs/memory-layout.md alone.
 *
 * usage: subscriber SOCKET REQUEST
 *
 * Connects to the socket of a stream, waits for the newest frame, prints it, asks for another
 * with REQUEST, prints that, and waits for the end. One line each:
 *   SEQUENCE WIDTHxHEIGHT FORMAT METADATA SUM-OF-ALL-PIXEL-BYTES
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef _Atomic uint32_t word;
enum { LIVE = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL };
enum { SHARED = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };
enum { RELAXED = memory_order_relaxed, RELEASE = memory_order_release };
enum { QUOTA = 2 };

static int connection;
static word *page;    /* the stream page, mapped for reading */
static word *control; /* our control page */

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static uint32_t load(word *at) {
    uint32_t value = atomic_load_explicit(at, RELAXED);
    atomic_thread_fence(memory_order_acquire);
    return value;
}

static void store(word *at, uint32_t value) { atomic_store_explicit(at, value, RELEASE); }

/* Sends a message and gives the answer's words and handles. */
static void ask(uint32_t kind, const uint32_t *fields, uint32_t answer[16], int handles[2]) {
    uint32_t message[16] = {0x314D4246, 1u << 16 | kind};
    memcpy(message + 2, fields, 5 * sizeof *fields);
    if (send(connection, message, sizeof message, MSG_NOSIGNAL) != sizeof message) fail("send");
    union {
        char room[256];
        struct cmsghdr aligned;
    } ancillary;
    struct iovec bytes = {answer, 64};
    struct msghdr received = {.msg_iov = &bytes,
                              .msg_iovlen = 1,
                              .msg_control = ancillary.room,
                              .msg_controllen = sizeof ancillary.room};
    if (recvmsg(connection, &received, MSG_CMSG_CLOEXEC) != 64) fail("no answer of 64 bytes");
    int is_same_user = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&received); c; c = CMSG_NXTHDR(&received, c)) {
        if (c->cmsg_type == SCM_RIGHTS && c->cmsg_len <= CMSG_LEN(2 * sizeof(int)))
            memcpy(handles, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
        if (c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred sender;
            memcpy(&sender, CMSG_DATA(c), sizeof sender);
            is_same_user = sender.uid == geteuid();
        }
    }
    if (!is_same_user) fail("a publisher of another user");
    if (answer[0] != 0x314D4246 || answer[1] >> 16 != 1) fail("another protocol");
    if (answer[1] == (1u << 16 | 9)) fail("refused");
}

/* Maps a segment after checking seals and size. */
static void *map(int handle, int seals, uint64_t size, int protection) {
    struct stat about;
    int found = fcntl(handle, F_GET_SEALS);
    if (found < 0 || (found & seals) != seals) fail("a segment without seals");
    if (fstat(handle, &about) || (uint64_t)about.st_size != size) fail("a segment of another size");
    void *start = mmap(NULL, size, protection, MAP_SHARED, handle, 0);
    if (start == MAP_FAILED) fail("mmap");
    close(handle);
    return start;
}

static void greet(void) {
    uint32_t hello[5] = {0, 0, QUOTA, 1, 0}, welcome[16];
    int handles[2] = {-1, -1};
    ask(1, hello, welcome, handles);
    if ((welcome[1] & 0xFFFF) != 2 || welcome[4] != QUOTA || welcome[5] != 1) fail("no welcome");
    page = map(handles[0], LIVE, 0x4000, PROT_READ);
    control = map(handles[1], SHARED, 0x3000, PROT_READ | PROT_WRITE);
    if (load(page) != 0x31534246 || load(page + 1) != 1 || load(page + 2) != welcome[2] ||
        load(page + 3) != 64 || load(control + 0x380 / 4) != 0x31434246)
        fail("pages that are none");
}

/* Sleeps on the bell until `look` finds something. */
static void wait_until(int (*look)(uint32_t), uint32_t known) {
    word *bell = control + 0x300 / 4, *wake = control + 0x180 / 4;
    while (!look(known)) {
        uint32_t seen = load(bell);
        atomic_store_explicit(wake, 1, RELAXED);
        atomic_thread_fence(memory_order_seq_cst);
        struct timespec limit = {10, 0};
        if (!look(known) && syscall(SYS_futex, bell, FUTEX_WAIT, seen, &limit, NULL, 0)) {
            if (!look(known) && load(bell) == seen) fail("nothing came within ten seconds");
        }
        atomic_store_explicit(wake, 0, RELAXED);
    }
}

static int is_published(uint32_t known) { return load(page + 0x40 / 4) != known; }
static int is_answered(uint32_t id) { return load(control + 0x200 / 4) == id; }
static int is_closed(uint32_t unused) {
    (void)unused;
    return load(page + 0x80 / 4) == 1;
}

/* Prints the frame in a leased slot, after checking what its publisher says about it. */
static void print(uint32_t slot_ref) {
    uint32_t fields[5] = {slot_ref >> 8}, answer[16];
    int handles[2] = {-1, -1};
    ask(3, fields, answer, handles);
    uint64_t slot_bytes = answer[6] | (uint64_t)answer[7] << 32;
    if ((answer[1] & 0xFFFF) != 4 || answer[2] != slot_ref >> 8) fail("no segment");
    if (answer[3] != load(page + 0xC0 / 4 + answer[2])) fail("another serial");
    if (answer[4] > 256 || (slot_ref & 0xFF) >= answer[4] || slot_bytes % 65536) fail("no such slot");
    uint64_t size = slot_bytes * answer[4];
    char *segment = map(handles[0], LIVE, size, PROT_READ);
    volatile uint32_t *slot = (volatile uint32_t *)(segment + (slot_ref & 0xFF) * slot_bytes);
    uint32_t header[128];
    for (int at = 0; at < 128; at++) header[at] = slot[at];
    uint32_t len = header[0x30 / 4], bytes = header[0x80 / 4];
    if (header[0] != 0x31464246 || header[1] != (512u << 16 | 1)) fail("no frame");
    if (header[0x38 / 4] != load(page + 2)) fail("a frame of another epoch");
    if (len > 4096 || header[0x84 / 4] || bytes > slot_bytes - 0x2000) fail("a header that lies");
    if (header[0x88 / 4] != 0x2000 || header[0x8C / 4] != 0x200) fail("another header");
    printf("%u %ux%u %u ", header[2], header[0x48 / 4], header[0x4C / 4], header[0x50 / 4]);
    volatile unsigned char *start = (volatile unsigned char *)slot;
    for (uint32_t at = 0; at < len; at++) putchar(start[0x200 + at]);
    uint64_t sum = 0;
    for (uint32_t at = 0; at < bytes; at++) sum += start[0x2000 + at];
    printf(" %llu\n", (unsigned long long)sum);
    munmap(segment, size);
}

static void newest(void) {
    word *lease = control + 0x80 / 4, *published = page + 0x40 / 4;
    wait_until(is_published, 0);
    for (;;) {
        uint32_t seen = load(published);
        store(lease, seen & 0xFFF);
        atomic_thread_fence(memory_order_seq_cst);
        if (load(published) == seen) {
            print(seen & 0xFFF);
            store(lease, 0);
            return;
        }
        store(lease, 0);
    }
}

static void request(const char *text) {
    uint32_t id = 1, padded[14] = {0};
    memcpy(padded, text, strnlen(text, sizeof padded));
    for (int at = 0; at < 14; at++) atomic_store_explicit(control + 2 + at, padded[at], RELAXED);
    atomic_store_explicit(control + 1, (uint32_t)strnlen(text, sizeof padded), RELAXED);
    store(control, id);
    atomic_thread_fence(memory_order_seq_cst);
    if (load(page + 0x84 / 4) == 1) {
        word *publisher_bell = control + 0x304 / 4;
        atomic_fetch_add_explicit(publisher_bell, 1, RELEASE);
        syscall(SYS_futex, publisher_bell, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
    }
    wait_until(is_answered, id);
    uint32_t slot = load(control + 0x204 / 4);
    if (slot < 0x100 || slot > 0xFFF) fail("declined");
    store(control + 0x80 / 4, slot);
    store(control + 0xA0 / 4, id);
    print(slot);
    store(control + 0x80 / 4, 0);
}

int main(int count, char **arguments) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int on = 1;
    if (count != 3 || strlen(arguments[1]) >= sizeof address.sun_path) fail("SOCKET REQUEST");
    strcpy(address.sun_path, arguments[1]);
    connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connection < 0 || setsockopt(connection, SOL_SOCKET, SO_PASSCRED, &on, sizeof on)) fail("socket");
    if (connect(connection, (struct sockaddr *)&address, sizeof address)) fail("connect");
    greet();
    newest();
    request(arguments[2]);
    fflush(stdout);
    wait_until(is_closed, 0);
    puts("end");
    return 0;
}
