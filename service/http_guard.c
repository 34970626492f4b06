#include "service/http_guard.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_NAME = 256 };

struct authority { /* "name:port" */
    char name[MAX_NAME];
    int port; /* -1: none is given */
};

static bool parse_port(int *port, const char *text)
{
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 5 || text[length] != '\0') {
        return false;
    }
    *port = (int)strtol(text, NULL, 10);
    return *port >= 1 && *port <= 65535;
}

static bool is_ipv6(const char *name)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, name, &address) == 1;
}

static bool is_ip(const char *name)
{
    struct in_addr address;
    return inet_pton(AF_INET, name, &address) == 1 || is_ipv6(name);
}

/* The name without the brackets of an IPv6 address. */
static bool parse_authority(struct authority *authority, const char *text)
{
    bool bracket = *text == '[';
    text += bracket;
    size_t length = strcspn(text, bracket ? "]" : ":");
    if (length == 0 || length >= MAX_NAME) {
        return false;
    }
    memcpy(authority->name, text, length);
    authority->name[length] = '\0';
    text += length;
    if (bracket && (*text++ != ']' || !is_ipv6(authority->name))) {
        return false;
    }
    authority->port = -1;
    return *text == '\0' || (*text == ':' && parse_port(&authority->port, text + 1));
}

bool aft_http_is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    if (inet_pton(AF_INET6, address, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
    }
    return strcasecmp(address, "localhost") == 0;
}

static bool is_wildcard(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    return (inet_pton(AF_INET, address, &v4) == 1 && v4.s_addr == htonl(INADDR_ANY)) ||
           (inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_UNSPECIFIED(&v6));
}

/* The names that need no mention. A literal address cannot be rebound to another. */
static bool is_own_name(const struct aft_http_guard *guard, const char *name)
{
    if (strcasecmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 ||
        strcmp(name, "::1") == 0) {
        return true;
    }
    return is_wildcard(guard->address) ? is_ip(name) : strcasecmp(name, guard->address) == 0;
}

/* any_port: of Host, which a tunnel or a proxy may give another port, and which no page can
 * choose. Otherwise ours, and for an entry of hosts without a port the scheme's default too. */
static bool is_ours(const struct aft_http_guard *guard, const struct authority *authority,
                    int default_port, bool any_port)
{
    int port = authority->port < 0 ? default_port : authority->port;
    if ((any_port || port == guard->port) && is_own_name(guard, authority->name)) {
        return true;
    }
    for (int i = 0; i < guard->n_hosts; i++) {
        struct authority host;
        if (parse_authority(&host, guard->hosts[i]) &&
            strcasecmp(host.name, authority->name) == 0 &&
            (host.port < 0 ? any_port || port == default_port || port == guard->port
                           : port == host.port)) {
            return true;
        }
    }
    return false;
}

static bool host_is_ours(const struct aft_http_guard *guard, const char *host)
{
    struct authority authority;
    return host != NULL && parse_authority(&authority, host) &&
           is_ours(guard, &authority, 80, true);
}

/* Of a page that this server gave: under the very name that it was asked by, or under another
 * of its names, which a proxy in front may have put into Host. */
static bool origin_is_ours(const struct aft_http_guard *guard, const char *origin, const char *host)
{
    struct authority authority;
    bool secure = strncasecmp(origin, "https://", 8) == 0;
    if (!secure && strncasecmp(origin, "http://", 7) != 0) {
        return false;
    }
    const char *text = origin + (secure ? 8 : 7);
    return strcasecmp(text, host) == 0 || (parse_authority(&authority, text) &&
                                           is_ours(guard, &authority, secure ? 443 : 80, false));
}

/* What a browser says of the page that asks. "none" is the user: an address typed, a bookmark. */
static bool site_is_ours(const char *fetch_site)
{
    return strcmp(fetch_site, "same-origin") == 0 || strcmp(fetch_site, "none") == 0;
}

/* In a time that depends on the length of what is presented only. */
static bool token_is_right(const char *token, const char *authorization)
{
    if (token == NULL || *token == '\0' || authorization == NULL ||
        strncasecmp(authorization, "Bearer ", 7) != 0) {
        return false;
    }
    const char *presented = authorization + 7 + strspn(authorization + 7, " ");
    size_t size = strlen(token), length = strlen(presented);
    volatile unsigned difference = size != length;
    for (size_t i = 0; i < length; i++) {
        difference = difference | (unsigned)(presented[i] ^ token[i % size]);
    }
    return difference == 0;
}

enum aft_http_verdict aft_http_guard(const struct aft_http_guard *guard,
                                     const struct aft_http_claims *claims, bool open)
{
    bool reads = strcmp(claims->method, "GET") == 0 || strcmp(claims->method, "HEAD") == 0;
    if (!host_is_ours(guard, claims->host)) {
        return AFT_HTTP_MISDIRECTED;
    }
    if (claims->origin != NULL && !origin_is_ours(guard, claims->origin, claims->host)) {
        return AFT_HTTP_CROSS_SITE;
    }
    /* Any site may have a link to the page itself. */
    if (claims->fetch_site != NULL && !(reads && open) && !site_is_ours(claims->fetch_site)) {
        return AFT_HTTP_CROSS_SITE;
    }
    if (reads && (open || aft_http_is_loopback(guard->address))) {
        return AFT_HTTP_LET_IN;
    }
    return token_is_right(guard->token, claims->authorization) ? AFT_HTTP_LET_IN
                                                               : AFT_HTTP_UNAUTHORIZED;
}
