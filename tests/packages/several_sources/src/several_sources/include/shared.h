#ifndef SHARED_H
#define SHARED_H
/* Defined in table.c, used in module.c. */
extern const int table[4];
extern int counter;
int scaled(int value);
#endif
