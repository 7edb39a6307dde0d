"""C kernels inside an extension module: on WASI against the same source built natively.

The project is built twice by the hook, for WASI and for the interpreter that runs this; the kernels never call Python,
so the two interpreters' versions do not matter. Set CC to choose the native compiler.
"""

import json
import sys
import zipfile

from bench import MODULE, build_wheel, duration, geometric_mean, hatch_wasi, make_project, run, scratch

ROUNDS = 7
SOURCE = """
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static double k_fib(void) { return fib(32); }

static double k_matrix(void) {
    enum { N = 160 };
    static double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) { a[i][j] = i + j; b[i][j] = i - j; c[i][j] = 0; }
    for (int i = 0; i < N; i++) for (int k = 0; k < N; k++) for (int j = 0; j < N; j++) c[i][j] += a[i][k] * b[k][j];
    return c[N - 1][N - 1];
}

static double k_sieve(void) {
    enum { N = 2000000 };
    unsigned char *sieve = malloc(N);
    memset(sieve, 1, N);
    int count = 0;
    for (int i = 2; i < N; i++) if (sieve[i]) { count++; for (int64_t j = (int64_t)i * i; j < N; j += i) sieve[j] = 0; }
    free(sieve);
    return count;
}

static double k_hash(void) {
    uint64_t hash = 1469598103934665603ULL;
    for (int i = 0; i < 6000000; i++) { hash ^= (uint64_t)i & 255; hash *= 1099511628211ULL; }
    return (double)(hash >> 32);
}

static int compare(const void *a, const void *b) { return (*(int *)a > *(int *)b) - (*(int *)a < *(int *)b); }
static double k_qsort(void) {
    enum { N = 100000 };
    int *values = malloc(N * sizeof(int));
    for (int i = 0; i < N; i++) values[i] = (int)((uint32_t)i * 2654435761u >> 4);
    qsort(values, N, sizeof(int), compare);
    double middle = values[N / 2];
    free(values);
    return middle;
}

static double k_math(void) {
    double total = 0;
    for (int i = 1; i < 300000; i++) total += sin(i) * sqrt(i) + exp(-1.0 / i);
    return total;
}

static double k_memory(void) {
    enum { N = 1 << 20 };
    char *from = malloc(N), *to = malloc(N);
    memset(from, 1, N);
    double total = 0;
    for (int i = 0; i < 60; i++) { memcpy(to, from, N); from[i] = (char)i; total += to[i]; }
    free(from); free(to);
    return total;
}

#define KERNEL(name) static PyObject *py_##name(PyObject *s, PyObject *u) { return PyFloat_FromDouble(k_##name()); }
KERNEL(fib) KERNEL(matrix) KERNEL(sieve) KERNEL(hash) KERNEL(qsort) KERNEL(math) KERNEL(memory)
#define ROW(name) {#name, py_##name, METH_NOARGS, ""}
static PyMethodDef methods[] = {
    ROW(fib), ROW(matrix), ROW(sieve), ROW(hash), ROW(qsort), ROW(math), ROW(memory), {0}};
"""
PROGRAM = """
import json, sys, time
sys.path[:0] = sys.argv[1:]
import bench._native as native
times = {}
for name in ("fib", "matrix", "sieve", "hash", "qsort", "math", "memory"):
    runs = []
    for _ in range(5):
        began = time.perf_counter()
        getattr(native, name)()
        runs.append(time.perf_counter() - began)
    times[name] = min(runs)
print(json.dumps(times))
"""


def main() -> None:
    """Measure and print."""
    with scratch() as folder:
        project = make_project(folder / "project", {"native.c": SOURCE + MODULE})
        wasi = build_wheel(project)
        with zipfile.ZipFile(build_wheel(project, target="native")) as wheel:
            wheel.extractall(folder / "native")
        hatch_wasi("install", "-q", wasi)
        natives: list[dict[str, float]] = []
        guests: list[dict[str, float]] = []
        for _ in range(ROUNDS):
            natives.append(json.loads(run([sys.executable, "-c", PROGRAM, folder / "native"])))
            guests.append(json.loads(hatch_wasi("run", "-c", PROGRAM, cwd=folder)))
    print(f"\nC kernels, the fastest of {ROUNDS * 5}:\n")
    print("| | native | WASI | ratio |\n|---|---|---|---|")
    ratios = []
    for name in natives[0]:
        native = min(times[name] for times in natives)
        guest = min(times[name] for times in guests)
        ratios.append(guest / native)
        print(f"| {name} | {duration(native)} | {duration(guest)} | {ratios[-1]:.2f} |")
    print(f"| **geometric mean** | | | **{geometric_mean(ratios):.2f}** |")


if __name__ == "__main__":
    main()
