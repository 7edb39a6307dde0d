#define PUBLIC __attribute__((visibility("default")))
extern int leaf_counter;
extern int leaf_next(void);
PUBLIC int *middle_pointer = &leaf_counter;
static int ready;
__attribute__((constructor)) static void prepare(void) { ready = leaf_next(); }
PUBLIC int middle_ready(void) { return ready; }
PUBLIC void *middle_leaf_next(void) { return (void *)leaf_next; }
