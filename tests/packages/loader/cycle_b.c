extern int a_data;
extern int a_function(int);
__attribute__((visibility("default"))) int b_function(int number) { return a_function(number) * 10 + a_data; }
__attribute__((visibility("default"))) int (*b_pointer(void))(int) { return a_function; }
