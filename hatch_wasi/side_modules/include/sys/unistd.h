/* Another name that glibc and newlib have for it. */
#include <unistd.h>
