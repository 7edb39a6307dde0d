#include "sieve.h"

void
sieve(unsigned char *composite, int count)
{
    for (int i = 0; i < count && i < 2; i++) {
        composite[i] = 1;
    }
    for (int i = 2; i < count; i++) {
        for (int j = 2 * i; j < count; j += i) {
            composite[j] = 1;
        }
    }
}
