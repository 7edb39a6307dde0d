int weigh(int a, double b) { return a + (int)b; }
