/* What one extension module offers to the C of others, by a capsule. */
typedef struct {
    int version;
    double (*half)(double);
    PyObject *(*greet)(const char *);
    const char *(*type_name)(PyObject *);
} Api;

#define API_NAME "capsule._provider.api"
