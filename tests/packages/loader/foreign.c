/* Functions of many types, for ctypes to call; no extension module. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

struct one { double value; };
struct nested { struct one one[1]; };
struct tiny { signed char value; };
struct empty {};
struct pair { int first; short second; };
struct large { long long numbers[3]; double real; };
struct quad { long double value; };
union either { int number; float real; };
union lone { float real; };

PUBLIC int variable = 42;

PUBLIC double mixed(signed char a, unsigned char b, short c, unsigned short d, int e, unsigned f, long long g,
                    unsigned long long h, float i, double j)
{
    return (double)a + b + c + d + e + f + (double)g + (double)h + i + j;
}
PUBLIC signed char narrow(int value) { return (signed char)value; }
PUBLIC unsigned short narrow_unsigned(int value) { return (unsigned short)value; }
PUBLIC unsigned long long wide(unsigned long long value) { return value + 1; }
PUBLIC float half(float value) { return value / 2; }
PUBLIC long double quadruple(long double value, int exponent) { return ldexpl(value, exponent); }
PUBLIC struct one pass_one(struct one value) { return (struct one){value.value + 1}; }
PUBLIC struct nested pass_nested(struct nested value) { return (struct nested){{{value.one[0].value * 2}}}; }
PUBLIC struct tiny pass_tiny(struct tiny value) { return (struct tiny){(signed char)(value.value - 1)}; }
PUBLIC struct quad pass_quad(struct quad value) { return (struct quad){value.value + 1}; }
PUBLIC int pass_empty(struct empty nothing, int value) { (void)nothing; return value; }
PUBLIC struct pair pass_pair(struct pair value, int by)
{
    struct pair result = {value.first + by, (short)(value.second + by)};
    value.first = value.second = 0; /* the caller's must not change */
    return result;
}
PUBLIC struct large pass_large(int before, struct large value, int after)
{
    value.numbers[0] += before;
    value.numbers[2] += after;
    value.real = -value.real;
    return value;
}
PUBLIC int pass_either(union either value) { return value.number; }
PUBLIC float pass_lone(union lone value) { return value.real; }

static int calls;
PUBLIC void count(void) { calls++; }
PUBLIC int counted(void) { return calls; }

PUBLIC long double sum(int count, ...)
{
    va_list arguments;
    long double total = 0;
    va_start(arguments, count);
    for (int index = 0; index < count; index += 5) {
        total += va_arg(arguments, int);
        total += va_arg(arguments, double);
        total += va_arg(arguments, long long);
        struct pair pair = va_arg(arguments, struct pair);
        total += pair.first + pair.second;
        total += va_arg(arguments, long double);
    }
    va_end(arguments);
    return total;
}
PUBLIC int is_called_without(const char *format, ...) { return (int)strlen(format); }

PUBLIC double call_back(double (*function)(signed char, unsigned short, long long, float, double, struct one,
                                           struct pair, long double))
{
    return function(-1, 65535, -1LL << 40, 0.5f, 0.25, (struct one){8}, (struct pair){3, 4}, 2.5L);
}
PUBLIC int call_narrow(signed char (*function)(void)) { return function(); }
PUBLIC struct large call_large(struct large (*function)(struct large), struct large value) { return function(value); }
PUBLIC long double call_quadruple(long double (*function)(long double), long double value) { return function(value); }
PUBLIC float call_float(float (*function)(float), float value) { return function(value); }
PUBLIC long long call_wide(long long (*function)(long long), long long value) { return function(value); }
PUBLIC void call_void(void (*function)(int), int value) { function(value); }
PUBLIC int set_errno(int value) { int before = errno; errno = value; return before; }
PUBLIC int call_twice(int (*function)(int), int value) { return function(function(value)); }
