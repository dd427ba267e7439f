// The supervisor as a program of its own: a few pages of memory per task.
#include "CSupervisor.h"

int main(int argc, char **argv) { return supervisor_main(argc, argv); }
