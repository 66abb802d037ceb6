/* line_plain: the plain TCP program that the agent is compared with: the same number of bytes, and nothing else.
 *
 *   line_plain receive PORT BYTES          line_plain send HOST PORT BYTES [SECONDS]
 *
 * The receiver says how many bytes it has, takes the rest, and answers with one byte when all are there; then both end.
 * The sender begins at once with the first byte; after a connection that was lost, or on which nothing more was
 * acknowledged for 30 s, it makes another and goes on where the receiver stands.  Exit code 3: not done after SECONDS
 * (600). */
#include "common/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENCE_MS 30000
#define PIECE      16384u

static unsigned char piece[PIECE];

static int open_socket(const char *port, struct sockaddr_in *at)
{
    const int one = 1;
    const unsigned silence = SILENCE_MS;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof(silence)) != 0) {
        perror("line_plain: socket");
        exit(2);
    }
    return fd;
}

/* ---- the receiver ---- */

/* One connection; a later one takes its place. */
static uint64_t take(int listening, int c, uint64_t have, uint64_t all)
{
    unsigned char told[8];

    for (unsigned i = 0; i < 8; i++)
        told[i] = (unsigned char)(have >> (8 * i));
    if (write(c, told, sizeof(told)) != (ssize_t)sizeof(told))
        return have;
    while (have < all) {
        struct pollfd p[2] = {{c, POLLIN, 0}, {listening, POLLIN, 0}};
        ssize_t n;

        if (poll(p, 2, -1) < 0 || (p[1].revents != 0 && p[0].revents == 0))
            return have;
        if ((n = read(c, piece, sizeof(piece))) <= 0)
            return have;
        have += (uint64_t)n;
    }
    return have;
}

static int receive(const char *port, uint64_t all)
{
    struct sockaddr_in at;
    int listening = open_socket(port, &at);
    uint64_t have = 0;

    if (bind(listening, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(listening, 16) != 0) {
        perror("line_plain: listen");
        return 2;
    }
    for (;;) {
        int c = accept(listening, NULL, NULL);
        bool is_done = false;

        if (c < 0)
            continue;
        have = take(listening, c, have, all);
        /* The answer may be lost with its connection: only the sender's end of it says that it has come. */
        is_done = have >= all && write(c, "", 1) == 1 && shutdown(c, SHUT_WR) == 0 && read(c, piece, 1) == 0;
        close(c);
        if (is_done)
            return 0;
    }
}

/* ---- the sender ---- */

/* False: nothing, or the end. */
static bool read_soon(int fd, unsigned char *to, size_t len)
{
    for (size_t have = 0; have < len;) {
        struct pollfd p = {fd, POLLIN, 0};
        ssize_t n;

        if (poll(&p, 1, SILENCE_MS) <= 0 || (n = read(fd, to + have, len - have)) <= 0)
            return false;
        have += (size_t)n;
    }
    return true;
}

static bool read_position(int fd, uint64_t *out)
{
    unsigned char told[8];

    if (!read_soon(fd, told, sizeof(told)))
        return false;
    *out = 0;
    for (unsigned i = 8; i-- > 0;)
        *out = *out << 8 | told[i];
    return true;
}

static bool attempt(const char *host, const char *port, uint64_t all, bool is_first, int64_t until)
{
    struct sockaddr_in at;
    int fd = open_socket(port, &at);
    uint64_t ignored = 0;
    uint64_t sent = 0;
    struct pollfd p = {fd, POLLIN, 0};
    bool is_done = false;

    (void)inet_pton(AF_INET, host, &at.sin_addr);
    if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 && (is_first || read_position(fd, &sent))) {
        while (sent < all) {
            size_t len = all - sent < PIECE ? (size_t)(all - sent) : PIECE;
            ssize_t n = send(fd, piece, len, MSG_NOSIGNAL);

            if (n <= 0)
                break;
            sent += (uint64_t)n;
        }
        if (sent == all && (!is_first || read_position(fd, &ignored)))
            is_done = poll(&p, 1, (int)(until - clock_mono_ms())) > 0 && read(fd, piece, 1) == 1;
    }
    close(fd);
    return is_done;
}

int main(int argc, char **argv)
{
    int64_t until = clock_mono_ms() + (argc > 5 ? strtoll(argv[5], NULL, 10) : 600) * 1000;

    if (argc == 4 && strcmp(argv[1], "receive") == 0)
        return receive(argv[2], strtoull(argv[3], NULL, 10));
    if (argc < 5 || strcmp(argv[1], "send") != 0) {
        (void)fputs("line_plain: receive PORT BYTES, or send HOST PORT BYTES [SECONDS], is expected\n", stderr);
        return 2;
    }
    for (bool is_first = true; clock_mono_ms() < until; is_first = false)
        if (attempt(argv[2], argv[3], strtoull(argv[4], NULL, 10), is_first, until))
            return 0;
    return 3;
}
