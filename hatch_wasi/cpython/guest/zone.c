/* Local time. wasi-libc knows UTC only, but its localtime_r, mktime and strftime ask three functions for the zone, and
   these are here: an object that defines them comes before libc's archive. TZ is read as POSIX has it, or names a file
   below /usr/share/zoneinfo, which the embedder may show (RFC 9636). No TZ, or one that cannot be read, means UTC. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hatch_wasi_posix.h"

enum { NAME_SIZE = 15, LARGEST_FILE = 1 << 20, HEADER = 44, DAY = 86400, YEAR = 31556952, TYPES = 256 };

const char __utc[] = "UTC";

struct period {
    int offset; /* seconds east of Greenwich */
    int is_dst;
    const char *name;
};

struct rule {
    char kind; /* 'M': month, week and day of the week; 'J': day 1 to 365 without leap days; 0: day 0 to 365 */
    int month, week, day, time;
};

static struct {
    char *setting; /* what TZ was */
    struct period standard, daylight;
    bool has_rule, has_daylight;
    struct rule begin, end;
    size_t count; /* of transitions, which come before the rule */
    int64_t *times;
    uint8_t *kinds;
    struct period types[TYPES];
    size_t type_count;
} zone;

/* Names outlive the zone: a `struct tm` keeps pointers to them. */
static const char *intern(const char *text, size_t size)
{
    static struct name {
        struct name *next;
        char text[NAME_SIZE + 1];
    } *names;
    size = size > NAME_SIZE ? NAME_SIZE : size;
    for (struct name *name = names; name; name = name->next)
        if (strncmp(name->text, text, size) == 0 && name->text[size] == 0)
            return name->text;
    struct name *made = calloc(1, sizeof *made);
    if (!made)
        return __utc;
    memcpy(made->text, text, size);
    made->next = names;
    names = made;
    return made->text;
}

/* The POSIX form: `CET-1CEST,M3.5.0,M10.5.0/3`. Each reader moves `text` on and says whether there was what it reads. */

static bool read_number(const char **text, int largest, int *value)
{
    const char *start = *text;
    for (*value = 0; **text >= '0' && **text <= '9' && *value <= largest; ++*text)
        *value = 10 * *value + (**text - '0');
    return *text != start && *value <= largest;
}

static bool read_time(const char **text, int *seconds)
{
    int sign = **text == '-' ? -1 : 1, hours, minutes = 0, rest = 0;
    if (**text == '-' || **text == '+')
        ++*text;
    if (!read_number(text, 167, &hours))
        return false;
    if (**text == ':' && (++*text, !read_number(text, 59, &minutes)))
        return false;
    if (**text == ':' && (++*text, !read_number(text, 59, &rest)))
        return false;
    *seconds = sign * (3600 * hours + 60 * minutes + rest);
    return true;
}

static bool is_letter(char letter)
{
    return (letter | 32) >= 'a' && (letter | 32) <= 'z';
}

static bool read_name(const char **text, const char **name)
{
    const char *start = *text;
    if (*start == '<') {
        const char *end = strchr(++start, '>');
        if (!end || end == start)
            return false;
        *name = intern(start, (size_t)(end - start));
        *text = end + 1;
        return true;
    }
    while (is_letter(**text))
        ++*text;
    *name = intern(start, (size_t)(*text - start));
    return *text - start >= 3;
}

static bool read_rule(const char **text, struct rule *rule)
{
    *rule = (struct rule){.time = 7200};
    if (**text == 'M') {
        rule->kind = *(*text)++;
        if (!read_number(text, 12, &rule->month) || rule->month < 1 || *(*text)++ != '.' ||
            !read_number(text, 5, &rule->week) || rule->week < 1 || *(*text)++ != '.' || !read_number(text, 6, &rule->day))
            return false;
    } else {
        if (**text == 'J')
            rule->kind = *(*text)++;
        if (!read_number(text, 365, &rule->day) || (rule->kind && !rule->day))
            return false;
    }
    return **text != '/' || (++*text, read_time(text, &rule->time));
}

static bool read_posix(const char *text)
{
    int west;
    zone.has_daylight = false;
    if (!read_name(&text, &zone.standard.name) || !read_time(&text, &west))
        return false;
    zone.standard.offset = -west;
    zone.standard.is_dst = 0;
    zone.daylight = zone.standard;
    if (*text) {
        if (!read_name(&text, &zone.daylight.name))
            return false;
        west -= 3600;
        if (*text && *text != ',' && !read_time(&text, &west))
            return false;
        zone.daylight.offset = -west;
        zone.daylight.is_dst = 1;
        zone.has_daylight = true;
        const char *rules = *text ? text : ",M3.2.0,M11.1.0";
        if (*rules++ != ',' || !read_rule(&rules, &zone.begin) || *rules++ != ',' || !read_rule(&rules, &zone.end))
            return false;
        text = *text ? rules : "";
    }
    return zone.has_rule = *text == 0;
}

/* Files of zones. */

static uint32_t read32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static int64_t read64(const uint8_t *data)
{
    return (int64_t)((uint64_t)read32(data) << 32 | read32(data + 4));
}

struct block {
    size_t leaps, times, types, letters, indicators, size;
};

/* What the header at `data` says of the block behind it, whose times have `width` bytes. */
static bool measure(const uint8_t *data, size_t left, size_t width, struct block *block)
{
    if (left < HEADER || memcmp(data, "TZif", 4) != 0)
        return false;
    for (size_t at = 20; at < HEADER; at += 4)
        if (read32(data + at) > LARGEST_FILE)
            return false;
    *block = (struct block){.indicators = read32(data + 20) + read32(data + 24), .leaps = read32(data + 28),
                            .times = read32(data + 32), .types = read32(data + 36), .letters = read32(data + 40)};
    block->size = block->times * (width + 1) + 6 * block->types + block->letters + block->leaps * (width + 4) +
                  block->indicators;
    return block->types > 0 && block->types <= TYPES && left - HEADER >= block->size;
}

static bool take_types(const uint8_t *types, const struct block *block)
{
    const uint8_t *letters = types + 6 * block->types;
    for (size_t index = 0; index < block->types; index++, types += 6) {
        if (types[5] >= block->letters)
            return false;
        const char *name = (const char *)letters + types[5];
        zone.types[index] = (struct period){(int32_t)read32(types), types[4] != 0,
                                            intern(name, strnlen(name, block->letters - types[5]))};
    }
    zone.type_count = block->types;
    return true;
}

static bool take_block(const uint8_t *data, const struct block *block, size_t width)
{
    const uint8_t *kinds = data + block->times * width;
    zone.times = malloc((block->times + 1) * sizeof *zone.times);
    zone.kinds = malloc(block->times + 1);
    if (!zone.times || !zone.kinds || !take_types(kinds + block->times, block))
        return false;
    for (size_t index = 0; index < block->times; index++) {
        zone.times[index] = width == 8 ? read64(data + 8 * index) : (int32_t)read32(data + 4 * index);
        zone.kinds[index] = kinds[index];
        if (kinds[index] >= block->types)
            return false;
    }
    zone.count = block->times;
    return true;
}

static bool read_zone(const uint8_t *data, size_t size)
{
    struct block block;
    if (!measure(data, size, 4, &block))
        return false;
    if (data[4] < '2')
        return take_block(data + HEADER, &block, 4);
    data += HEADER + block.size;
    size -= HEADER + block.size;
    if (!measure(data, size, 8, &block) || !take_block(data + HEADER, &block, 8))
        return false;
    const char *footer = (const char *)data + HEADER + block.size;
    size -= HEADER + block.size;
    const char *end = size > 2 && *footer == '\n' ? memchr(footer + 1, '\n', size - 1) : NULL;
    char *text = end ? strndup(footer + 1, (size_t)(end - footer - 1)) : NULL;
    zone.has_rule = text && read_posix(text);
    free(text);
    return true;
}

static bool read_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    uint8_t *data = NULL;
    size_t size = 0;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= LARGEST_FILE)
        data = malloc((size_t)status.st_size + 1);
    while (data && size < (size_t)status.st_size) {
        ssize_t got = read(fd, data + size, (size_t)status.st_size - size);
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    close(fd);
    bool done = data && read_zone(data, size);
    free(data);
    return done;
}

static void begin_with_utc(void)
{
    free(zone.times);
    free(zone.kinds);
    zone.times = NULL;
    zone.kinds = NULL;
    zone.count = zone.type_count = 0;
    zone.has_rule = zone.has_daylight = false;
    zone.standard = zone.daylight = (struct period){0, 0, __utc};
}

/* Read TZ again if it has changed. */
static void update(void)
{
    const char *setting = getenv("TZ");
    setting = setting ? setting : "";
    if (zone.setting && strcmp(zone.setting, setting) == 0)
        return;
    int before = errno;
    free(zone.setting);
    zone.setting = strdup(setting);
    begin_with_utc();
    setting += *setting == ':';
    if (*setting && !read_posix(setting)) {
        char path[256];
        begin_with_utc();
        int size = snprintf(path, sizeof path, *setting == '/' ? "%s" : "/usr/share/zoneinfo/%s", setting);
        if (size >= (int)sizeof path || strstr(setting, "..") || !read_file(path))
            begin_with_utc();
    }
    errno = before;
}

void tzset(void)
{
    update();
}

/* Days from 1970 to the first of January. */
static long long days_before(long long year)
{
    long long last = year - 1, centuries = last / 100 - (last % 100 < 0), fours = last / 4 - (last % 4 < 0);
    return 365 * last + fours - centuries + (centuries / 4 - (centuries % 4 < 0)) - 719162;
}

/* When a rule applies in a year, in seconds of the clock on the wall since 1970. */
static long long rule_time(const struct rule *rule, long long year)
{
    static const int starts[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    long long day = days_before(year);
    bool is_leap = days_before(year + 1) - day == 366;
    if (rule->kind == 'M') {
        int start = starts[rule->month - 1] + (is_leap && rule->month > 2);
        int size = starts[rule->month] - starts[rule->month - 1] + (is_leap && rule->month == 2);
        int weekday = (int)(((day + start + 4) % 7 + 7) % 7); /* of the month's first day; Thursday was 1970-01-01 */
        int shift = (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);
        day += start + (shift < size ? shift : shift - 7);
    } else
        day += rule->kind ? rule->day - 1 + (is_leap && rule->day > 59) : rule->day;
    return DAY * day + rule->time;
}

/* `seconds` since 1970, of UTC or of the clock on the wall. A time that the clock shows twice is the first of both. */
static struct period by_rule(long long seconds, bool is_wall)
{
    if (!zone.has_daylight)
        return zone.standard;
    long long wall = is_wall ? seconds : seconds + zone.standard.offset, year = 1970 + wall / YEAR;
    while (DAY * days_before(year) > wall)
        year--;
    while (DAY * days_before(year + 1) <= wall)
        year++;
    long long begin = rule_time(&zone.begin, year) - (is_wall ? 0 : zone.standard.offset);
    long long end = rule_time(&zone.end, year) - (is_wall ? 0 : zone.daylight.offset);
    bool is_dst = begin < end ? begin <= seconds && seconds < end : !(end <= seconds && seconds < begin);
    return is_dst ? zone.daylight : zone.standard;
}

static struct period first(void)
{
    for (size_t index = 0; index < zone.type_count; index++)
        if (!zone.types[index].is_dst)
            return zone.types[index];
    return zone.type_count ? zone.types[0] : zone.standard;
}

static struct period after(size_t transitions)
{
    return transitions ? zone.types[zone.kinds[transitions - 1]] : first();
}

/* Find the period of a time, and the offset of the next one before or after it with the other kind of time. */
static struct period find(long long seconds, bool is_wall, int *opposite)
{
    size_t low = 0, high = zone.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        long long moment = is_wall ? seconds - after(middle).offset : seconds;
        if (moment < zone.times[middle])
            high = middle;
        else
            low = middle + 1;
    }
    if (low == zone.count && (zone.has_rule || !zone.type_count)) {
        struct period found = by_rule(seconds, is_wall);
        *opposite = found.is_dst ? zone.standard.offset : zone.daylight.offset;
        return found;
    }
    struct period found = after(low);
    *opposite = found.offset;
    if (low && after(low - 1).is_dst != found.is_dst)
        *opposite = after(low - 1).offset;
    else if (low < zone.count && after(low + 1).is_dst != found.is_dst)
        *opposite = after(low + 1).offset;
    return found;
}

void __secs_to_zone(long long seconds, int is_wall, int *is_dst, int *offset, int *opposite, const char **name)
{
    int other;
    update();
    struct period found = find(seconds, is_wall, &other);
    if (is_dst)
        *is_dst = found.is_dst;
    if (offset)
        *offset = found.offset;
    if (opposite)
        *opposite = other;
    if (name)
        *name = found.name;
}

const char *__tm_to_tzname(const struct tm *moment)
{
    if (moment->tm_zone)
        return moment->tm_zone;
    update();
    if (zone.has_rule || !zone.type_count)
        return moment->tm_isdst > 0 ? zone.daylight.name : zone.standard.name;
    for (size_t index = zone.count; index > 0; index--)
        if (after(index).is_dst == (moment->tm_isdst > 0))
            return after(index).name;
    return first().name;
}
