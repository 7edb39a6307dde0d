#define PUBLIC __attribute__((visibility("default")))
PUBLIC int leaf_counter = 10;
PUBLIC int leaf_next(void) { return ++leaf_counter; }
static int squared(int number) { return number * number; }
PUBLIC int (*leaf_function(void))(int) { return squared; }
