#include "shared.h"

const int table[4] = {2, 3, 5, 7};
int counter = 40;

int
scaled(int value)
{
    counter++;
    return value * SCALE;
}
