#include "service/http_target.h"

#include <stddef.h>
#include <string.h>

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The bytes that follow a first byte of UTF-8, and the range of the first of those: no
 * overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629). */
static int following_bytes(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0x80) {
        return 0;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return 1;
    }
    if (first >= 0xe0 && first <= 0xef) {
        return 2;
    }
    return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

bool aft_http_is_utf8(const char *text)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0';) {
        unsigned char low, high;
        int rest = following_bytes(*byte++, &low, &high);
        if (rest < 0) {
            return false;
        }
        for (; rest > 0; rest--, byte++) {
            if (*byte < low || *byte > high) {
                return false;
            }
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}

/* In place. */
static const char *decode(char *text, bool plus_is_space)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        int byte = (unsigned char)*in;
        if (*in == '%') {
            int high = hex_digit(in[1]), low = high < 0 ? -1 : hex_digit(in[2]);
            if (low < 0) {
                return "a '%' is not followed by two hexadecimal digits";
            }
            byte = high * 16 + low;
            in += 2;
        } else if (*in == '+' && plus_is_space) {
            byte = ' ';
        }
        if (byte < 0x20 || byte == 0x7f) {
            return "it holds a control character";
        }
        *out++ = (char)byte;
    }
    *out = '\0';
    return aft_http_is_utf8(text) ? NULL : "it is not UTF-8";
}

static const char *parse_segment(struct aft_http_target *target, char *segment)
{
    if (target->n_segments == AFT_HTTP_MAX_SEGMENTS) {
        return "its path has too many segments";
    }
    const char *refusal = decode(segment, false);
    if (refusal != NULL) {
        return refusal;
    }
    if (strchr(segment, '/') != NULL) {
        return "it holds an encoded slash";
    }
    if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0) {
        return "its path holds a dot segment";
    }
    target->segments[target->n_segments++] = segment;
    return NULL;
}

static const char *parse_path(struct aft_http_target *target, char *path)
{
    const char *refusal = NULL;
    for (char *segment = path + 1, *next; segment != NULL && refusal == NULL; segment = next) {
        next = strchr(segment, '/');
        if (next != NULL) {
            *next++ = '\0';
        }
        refusal = parse_segment(target, segment);
    }
    return refusal;
}

static const char *parse_parameter(struct aft_http_target *target, char *name)
{
    char *value = strchr(name, '=');
    if (value != NULL) {
        *value++ = '\0';
    } else {
        value = name + strlen(name);
    }
    const char *refusal = decode(name, true);
    if (refusal == NULL && *value != '\0') {
        refusal = decode(value, true);
    }
    if (refusal != NULL) {
        return refusal;
    }
    if (aft_http_target_query(target, name) != NULL) {
        return "a parameter of its query is given twice";
    }
    if (target->n_query == AFT_HTTP_MAX_QUERY) {
        return "its query has too many parameters";
    }
    target->query[target->n_query++] = (struct aft_http_query){.name = name, .value = value};
    return NULL;
}

static const char *parse_query(struct aft_http_target *target, char *query)
{
    const char *refusal = NULL;
    for (char *name = query, *next; name != NULL && refusal == NULL; name = next) {
        next = strchr(name, '&');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (*name != '\0') {
            refusal = parse_parameter(target, name);
        }
    }
    return refusal;
}

const char *aft_http_target_parse(struct aft_http_target *target, char *text)
{
    *target = (struct aft_http_target){0};
    if (*text != '/') {
        return "it does not begin with '/'";
    }
    if (strlen(text) > AFT_HTTP_MAX_TARGET) {
        return "it is too long";
    }
    for (const char *byte = text; *byte != '\0'; byte++) {
        if (*byte <= 0x20 || *byte >= 0x7f || *byte == '#') { /* char may be signed */
            return "it holds a character that belongs percent-encoded";
        }
    }
    char *query = strchr(text, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    const char *refusal = parse_path(target, text);
    return refusal == NULL && query != NULL ? parse_query(target, query) : refusal;
}

const char *aft_http_target_query(const struct aft_http_target *target, const char *name)
{
    for (int i = 0; i < target->n_query; i++) {
        if (strcmp(target->query[i].name, name) == 0) {
            return target->query[i].value;
        }
    }
    return NULL;
}
