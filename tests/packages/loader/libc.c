/* Parts of libc and libm, many of which python itself does not use. */
#include "module.h"

#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>

static int calls;
static int ascending(const void *left, const void *right)
{
    calls++;
    return *(const int *)left - *(const int *)right;
}

FUNCTION(sorted)
{
    int values[] = {42, 7, 99, -3, 15}, key = 15;
    calls = 0;
    qsort(values, 5, sizeof(int), ascending);
    int *found = bsearch(&key, values, 5, sizeof(int), ascending);
    return Py_BuildValue("iiiiiiO", values[0], values[1], values[2], values[3], values[4], (int)(found - values),
                         calls > 4 ? Py_True : Py_False);
}

FUNCTION(text)
{
    char buffer[200], words[] = "one,two;;three", *rest = NULL, *place = buffer;
    for (char *word = strtok_r(words, ",;", &rest); word; word = strtok_r(NULL, ",;", &rest))
        place += sprintf(place, "<%s>", word);
    long double third = 1.0L / 3.0L;
    snprintf(place, 120, "%+.3e|%a|%.20Lf|%05d|%-4s|%#llx", 12345.678, 0.5, third, 42, "ab", 255LL);
    return PyUnicode_FromString(buffer);
}

FUNCTION(scanned)
{
    int number = 0;
    double real = 0;
    char word[20] = "";
    int count = sscanf("17 2.5e3 hello", "%d %lf %19s", &number, &real, word);
    char *end = NULL;
    double parsed = strtod("0x1.8p1tail", &end);
    long double wide = strtold("1e-30", NULL);
    return Py_BuildValue("iidsdsO", count, number, real, word, parsed, end, wide > 0 ? Py_True : Py_False);
}

FUNCTION(mathematics)
{
    return Py_BuildValue("dddddd", erf(0.5), tgamma(5), hypot(3, 4), jn(2, 1.5), fma(2, 3, 4), (double)sinl(1.0L));
}

FUNCTION(others)
{
    struct tm broken = {.tm_year = 100, .tm_mon = 1, .tm_mday = 29};
    char when[40];
    strftime(when, sizeof when, "%Y-%m-%d %j", &broken);
    return Py_BuildValue("siiiis", when, fnmatch("*.c", "libc.c", 0), strcasecmp("ABC", "abc"), (int)wcslen(L"wide"),
                         isalpha('x') != 0, strpbrk("hello world", "ow"));
}

FUNCTION(printed)
{
    printf("printed by C: %d\n", 42);
    fprintf(stderr, "and to stderr: %.2f\n", 1.5);
    fflush(stdout);
    Py_RETURN_NONE;
}

MODULE(libc, NOARGS(sorted), NOARGS(text), NOARGS(scanned), NOARGS(mathematics), NOARGS(others), NOARGS(printed))
