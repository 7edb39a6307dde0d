void sieve(unsigned char *composite, int count);
