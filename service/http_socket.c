#include "service/http_socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 512 };

static int bound_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return -1;
    }
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static int open_socket(const struct addrinfo *place)
{
    int yes = 1, no = 0;
    int fd = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        (place->ai_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) != 0) ||
        bind(fd, place->ai_addr, place->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int number = errno;
        (void)close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

enum aft_code aft_http_listen(int *fd, int *port, const char *address, struct aft_error *error)
{
    char service[16];
    struct addrinfo *place = NULL;
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                                   .ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};
    (void)snprintf(service, sizeof service, "%d", *port);
    int failure = getaddrinfo(address, service, &hints, &place);
    if (failure != 0) {
        return aft_fail(error, AFT_ERR_USAGE, "listen on '%s' port %d: %s", address, *port,
                        gai_strerror(failure));
    }
    *fd = open_socket(place);
    if (*fd < 0) {
        (void)aft_fail_errno(error, "listen on '%s' port %d", address, *port);
        freeaddrinfo(place);
        return AFT_ERR_IO;
    }
    freeaddrinfo(place);
    *port = bound_port(*fd);
    return AFT_OK;
}
